export { type ConvertedModel, type ConvertOptions, convert } from "./convert.js";
export {
  activationFunction,
  FloatExecutor,
  type FloatRunOptions,
  FloatStream,
  type Observation,
  type Observer,
  type Signal,
} from "./float/index.js";
export type * from "./graph/index.js";
export { foldGraph, GraphBuilder, pruneGraph } from "./graph/index.js";
export {
  folderSource,
  ImportError,
  type ImportErrorCode,
  type ImportErrorPlace,
  type ImportOptions,
  importModel,
  type ModelSource,
  memorySource,
  openModel,
} from "./import/index.js";
export { encodeFrame, encodingOf, type InputTransform, type RawEncoding } from "./lower/input-encoding.js";
export { BudgetError, CalibrationError, QuantizeError } from "./quantize/errors.js";
export type {
  Budget,
  CalibrationUnit,
  LayerReport,
  Progress,
  QuantizeOptions,
  QuantizeReport,
} from "./quantize/options.js";
export { type QuantizedResult, quantize } from "./quantize/quantize.js";
export type { RangeMethod } from "./quantize/range.js";
export type { WeightBits } from "./quantize/rows.js";
