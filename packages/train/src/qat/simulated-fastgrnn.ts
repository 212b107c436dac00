import { type NetworkLayer, unitsOf } from "../prune/network.js";
import type { Tf } from "../tf/load-tf.js";
import {
  columnSums,
  exactProduct,
  type IntegerActivation,
  integerActivation,
  matrixProduct,
  Q15,
  requantize,
  SIGMOID,
  sat16,
} from "./integer-math.js";
import { integerRows } from "./integer-rows.js";
import type { Rows, SimulatedLayer } from "./simulated-layer.js";
import { byBatch, byTime } from "./time-order.js";
import type { LayerGrid } from "./weight-grid.js";

const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value));

/** FastGRNN in integers (KERNELS.md 48 to 51); undefined for functions that training does not have. */
export function simulateFastGrnn(
  tf: Tf,
  layer: NetworkLayer,
  grid: LayerGrid,
  weights: readonly Float32Array[],
): SimulatedLayer | undefined {
  const { activation, recurrent_activation: gate } = layer.config;
  const tanh = integerActivation("tanh", Q15);
  if (activation !== "tanh" || gate !== "sigmoid" || tanh === undefined) return undefined;
  return new FastGrnnLayer(tf, layer, grid, weights, tanh);
}

/** Integers of every unit and step that the way back needs, by time. */
interface Trace {
  readonly pre: Float32Array;
  readonly argument: Float32Array;
  readonly gate: Float32Array;
  readonly candidate: Float32Array;
  /** States; the first are those before the first step. */
  readonly states: Float32Array;
}

class FastGrnnLayer implements SimulatedLayer {
  readonly #units: number;
  readonly #sequences: boolean;
  readonly #integers;
  /** zeta and nu in real numbers and, as (50) has them, in integers. */
  readonly #factors: readonly [zeta: number, nu: number];
  readonly #scaled: readonly [zeta: number, nu: number];
  readonly #multiplier: number;
  readonly #difference: Float64Array;
  #x: Rows = { values: new Float32Array(), batch: 0, steps: 0, columns: 0, scale: 1 };
  #trace!: Trace;

