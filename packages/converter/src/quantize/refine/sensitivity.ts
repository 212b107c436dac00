import { multiplyAdd } from "../../float/gemm.js";
import type { Rows } from "../../float/rows.js";
import type { RowSlopes } from "./backward-recurrent.js";

/**
 * How the output of each sample answers to every weight and bias of a group of rows: coordinate-major, so that a
 * coordinate's answers lie side by side. Row r has its columns' weights, then its bias.
 */
export class Sensitivity {
  /** [rows * (columns + 1), samples] */
  readonly data: Float32Array;
  /** [rows] mean over samples of the summed squares of the slopes. */
  readonly energy: Float64Array;
  #filled = 0;

  constructor(
    readonly rows: number,
    readonly columns: number,
    readonly samples: number,
  ) {
    this.data = new Float32Array(rows * (columns + 1) * samples);
    this.energy = new Float64Array(rows);
  }

  /** [columns + 1, samples] answers to one row. */
  row(row: number): Float32Array {
    const length = (this.columns + 1) * this.samples;
    return this.data.subarray(row * length, (row + 1) * length);
  }

  /** Adds one sample per window of a batch. */
  add({ slopes, parts }: RowSlopes): void {
    const { rows, columns, samples, data } = this;
    const steps = slopes.rows;
    const taken = new Float64Array((columns + 1) * steps).fill(1);
    const sums = new Float64Array(rows * (columns + 1));
    for (let b = 0; b < slopes.batch; b++, this.#filled++) {
      let from = 0;
      for (const part of parts) {
        transposeInto(part, b, taken, from * steps);
        from += part.cols;
      }
      const own = new Float64Array(rows * steps);
      transposeInto(slopes, b, own, 0);
      sums.fill(0);
      const weights = { outputs: columns + 1, inputs: steps, data: taken };
      multiplyAdd(sums, columns + 1, own, 0, steps, rows, weights);
      for (let i = 0; i < sums.length; i++) data[i * samples + this.#filled] = sums[i];
      for (let i = 0; i < own.length; i++) this.energy[Math.floor(i / steps)] += own[i] ** 2 / samples;
    }
  }
}

/** Writes [steps, cols] of one window as [cols, steps]. */
function transposeInto({ rows, cols, data }: Rows, window: number, out: Float64Array, at: number): void {
  for (let t = 0; t < rows; t++) {
    for (let c = 0; c < cols; c++) out[at + c * rows + t] = data[(window * rows + t) * cols + c];
  }
}
