export { act, mulh, rshr, sat16, tanhHalf } from "./arithmetic.js";
export { type OutputRow, ReferenceModel, ReferenceStream, type StepResult } from "./model.js";
