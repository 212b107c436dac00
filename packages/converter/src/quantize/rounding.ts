import { inverseCholeskyUpper } from "./cholesky.js";

/** Share of the mean diagonal that is added to the second moments before they are inverted. */
const DAMPING = 0.01;
/** Wider matrices are compensated in blocks of at most this many columns, which bounds time and memory (n^3 / 3 MACs each). */
const MAX_BLOCK_COLUMNS = 512;

interface CompensationBlock {
  readonly size: number;
  /** Original column of each step. */
  readonly order: Int32Array;
  /** [size, size] upper triangular, U^T U = H^-1 in that order. */
  readonly upper: Float64Array;
  /** [size, size] the damped moments in that order. */
  readonly moments: Float64Array;
}

/** What error-compensated rounding needs to know about the columns of a matrix. */
export interface Compensation {
  readonly columns: number;
  readonly blocks: readonly CompensationBlock[];
}

/**
 * Prepares error-compensated rounding (the idea of GPTQ, arXiv 2210.17323) from second moments of the integer inputs.
 * Columns go by falling diagonal, so that the errors of the loud ones are spread over all others.
 * @param moments [columns, columns] mean of u u^T
 */
export function prepareCompensation(moments: Float64Array, columns: number): Compensation {
  let trace = 0;
  for (let j = 0; j < columns; j++) trace += moments[j * columns + j];
  const extra = trace > 0 ? (DAMPING * trace) / columns : 1;
  const order = Int32Array.from({ length: columns }, (_, j) => j);
  order.sort((a, b) => moments[b * columns + b] - moments[a * columns + a] || a - b);
  const blockCount = Math.ceil(columns / MAX_BLOCK_COLUMNS);
  const blocks: CompensationBlock[] = [];
  for (let block = 0; block < blockCount; block++) {
    // Strided choice: every block gets loud and quiet columns.
    const chosen = order.filter((_, position) => position % blockCount === block);
    blocks.push({ size: chosen.length, order: chosen, ...factorBlock(moments, columns, chosen, extra) });
  }
  return { columns, blocks };
}

function factorBlock(moments: Float64Array, columns: number, order: Int32Array, damping: number) {
  const n = order.length;
  for (let extra = damping; ; extra *= 10) {
    const part = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      const from = order[i] * columns;
      for (let j = 0; j < n; j++) part[i * n + j] = moments[from + order[j]];
      part[i * n + i] += extra;
    }
    const upper = inverseCholeskyUpper(part, n);
    if (upper !== undefined) return { upper, moments: part };
  }
}

/** Compensation that compensates nothing: plain rounding, every column of the same importance. */
export function plainCompensation(columns: number): Compensation {
  return { columns, blocks: [] };
}

/** Rounds rows of one matrix; holds the work space. */
export class RowRounder {
  readonly #work: Float64Array;
  readonly #compensation: Compensation;

  constructor(compensation: Compensation) {
    this.#compensation = compensation;
    this.#work = new Float64Array(Math.min(compensation.columns, MAX_BLOCK_COLUMNS + 1));
  }

  /**
   * Rounds one row to integers in [-limit, limit] times `scale`.
   * @param row   [columns] real weights from `offset`
   * @param out   [columns] integers
   * @param bound gives up as soon as the loss passes it (the contents of `out` are then incomplete)
   * @returns the expected squared error of the row's sum (plain: the sum of squared weight errors)
   */
  round(row: Float64Array, offset: number, scale: number, limit: number, out: Int8Array, bound = Infinity): number {
    const { blocks, columns } = this.#compensation;
    if (blocks.length === 0) return roundPlain(row, offset, columns, scale, limit, out);
    let loss = 0;
    for (const block of blocks) {
      loss = this.#roundBlock(block, row, offset, scale, limit, out, loss, bound);
      if (loss > bound) break;
    }
    return loss;
  }

  /**
   * Lowers the expected squared error of a rounded row further: moves single weights by one step as long as that helps.
   * @returns the error's change, 0 or negative
   */
  refine(row: Float64Array, offset: number, scale: number, limit: number, weights: Int8Array): number {
    let change = 0;
    for (const block of this.#compensation.blocks)
      change += this.#refineBlock(block, row, offset, scale, limit, weights);
    return change;
  }

  #refineBlock(
    { size, order, moments }: CompensationBlock,
    row: Float64Array,
    offset: number,
    scale: number,
    limit: number,
    weights: Int8Array,
  ): number {
    // gradient = H e, e = what the weights leave out.
    const gradient = this.#work;
    gradient.fill(0);
    for (let i = 0; i < size; i++) {
      const error = row[offset + order[i]] - weights[order[i]] * scale;
      const base = i * size;
      for (let k = 0; k < size; k++) gradient[k] += error * moments[base + k];
    }
    let change = 0;
    for (let move = 0; move < 4 * size; move++) {
      let best = 0;
      let chosen = -1;
      for (let i = 0; i < size; i++) {
        const step = gradient[i] > 0 ? 1 : -1;
        const gain = scale * (scale * moments[i * size + i] - 2 * Math.abs(gradient[i]));
        if (gain < best && Math.abs(weights[order[i]] + step) <= limit) {
          best = gain;
          chosen = i;
        }
      }
      if (chosen < 0) break;
      const step = gradient[chosen] > 0 ? 1 : -1;
      weights[order[chosen]] += step;
      change += best;
      const base = chosen * size;
      for (let k = 0; k < size; k++) gradient[k] -= step * scale * moments[base + k];
    }
    return change;
  }

  #roundBlock(
    block: CompensationBlock,
    row: Float64Array,
    offset: number,
    scale: number,
    limit: number,
    out: Int8Array,
    loss: number,
    bound: number,
  ): number {
    const { size, order, upper } = block;
    const work = this.#work;
    const inverse = 1 / scale;
    for (let i = 0; i < size; i++) work[i] = row[offset + order[i]];
    for (let i = 0; i < size; i++) {
      const value = work[i];
      let q = Math.round(value * inverse);
      if (q > limit) q = limit;
      else if (q < -limit) q = -limit;
      out[order[i]] = q;
      const base = i * size;
      const error = (value - q * scale) / upper[base + i];
      loss += error * error;
      if (loss > bound) return loss;
      // The error goes to the columns still to come, weighted by their correlation with this one.
      for (let k = i + 1; k < size; k++) work[k] -= error * upper[base + k];
    }
    return loss;
  }
}

function roundPlain(
  row: Float64Array,
  offset: number,
  columns: number,
  scale: number,
  limit: number,
  out: Int8Array,
): number {
  let loss = 0;
  for (let j = 0; j < columns; j++) {
    const value = row[offset + j];
    const q = Math.min(limit, Math.max(-limit, Math.round(value / scale)));
    out[j] = q;
    loss += (value - q * scale) ** 2;
  }
  return loss;
}
