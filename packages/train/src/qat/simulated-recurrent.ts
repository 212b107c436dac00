import { gatesOf, type NetworkLayer, unitsOf } from "../prune/network.js";
import type { Tf } from "../tf/load-tf.js";
import {
  columnSums,
  exactProduct,
  type IntegerActivation,
  matrixProduct,
  Q15,
  requantize,
  sat16,
} from "./integer-math.js";
import { integerRows, resetsAfter } from "./integer-rows.js";
import { type CellActivations, cellActivations, preScalesOf } from "./pre-scales.js";
import type { Rows, SimulatedLayer } from "./simulated-layer.js";
import { byBatch, byTime, columnsOf } from "./time-order.js";
import type { LayerGrid } from "./weight-grid.js";

/** What one step of a cell gets and gives; arrays are [batch, width] of integers. */
interface Step {
  /** First of the row of gates, and of units, that belongs to this step and sample. */
  readonly gateAt: number;
  readonly unitAt: number;
}

/**
 * A recurrent layer in integers (KERNELS.md 4), rows by time. The backward pass is the real network's at the integers'
 * values: roundings let gradients through.
 */
export function simulateRecurrent(
  tf: Tf,
  layer: NetworkLayer,
  grid: LayerGrid,
  weights: readonly Float32Array[],
): SimulatedLayer | undefined {
  const cell = cellActivations(layer, grid);
  const name = layer.className;
  // Only the plain RNN may have a state on another scale.
  if (cell === undefined || (name !== "SimpleRNN" && cell.activation.outScale !== Q15)) return undefined;
  if (name !== "SimpleRNN" && String(layer.config["activation"]) !== "tanh") return undefined;
  return new RecurrentLayer(tf, layer, grid, weights, cell);
}

type CellName = "rnn" | "lstm" | "gru" | "gruAfter" | "minimalGru";

/** Places among the gates: the candidate, and where it sees r * h, the reset gate. */
const CANDIDATE: Readonly<Record<CellName, number>> = { rnn: 0, lstm: 2, gru: 2, gruAfter: 2, minimalGru: 1 };
const RESET: Readonly<Partial<Record<CellName, number>>> = { gru: 1, minimalGru: 0 };

function cellOf(layer: NetworkLayer): CellName {
  if (layer.className === "SimpleRNN") return "rnn";
  if (layer.className === "LSTM") return "lstm";
  if (layer.className === "MinimalGRU") return "minimalGru";
  return resetsAfter(layer) ? "gruAfter" : "gru";
}

/** sums += values, in place. */
function addTo(sums: Float32Array<ArrayBuffer>, values: Float32Array): Float32Array<ArrayBuffer> {
  for (let i = 0; i < sums.length; i++) sums[i] += values[i];
  return sums;
}

class RecurrentLayer implements SimulatedLayer {
  readonly activation: IntegerActivation;
  readonly gate: IntegerActivation;
  readonly #cell: CellName;
  readonly #candidate: number;
  readonly #reset: number | undefined;
  readonly #units: number;
  readonly #gates: number;
  readonly #integers;
  readonly #sequences: boolean;
  readonly #cellScale: number;
  /** Kept from the forward pass, by time: inputs, states before each step, results. */
  #x: Rows = { values: new Float32Array(), batch: 0, steps: 0, columns: 0, scale: 1 };
  #before = new Float32Array();
  #gateValues = new Float32Array();
  #pre = new Float32Array();
  #cells = new Float32Array();
  #squashed = new Float32Array();
  #own = new Float32Array();

  constructor(
    readonly tf: Tf,
    layer: NetworkLayer,
    readonly grid: LayerGrid,
    readonly weights: readonly Float32Array[],
    { activation, gate }: CellActivations,
  ) {
    this.activation = activation;
    this.gate = gate;
    this.#units = unitsOf(layer);
    this.#gates = gatesOf(layer) as number;
    this.#cell = cellOf(layer);
    this.#candidate = CANDIDATE[this.#cell];
    this.#reset = RESET[this.#cell];
    this.#sequences = layer.config["return_sequences"] === true;
    this.#cellScale = 2 ** -(grid.cellBits ?? 15);
    this.#integers = integerRows(layer, grid, weights, preScalesOf(layer, grid));
  }

  /** The activation of a row: gates, or the candidate. */
  #functionOf(row: number): IntegerActivation {
    return Math.floor(row / this.#units) === this.#candidate ? this.activation : this.gate;
  }

