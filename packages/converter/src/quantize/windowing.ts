import type { Padding } from "../graph/types.js";
import { QuantizeError } from "./errors.js";

/** How a sliding kernel walks over its rows. */
export interface Windowing {
  /** Rows of history: (taps - 1) * dilation + 1. */
  readonly span: number;
  readonly padLeft: number;
  /** Rows that leave; undefined while the time dimension is open. */
  readonly rowsOut: number | undefined;
}

/**
 * Left padding and number of output rows as TensorFlow defines them.
 * @param rowsIn rows of the window, or undefined in a stream model, whose `same` padding is that of a long sequence
 * @throws QuantizeError for `same` with a stride over an open time dimension, whose padding depends on the length
 */
export function planWindowing(
  name: string,
  node: { taps: number; dilation: number; stride: number; padding: Padding },
  rowsIn: number | undefined,
): Windowing {
  const { taps, dilation, stride, padding } = node;
  const span = (taps - 1) * dilation + 1;
  if (padding === "valid") {
    const rowsOut = rowsIn === undefined ? undefined : Math.max(0, Math.floor((rowsIn - span) / stride) + 1);
    return { span, padLeft: 0, rowsOut };
  }
  const rowsOut = rowsIn === undefined ? undefined : Math.ceil(rowsIn / stride);
  if (padding === "causal") return { span, padLeft: span - 1, rowsOut };
  if (rowsIn === undefined || rowsOut === undefined) {
    if (stride > 1) {
      throw new QuantizeError(`${name} pads 'same' with stride ${stride}, which depends on the length: give a window`);
    }
    return { span, padLeft: (span - 1) >> 1, rowsOut };
  }
  const total = Math.max(0, (rowsOut - 1) * stride + span - rowsIn);
  return { span, padLeft: total >> 1, rowsOut };
}
