// Whole sequences of recurrent cells, forward and backward, in float32 SIMD; the host gives addresses in the module's own memory.
export { fastGrnnBackward, fastGrnnForward } from "./fast-grnn";
export { multiply, packedBytes, productScratchBytes } from "./gemm";
export { gruAfterBackward, gruAfterForward, gruBeforeBackward, gruBeforeForward } from "./gru";
export { lstmBackward, lstmForward } from "./lstm";
export { minimalGruBackward, minimalGruForward } from "./minimal-gru";
export { permute } from "./sequence";
export { simpleRnnBackward, simpleRnnForward } from "./simple-rnn";

/** Address of the first byte that is the host's. */
export function firstFree(): usize {
  return __heap_base;
}
