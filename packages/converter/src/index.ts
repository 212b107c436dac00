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
