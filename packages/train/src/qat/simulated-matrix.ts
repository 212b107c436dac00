import { type NetworkLayer, unitsOf } from "../prune/network.js";
import type { Tf } from "../tf/load-tf.js";
import {
  columnSums,
  exactProduct,
  type IntegerActivation,
  integerActivation,
  matrixProduct,
  requantize,
  sat16,
} from "./integer-math.js";
import { integerRows } from "./integer-rows.js";
import type { Rows, SimulatedLayer } from "./simulated-layer.js";
import type { LayerGrid } from "./weight-grid.js";

/**
 * Dense and Conv1D in integers (KERNELS.md 26, 27); undefined for activations and paddings that are not simulated.
 * @param isHead the last layer: its results are logits of 32 bits, its own activation is left to the caller
 */
export function simulateMatrix(
  tf: Tf,
  layer: NetworkLayer,
  grid: LayerGrid,
  weights: readonly Float32Array[],
  isHead: boolean,
): SimulatedLayer | undefined {
  const name = isHead ? "linear" : String(layer.config["activation"] ?? "linear");
  const activation = integerActivation(name, grid.hiddenScale);
  if (activation === undefined) return undefined;
  const window = layer.className === "Conv1D" ? windowOf(layer) : ONE;
  return window === undefined ? undefined : new MatrixLayer(tf, layer, grid, weights, activation, window, isHead);
}

/** How a Conv1D moves over its rows. */
interface Window {
  readonly taps: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padding: "valid" | "same" | "causal";
}

const ONE: Window = { taps: 1, stride: 1, dilation: 1, padding: "valid" };
const single = (value: unknown): number => Number(Array.isArray(value) ? value[0] : (value ?? 1));

function windowOf({ config }: NetworkLayer): Window | undefined {
  const { padding = "valid" } = config;
  if (padding !== "valid" && padding !== "same" && padding !== "causal") return undefined;
  const [taps, stride, dilation] = ["kernel_size", "strides", "dilation_rate"].map((key) => single(config[key]));
  return { taps, stride, dilation, padding };
}

class MatrixLayer implements SimulatedLayer {
  #x: Rows = { values: new Float32Array(), batch: 0, steps: 0, columns: 0, scale: 1 };
  #unrolled = new Float32Array();
  #pre = new Float32Array();
  #values = new Float32Array();
  readonly #integers;
  readonly #width: number;

  constructor(
    readonly tf: Tf,
    layer: NetworkLayer,
    grid: LayerGrid,
    readonly weights: readonly Float32Array[],
    readonly activation: IntegerActivation,
    readonly window: Window,
    readonly isHead: boolean,
  ) {
    this.#width = unitsOf(layer);
    this.#integers = integerRows(layer, grid, weights, new Float64Array(this.#width).fill(activation.inScale));
  }

  forward(x: Rows): Rows {
    const width = this.#width;
    this.#x = x;
    const { taps } = this.window;
    this.#unrolled = taps === 1 && this.window.stride === 1 ? Float32Array.from(x.values) : this.#unroll(x);
    const sums = exactProduct(this.tf, this.#unrolled, taps * x.columns, this.#integers.input);
    this.#pre = new Float32Array(sums.length);
    this.#values = new Float32Array(sums.length);
    const logits = new Float64Array(this.isHead ? sums.length : 0);
    const { bias, multiplier } = this.#integers;
    for (let i = 0; i < sums.length; i++) {
      const q = requantize(sums[i] + bias[i % width], multiplier[i % width]);
      this.#pre[i] = this.isHead ? q : sat16(q);
      this.#values[i] = this.isHead ? q : this.activation.apply(this.#pre[i]);
      if (this.isHead) logits[i] = q;
    }
    const steps = sums.length / (width * x.batch);
    const rows = { values: this.#values, batch: x.batch, steps, columns: width, scale: this.activation.outScale };
    return this.isHead ? { ...rows, logits } : rows;
  }

  backward(slopes: Float32Array) {
    const { tf } = this;
    const { scale, columns } = this.#x;
    const width = this.#width;
    const inputs = this.window.taps * columns;
    const rows = this.isHead
      ? slopes
      : slopes.map((value, i) => value * this.activation.slope(this.#pre[i], this.#values[i]));
    const count = rows.length / width;
    const real = this.#unrolled.map((value) => value * scale);
    const kernel = matrixProduct(tf, real, [count, inputs], rows, [count, width], { transposeA: true });
    const back = matrixProduct(tf, rows, [count, width], this.weights[0], [inputs, width], { transposeB: true });
    const weights = this.weights.length > 1 ? [kernel, columnSums(rows, width)] : [kernel];
    return { input: inputs === columns && this.window.stride === 1 ? back : this.#rollUp(back), weights };
  }

  /** Calls `each` with the places of every tap's row in the unrolled rows and in the input. */
  #walk({ batch, steps, columns }: Rows, each: (unrolled: number, input: number) => void): number {
    const { taps, stride, dilation, padding } = this.window;
    const reach = (taps - 1) * dilation + 1;
    const results = padding === "valid" ? Math.floor((steps - reach) / stride) + 1 : Math.ceil(steps / stride);
    const missing = Math.max(0, (results - 1) * stride + reach - steps);
    const left = padding === "valid" ? 0 : padding === "same" ? missing >> 1 : reach - 1;
    for (let sample = 0; sample < batch; sample++) {
      for (let row = 0; row < results; row++) {
        for (let tap = 0; tap < taps; tap++) {
          const step = row * stride + tap * dilation - left;
          if (step < 0 || step >= steps) continue;
          each(((sample * results + row) * taps + tap) * columns, (sample * steps + step) * columns);
        }
      }
    }
    return results;
  }

  #unroll(x: Rows): Float32Array<ArrayBuffer> {
    const places: [number, number][] = [];
    const results = this.#walk(x, (to, from) => places.push([to, from]));
    const unrolled = new Float32Array(x.batch * results * this.window.taps * x.columns);
    for (const [to, from] of places) unrolled.set(x.values.subarray(from, from + x.columns), to);
    return unrolled;
  }

  #rollUp(unrolled: Float32Array): Float32Array {
    const { columns } = this.#x;
    const slopes = new Float32Array(this.#x.values.length);
    this.#walk(this.#x, (from, to) => {
      for (let c = 0; c < columns; c++) slopes[to + c] += unrolled[from + c];
    });
    return slopes;
  }
}
