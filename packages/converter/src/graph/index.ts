export { GraphBuilder, pruneGraph } from "./builder.js";
export type * from "./types.js";
