export { activationFunction } from "./activate.js";
export { FloatExecutor, type FloatRunOptions, FloatStream } from "./executor.js";
export type { Observation, Observer, Signal } from "./rows.js";
