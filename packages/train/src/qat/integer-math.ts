import type { Tensor2D } from "@tensorflow/tfjs";
import { kernelsOf } from "../fused/fused-cell.js";
import type { MatrixSize } from "../fused/kernels.js";
import type { Tf } from "../tf/load-tf.js";
import { TANH_HALF } from "./tables.gen.js";

/** Real value of one LSB of a gate, of tanh and of states behind them. */
export const Q15 = 2 ** -15;

/** KERNELS.md (1). */
export const sat16 = (a: number): number => (a > 32767 ? 32767 : a < -32768 ? -32768 : a);

/** (3) in doubles; a * m loses bits beyond 2^53, worth 2^-23 of an LSB. */
export const requantize = (acc: number, multiplier: number): number => Math.floor((acc * multiplier) / 2 ** 32 + 0.5);

/** (4) for all 65,536 arguments. */
const TANH_OF = Int16Array.from({ length: 65536 }, (_, i) => {
  const p = i - 32768;
  const magnitude = Math.abs(p);
  const word = TANH_HALF[magnitude >> 7];
  const y = (word >>> 16) + (((word & 0xffff) * (magnitude & 127)) >> 7);
  return p < 0 ? -y : y;
});

/** An activation on integers, and its slope in real numbers. */
export interface IntegerActivation {
  /** Real value of one LSB of the pre-activation and of the result. */
  readonly inScale: number;
  readonly outScale: number;
  /** Of a saturated pre-activation. */
  apply(p: number): number;
  /** dy/dp, given both as integers; 0 where the integers saturate. */
  slope(p: number, y: number): number;
}

const TANH: IntegerActivation = {
  inScale: 2 ** -12,
  outScale: Q15,
  apply: (p) => TANH_OF[p + 32768],
  slope: (_, y) => 1 - y * Q15 * (y * Q15),
};
export const SIGMOID: IntegerActivation = {
  inScale: 2 ** -11,
  outScale: Q15,
  apply: (p) => (TANH_OF[p + 32768] + 32768) >> 1,
  slope: (_, y) => y * Q15 * (1 - y * Q15),
};

/**
 * The activations that training simulates; undefined for others.
 * @param scale of the result, where the activation leaves it free
 */
export function integerActivation(name: string, scale: number): IntegerActivation | undefined {
  switch (name) {
    case "tanh":
      return TANH;
    case "sigmoid":
      return SIGMOID;
    case "hardSigmoid":
    case "hard_sigmoid":
      return {
        inScale: 5 * Q15,
        outScale: Q15,
        apply: (p) => Math.min(32767, Math.max(0, p + 16384)),
        slope: (p) => (p > -16384 && p < 16383 ? 0.2 : 0),
      };
    case "relu":
      return {
        inScale: scale,
        outScale: scale,
        apply: (p) => (p > 0 ? p : 0),
        slope: (p) => Number(p > 0 && p < 32767),
      };
    case "linear":
      return { inScale: scale, outScale: scale, apply: (p) => p, slope: (p) => Number(p > -32768 && p < 32767) };
    default:
      return undefined;
  }
}

/** Columns whose products of bytes sum exactly in float32: 255 * 127 * 512 < 2^24. */
const EXACT_COLUMNS = 512;

/**
 * Integer matrix product [rows, columns] * [columns, width] of int16 with int8, exact: tfjs multiplies the high and
 * the low bytes, each of whose sums stays below 2^24, and both are put together in doubles.
 */
export function exactProduct(tf: Tf, x: Float32Array, columns: number, weights: Float32Array): Float64Array {
  const rows = x.length / columns;
  const width = weights.length / columns;
  const sums = new Float64Array(rows * width);
  for (let from = 0; from < columns; from += EXACT_COLUMNS) {
    const count = Math.min(EXACT_COLUMNS, columns - from);
    const bytes = new Float32Array(2 * rows * count);
    for (let row = 0; row < rows; row++) {
      for (let c = 0; c < count; c++) {
        const value = x[row * columns + from + c];
        const high = value >> 8;
        bytes[row * count + c] = high;
        bytes[(rows + row) * count + c] = value - 256 * high;
      }
    }
    const part = weights.subarray(from * width, (from + count) * width);
    const product = matrixProduct(tf, bytes, [2 * rows, count], part, [count, width]);
    for (let i = 0; i < sums.length; i++) sums[i] += 256 * product[i] + product[sums.length + i];
  }
  return sums;
}

/** Product of two matrices, either transposed first, in our kernels where they are in use. */
export function matrixProduct(
  tf: Tf,
  a: Float32Array,
  sizeA: MatrixSize,
  b: Float32Array,
  sizeB: MatrixSize,
  { transposeA = false, transposeB = false } = {},
): Float32Array {
  const kernels = kernelsOf(tf);
  if (kernels !== undefined) return kernels.product(a, sizeA, b, sizeB, { transposeA, transposeB });
  const first: Tensor2D = tf.tensor2d(a, [...sizeA]);
  const second: Tensor2D = tf.tensor2d(b, [...sizeB]);
  const product = tf.matMul(first, second, transposeA, transposeB);
  // Not by tf.tidy, which would look for tensors among all the numbers that come out.
  const values = product.dataSync<"float32">();
  tf.dispose([first, second, product]);
  return values;
}

/** Sums of the columns of a matrix. */
export function columnSums(values: Float32Array, width: number): Float32Array {
  const sums = new Float64Array(width);
  for (let i = 0; i < values.length; i++) sums[i % width] += values[i];
  return Float32Array.from(sums);
}