  forward(x: Rows): Rows {
    const { batch, steps } = x;
    const width = this.#units * this.#gates;
    const size = batch * this.#units;
    this.#x = { ...x, values: byTime(x) };
    const { input, inputFactor } = this.#integers;
    const projected = exactProduct(this.tf, this.#x.values, x.columns, input);
    if (inputFactor !== 1)
      for (let i = 0; i < projected.length; i++) projected[i] *= this.#factorOf(i % width, inputFactor);
    this.#before = new Float32Array((steps + 1) * size);
    this.#cells = new Float32Array((steps + 1) * size);
    this.#squashed = new Float32Array(steps * size);
    this.#own = new Float32Array(steps * size);
    this.#gateValues = new Float32Array(steps * batch * width);
    this.#pre = new Float32Array(steps * batch * width);
    for (let step = 0; step < steps; step++) this.#forwardStep(projected, step, batch);
    const states = this.#before.subarray(size);
    const scale = this.activation.outScale;
    const shape = { batch, columns: this.#units, scale };
    if (!this.#sequences) return { ...shape, steps: 1, values: states.slice((steps - 1) * size) };
    return { ...shape, steps, values: byBatch(states, batch, steps, this.#units) };
  }

  /** Rows of a candidate with reset after have parts of their own, so no shift. */
  #factorOf(row: number, factor: number): number {
    return this.#cell === "gruAfter" && row >= 2 * this.#units ? 1 : factor;
  }

  #forwardStep(projected: Float64Array, step: number, batch: number): void {
    const units = this.#units;
    const width = units * this.#gates;
    const size = batch * units;
    const hidden = this.#before.subarray(step * size, (step + 1) * size);
    const recurrent = this.#integers.recurrent as Float32Array;
    const sums = exactProduct(this.tf, hidden, units, recurrent);
    if (this.#reset !== undefined) this.#resetStates(projected, sums, step, batch);
    for (let sample = 0; sample < batch; sample++) {
      const first = (step * batch + sample) * width;
      const unitAt = step * size + sample * units;
      for (let gate = 0; gate < this.#gates; gate++) {
        if (gate === this.#reset) continue;
        for (let unit = 0; unit < units; unit++) {
          const row = gate * units + unit;
          this.#activate(first + row, row, projected[first + row], sums[sample * width + row], unitAt + unit);
        }
      }
      for (let unit = 0; unit < units; unit++) {
        this.#finish({ gateAt: first + unit, unitAt: unitAt + unit }, size);
      }
    }
  }

  /** (13) to (15) and the activation of one row; with reset after, the candidate by (25). */
  #activate(at: number, row: number, first: number, second: number, unitAt: number): void {
    const { bias, multiplier, ownBias, ownMultiplier, recurrentFactor } = this.#integers;
    const apply = this.#functionOf(row);
    let p: number;
    if (this.#cell === "gruAfter" && row >= 2 * this.#units) {
      const own = requantize(second + ownBias[row], ownMultiplier[row]);
      const reset = this.#gateValues[at - this.#units];
      this.#own[unitAt] = own;
      p = sat16(2 * requantize(first + bias[row], multiplier[row]) + Math.floor((reset * own + 8192) / 16384));
    } else p = sat16(requantize(first + second * recurrentFactor + bias[row], multiplier[row]));
    this.#pre[at] = p;
    this.#gateValues[at] = apply.apply(p);
  }

  /** Reset before: r of all units, then the candidate's sums over r * h instead of h (22), (46). */
  #resetStates(projected: Float64Array, sums: Float64Array, step: number, batch: number): void {
    const units = this.#units;
    const width = this.#gates * units;
    const size = batch * units;
    const first = (this.#reset as number) * units;
    for (let sample = 0; sample < batch; sample++) {
      for (let unit = 0; unit < units; unit++) {
        const at = (step * batch + sample) * width + first + unit;
        this.#activate(at, first + unit, projected[at], sums[sample * width + first + unit], 0);
        const state = this.#before[step * size + sample * units + unit];
        this.#own[step * size + sample * units + unit] = sat16((this.#gateValues[at] * state + 16384) >> 15);
      }
    }
    const reset = this.#own.subarray(step * size, (step + 1) * size);
    const column = this.#candidate * units;
    const candidate = columnsOf(this.#integers.recurrent as Float32Array, width, column, units);
    const products = exactProduct(this.tf, reset, units, candidate);
    for (let i = 0; i < size; i++) sums[Math.floor(i / units) * width + column + (i % units)] = products[i];
  }

  /** The new state: (17), (19) to (21), (24). */
  #finish({ gateAt, unitAt }: Step, size: number): void {
    const units = this.#units;
    const values = this.#gateValues;
    const hidden = this.#before[unitAt];
    let next: number;
    if (this.#cell === "rnn") next = values[gateAt];
    else if (this.#cell === "lstm") {
      const [i, f, g, o] = [0, 1, 2, 3].map((gate) => values[gateAt + gate * units]);
      const shift = 15 - (this.grid.cellBits ?? 15);
      const cell = sat16(Math.floor((f * this.#cells[unitAt] + Math.floor((i * g) / 2 ** shift) + 16384) / 32768));
      this.#cells[unitAt + size] = cell;
      const argument = sat16(requantize(cell * 65536, Math.round((65536 * this.#cellScale) / this.activation.inScale)));
      this.#squashed[unitAt] = this.activation.apply(argument);
      next = sat16((o * this.#squashed[unitAt] + 16384) >> 15);
    } else {
      const candidate = values[gateAt + this.#candidate * units];
      next = sat16(candidate + Math.floor((this.#update(gateAt) * (hidden - candidate) + 16384) / 32768));
    }
    this.#before[unitAt + size] = next;
  }

  /** z of (23); a minimal GRU's comes from the negated forget gate (47). */
  #update(gateAt: number): number {
    return this.#cell === "minimalGru" ? this.gate.apply(sat16(-this.#pre[gateAt])) : this.#gateValues[gateAt];
  }

  backward(slopes: Float32Array): { input: Float32Array; weights: Float32Array[] } {
    const { batch, steps, columns } = this.#x;
    const units = this.#units;
    const width = units * this.#gates;
    const size = batch * units;
    const given = this.#sequences ? byTime({ values: slopes, batch, steps, columns: units, scale: 1 }) : slopes;
    const rows = new Float32Array(steps * batch * width);
    // With reset after the candidate's recurrent rows have slopes of their own.
    const ownRows = this.#cell === "gruAfter" ? new Float32Array(rows.length) : rows;
    let hidden = new Float32Array(size);
    const cells = new Float32Array(size);
    for (let step = steps - 1; step >= 0; step--) {
      if (this.#sequences) for (let i = 0; i < size; i++) hidden[i] += given[step * size + i];
      else if (step === steps - 1) hidden.set(given);
      hidden = this.#backwardStep(step, hidden, cells, rows, ownRows);
    }
    return this.#gradients(rows, ownRows, columns);
  }

  /** Slopes of the state before the step; those of the rows go to `rows`. */
  #backwardStep(step: number, slopes: Float32Array, cells: Float32Array, rows: Float32Array, ownRows: Float32Array) {
    const { batch } = this.#x;
    const units = this.#units;
    const width = units * this.#gates;
    const size = batch * units;
    const direct = new Float32Array(size);
    for (let i = 0; i < size; i++) {
      const gateAt = (step * batch + Math.floor(i / units)) * width + (i % units);
      this.#backwardUnit({ gateAt, unitAt: step * size + i }, i, slopes[i], cells, direct, rows);
    }
    const from = step * batch * width;
    const recurrent = this.weights[1];
    const part = rows.subarray(from, from + batch * width);
    if (this.#cell === "gruAfter") {
      this.#splitCandidate(step, rows, ownRows);
      return this.#throughStates(ownRows.subarray(from, from + batch * width), direct);
    }
    if (this.#reset !== undefined) {
      const gated = this.#candidate * units;
      const candidates = columnsOf(part, width, gated, units);
      const weights = columnsOf(recurrent, width, gated, units);
      const reset = matrixProduct(this.tf, candidates, [batch, units], weights, [units, units], { transposeB: true });
      for (let i = 0; i < size; i++) {
        const at = from + Math.floor(i / units) * width + this.#reset * units + (i % units);
        const value = this.#gateValues[at];
        direct[i] += reset[i] * value * Q15;
        rows[at] += reset[i] * this.#before[step * size + i] * Q15 * this.gate.slope(this.#pre[at], value);
      }
      const gates = columnsOf(part, width, 0, gated);
      const own = columnsOf(recurrent, width, 0, gated);
      const through = matrixProduct(this.tf, gates, [batch, gated], own, [units, gated], { transposeB: true });
      return addTo(direct, through);
    }
    return this.#throughStates(part, direct);
  }

  #throughStates(rows: Float32Array, direct: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
    const width = this.#units * this.#gates;
    const sizes = [rows.length / width, width] as const;
    const through = matrixProduct(this.tf, rows, sizes, this.weights[1], [this.#units, width], { transposeB: true });
    return addTo(direct, through);
  }

  /** Slopes of one unit's rows (not of a reset gate before the product), and of its state directly. */
  #backwardUnit(at: Step, i: number, slope: number, cells: Float32Array, direct: Float32Array, rows: Float32Array) {
    const { gateAt, unitAt } = at;
    const units = this.#units;
    const values = this.#gateValues;
    const put = (gate: number, value: number) => {
      const place = gateAt + gate * units;
      const row = gate * units;
      rows[place] = value * this.#functionOf(row).slope(this.#pre[place], values[place]);
    };
    if (this.#cell === "rnn") return put(0, slope);
    if (this.#cell === "lstm") {
      const squashed = this.#squashed[unitAt] * Q15;
      const cell = cells[i] + slope * values[gateAt + 3 * units] * Q15 * (1 - squashed * squashed);
      put(0, cell * values[gateAt + 2 * units] * Q15);
      put(1, cell * this.#cells[unitAt] * this.#cellScale);
      put(2, cell * values[gateAt] * Q15);
      put(3, slope * squashed);
      cells[i] = cell * values[gateAt + units] * Q15;
      return;
    }
    const update = this.#update(gateAt) * Q15;
    const change = slope * (this.#before[unitAt] - values[gateAt + this.#candidate * units]) * Q15;
    put(0, this.#cell === "minimalGru" ? -change : change);
    put(this.#candidate, slope * (1 - update));
    direct[i] = slope * update;
  }

  /** Reset after: the candidate's slopes go to r and, times r, to its recurrent rows. */
  #splitCandidate(step: number, rows: Float32Array, ownRows: Float32Array): void {
    const { batch } = this.#x;
    const units = this.#units;
    const size = batch * units;
    for (let i = 0; i < size; i++) {
      const at = (step * batch + Math.floor(i / units)) * 3 * units + (i % units);
      const reset = at + units;
      const candidate = at + 2 * units;
      const own = this.#own[step * size + i] * 2 * this.activation.inScale;
      rows[reset] = rows[candidate] * own * this.gate.slope(this.#pre[reset], this.#gateValues[reset]);
      ownRows[at] = rows[at];
      ownRows[reset] = rows[reset];
      ownRows[candidate] = rows[candidate] * this.#gateValues[reset] * Q15;
    }
  }

  #gradients(rows: Float32Array, ownRows: Float32Array, columns: number) {
    const { tf } = this;
    const { batch, steps, scale } = this.#x;
    const units = this.#units;
    const width = units * this.#gates;
    const count = steps * batch;
    const turned = { transposeA: true };
    const inputs = this.#x.values.map((value) => value * scale);
    const states = this.#before.subarray(0, count * units).map((value) => value * this.activation.outScale);
    const kernel = matrixProduct(tf, inputs, [count, columns], rows, [count, width], turned);
    const recurrent = matrixProduct(tf, states, [count, units], ownRows, [count, width], turned);
    if (this.#reset !== undefined) {
      const reset = this.#own.map((value) => value * Q15);
      const column = this.#candidate * units;
      const candidates = columnsOf(rows, width, column, units);
      const product = matrixProduct(tf, reset, [count, units], candidates, [count, units], turned);
      product.forEach((value, i) => {
        recurrent[Math.floor(i / units) * width + column + (i % units)] = value;
      });
    }
    const sums = columnSums(rows, width);
    const bias = this.#cell === "gruAfter" ? Float32Array.of(...sums, ...columnSums(ownRows, width)) : sums;
    const back = matrixProduct(tf, rows, [count, width], this.weights[0], [columns, width], { transposeB: true });
    const weights = this.weights.length > 2 ? [kernel, recurrent, bias] : [kernel, recurrent];
    return { input: byBatch(back, batch, steps, columns), weights };
  }
}
