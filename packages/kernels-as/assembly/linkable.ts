/**
 * What the linker (src/link) puts self-contained modules together from: every function that it may call or leave out is
 * exported, so that the optimizer keeps it apart. `start`, `steps`, `save` and `savedStateValid` serve models of any shape;
 * for chains of layers the linker writes its own code that calls the kernels.
 */
import { TANH_HALF } from "./tables.gen";

export { __data_end, __heap_base };
export { clearWords, fillRow } from "./arith";
export { crc32 } from "./crc";
export { start, steps } from "./executor";
export { fastGrnnUnits } from "./fastgrnn";
export { gru } from "./gru";
export { lstm } from "./lstm";
export { layerNorm, softmax } from "./normalize";
export { activation, affine, embedding, input, mask, merge, prelu } from "./pointwise";
export { dense, rnn } from "./rnn";
export { copyValues, dequeue, enqueue, keepReversed, keepRow, keepValues, recallReversed, recallValues } from "./routing";
export { save, savedStateValid } from "./saved-state";
export {
  conv1d,
  depthwiseConv1d,
  globalPool,
  pool,
  pushGlobalPool,
  pushWindowed,
  startWindowed,
} from "./windowed";

/** Where the table of 257 words lies, which the linker packs. */
export function tanhTable(): usize {
  return TANH_HALF;
}
