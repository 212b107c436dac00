export { ImportError, type ImportErrorCode, type ImportErrorPlace } from "./errors.js";
export { type ImportOptions, importModel } from "./import-model.js";
export { folderSource, openModel } from "./open.js";
export { type ModelSource, memorySource } from "./source.js";
