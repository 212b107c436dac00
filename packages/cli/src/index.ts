/**
 * Gatelet as a library. `convert` and the importers work on memory and need no Node built-ins unless a path is opened;
 * `Model` runs in Node, workers and browsers (there, import it from `gatelet/model`, which brings nothing else along).
 */
export {
  BudgetError,
  CalibrationError,
  type ConvertedModel,
  type ConvertOptions,
  convert,
  folderSource,
  ImportError,
  importModel,
  type ModelSource,
  memorySource,
  openModel,
  QuantizeError,
  type QuantizeReport,
} from "@gatelet/converter";
export { FormatError, type ModelMeta, readModel } from "@gatelet/converter/format";
export {
  type Decision,
  type FrameValues,
  KernelError,
  type LoadOptions,
  Model,
  type ModelDescription,
  type StepResult,
  type Stream,
} from "@gatelet/kernels";