  constructor(
    readonly tf: Tf,
    layer: NetworkLayer,
    readonly grid: LayerGrid,
    readonly weights: readonly Float32Array[],
    readonly activation: IntegerActivation,
  ) {
    const units = unitsOf(layer);
    const [, , bias, zeta, nu] = weights;
    this.#units = units;
    this.#sequences = layer.config["return_sequences"] === true;
    this.#integers = integerRows(layer, grid, weights, new Float64Array(units).fill(activation.inScale));
    const unit = grid.hiddenScale / (activation.outScale * 32768);
    this.#factors = [Math.fround(sigmoid(zeta[0])), Math.fround(sigmoid(nu[0]))];
    this.#scaled = [Math.round(this.#factors[0] / unit), Math.round(this.#factors[1] / unit)];
    this.#multiplier = Math.round((65536 * activation.inScale) / SIGMOID.inScale);
    this.#difference = Float64Array.from({ length: units }, (_, i) =>
      sat16(Math.round(Math.fround(bias[units + i] - bias[i]) / SIGMOID.inScale)),
    );
  }

  forward(x: Rows): Rows {
    const { batch, steps } = x;
    const units = this.#units;
    const size = batch * units;
    this.#x = { ...x, values: byTime(x) };
    const row = () => new Float32Array(steps * size);
    const states = new Float32Array((steps + 1) * size);
    this.#trace = { pre: row(), argument: row(), gate: row(), candidate: row(), states };
    const { input, recurrent, inputFactor, recurrentFactor, bias, multiplier } = this.#integers;
    const projected = exactProduct(this.tf, this.#x.values, x.columns, input);
    for (let step = 0; step < steps; step++) {
      const from = step * size;
      const hidden = states.subarray(from, from + size);
      const sums = exactProduct(this.tf, hidden, units, recurrent as Float32Array);
      for (let i = 0; i < size; i++) {
        const unit = i % units;
        const sum = projected[from + i] * inputFactor + sums[i] * recurrentFactor;
        this.#finish(from + i, unit, sat16(requantize(sum + bias[unit], multiplier[unit])), size);
      }
    }
    const shape = { batch, columns: units, scale: this.grid.hiddenScale };
    if (!this.#sequences) return { ...shape, steps: 1, values: states.slice(steps * size) };
    return { ...shape, steps, values: byBatch(states.subarray(size), batch, steps, units) };
  }

  /** (48) to (51) of one unit. */
  #finish(at: number, unit: number, p: number, size: number): void {
    const { pre, argument, gate, candidate, states } = this.#trace;
    const a = sat16(sat16(requantize(p * 65536, this.#multiplier)) + this.#difference[unit]);
    const g = this.activation.apply(p);
    const z = SIGMOID.apply(a);
    const [zeta, nu] = this.#scaled;
    const k = nu + Math.floor((zeta * (32768 - z) + 16384) / 32768);
    pre[at] = p;
    argument[at] = a;
    gate[at] = z;
    candidate[at] = g;
    states[at + size] = sat16(Math.floor((k * g + z * states[at] + 16384) / 32768));
  }

  backward(slopes: Float32Array): { input: Float32Array; weights: Float32Array[] } {
    const { batch, steps } = this.#x;
    const units = this.#units;
    const size = batch * units;
    const given = this.#sequences ? byTime({ values: slopes, batch, steps, columns: units, scale: 1 }) : slopes;
    const candidates = new Float32Array(steps * size);
    const gates = new Float32Array(steps * size);
    const rows = new Float32Array(steps * size);
    const factors = [0, 0];
    let hidden = new Float32Array(size);
    for (let step = steps - 1; step >= 0; step--) {
      const from = step * size;
      if (this.#sequences) for (let i = 0; i < size; i++) hidden[i] += given[from + i];
      else if (step === steps - 1) hidden.set(given);
      const direct = new Float32Array(size);
      for (let i = 0; i < size; i++) direct[i] = this.#backwardUnit(from + i, hidden[i], candidates, gates, factors);
      for (let i = from; i < from + size; i++) rows[i] = candidates[i] + gates[i];
      const own = rows.subarray(from, from + size);
      const sizes = [batch, units] as const;
      const through = matrixProduct(this.tf, own, sizes, this.weights[1], [units, units], { transposeB: true });
      hidden = Float32Array.from(through, (value, i) => value + direct[i]);
    }
    return this.#gradients(rows, candidates, gates, factors);
  }

  /** Slopes of one unit's two arguments and of the factors; returns that of the state before, without the matrix. */
  #backwardUnit(at: number, slope: number, candidates: Float32Array, gates: Float32Array, factors: number[]): number {
    const { pre, argument, gate, candidate, states } = this.#trace;
    const [zeta, nu] = this.#factors;
    const z = gate[at] * Q15;
    const g = candidate[at] * Q15;
    candidates[at] = slope * (zeta * (1 - z) + nu) * this.activation.slope(pre[at], candidate[at]);
    gates[at] = slope * (states[at] * this.grid.hiddenScale - zeta * g) * SIGMOID.slope(argument[at], gate[at]);
    factors[0] += slope * (1 - z) * g;
    factors[1] += slope * g;
    return slope * z;
  }

  #gradients(rows: Float32Array, candidates: Float32Array, gates: Float32Array, factors: readonly number[]) {
    const { tf } = this;
    const { batch, steps, columns, scale, values } = this.#x;
    const units = this.#units;
    const count = steps * batch;
    const turned = { transposeA: true };
    const inputs = values.map((value) => value * scale);
    const states = this.#trace.states.subarray(0, count * units).map((value) => value * this.grid.hiddenScale);
    const kernel = matrixProduct(tf, inputs, [count, columns], rows, [count, units], turned);
    const recurrent = matrixProduct(tf, states, [count, units], rows, [count, units], turned);
    const bias = Float32Array.of(...columnSums(candidates, units), ...columnSums(gates, units));
    const [zeta, nu] = this.#factors.map((value, i) => Float32Array.of(factors[i] * value * (1 - value)));
    const back = matrixProduct(tf, rows, [count, units], this.weights[0], [columns, units], { transposeB: true });
    return { input: byBatch(back, batch, steps, columns), weights: [kernel, recurrent, bias, zeta, nu] };
  }
}
