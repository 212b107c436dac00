/** The runtime alone: what a browser or a worker needs to run a `.gate` file. */
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
