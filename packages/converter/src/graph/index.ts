export { GraphBuilder, pruneGraph } from "./builder.js";
export { type FoldedGraph, foldGraph, type InputNormalization } from "./fold.js";
export type * from "./types.js";
