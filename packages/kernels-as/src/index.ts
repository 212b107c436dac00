export type { ModelDescription, ModelMetaData, OutputTransform } from "./description.js";
export { type EngineKind, engineBytes, type KernelExports, simdSupported } from "./engine.js";
export { KernelError, type KernelErrorCode } from "./errors.js";
export type { FrameValues } from "./input.js";
export {
  type ComponentDescription,
  checkLinkedModule,
  componentOf,
  componentWit,
  isDirectKernel,
  kernelsFor,
  type Layout,
  LINKED_FUNCTIONS,
  type LinkedModule,
  type LinkedProfile,
  type LinkFacts,
  type LinkOptions,
  type LinkRecord,
  linkModule,
} from "./link/index.js";
export { type LoadOptions, Model } from "./model.js";
export type { Decision, StepResult } from "./output.js";
export { STATUS_TABLE, type StatusName } from "./statuses.gen.js";
export { Stream } from "./stream.js";
