import { addGramLower, mirrorLower } from "./gram.js";

const CHUNK_SAMPLES = 256;

/** First and second moments of the columns that one matrix sees, in real units. */
export interface Moments {
  readonly columns: number;
  readonly samples: number;
  /** [columns] mean of u */
  readonly mean: Float64Array;
  /** [columns, columns] mean of u u^T */
  readonly second: Float64Array;
}

/** Pools moments over time steps and windows. Cost: columns^2 / 2 MACs a sample. */
export class MomentCollector {
  readonly columns: number;
  readonly #padded: number;
  readonly #gram: Float64Array;
  readonly #sums: Float64Array;
  readonly #chunk: Float64Array;
  #filled = 0;
  #samples = 0;

  constructor(columns: number) {
    this.columns = columns;
    this.#padded = (columns + 3) & ~3;
    this.#gram = new Float64Array(this.#padded * this.#padded);
    this.#sums = new Float64Array(columns);
    this.#chunk = new Float64Array(this.#padded * CHUNK_SAMPLES);
  }

  get samples(): number {
    return this.#samples;
  }

  /** Adds one sample: `aColumns` values of `a`, then the rest from `b` (absent: zeros). */
  add(a: Float64Array, aOffset: number, aColumns: number, b?: Float64Array, bOffset = 0): void {
    const chunk = this.#chunk;
    const sums = this.#sums;
    let at = this.#filled;
    for (let j = 0; j < aColumns; j++, at += CHUNK_SAMPLES) {
      chunk[at] = a[aOffset + j];
      sums[j] += a[aOffset + j];
    }
    for (let j = 0; j < this.columns - aColumns; j++, at += CHUNK_SAMPLES) {
      const value = b === undefined ? 0 : b[bOffset + j];
      chunk[at] = value;
      sums[aColumns + j] += value;
    }
    this.#samples++;
    if (++this.#filled === CHUNK_SAMPLES) this.#flush();
  }

  #flush(): void {
    if (this.#filled === 0) return;
    if (this.#filled < CHUNK_SAMPLES) {
      for (let j = 0; j < this.columns; j++)
        this.#chunk.fill(0, j * CHUNK_SAMPLES + this.#filled, (j + 1) * CHUNK_SAMPLES);
    }
    addGramLower(this.#chunk, this.#padded, CHUNK_SAMPLES, this.#gram);
    this.#filled = 0;
  }

  /** The moments so far; undefined before the first sample. */
  finish(): Moments | undefined {
    if (this.#samples === 0) return undefined;
    this.#flush();
    const { columns } = this;
    mirrorLower(this.#gram, this.#padded);
    const second = new Float64Array(columns * columns);
    for (let i = 0; i < columns; i++) {
      for (let j = 0; j < columns; j++) second[i * columns + j] = this.#gram[i * this.#padded + j] / this.#samples;
    }
    return { columns, samples: this.#samples, mean: this.#sums.map((sum) => sum / this.#samples), second };
  }
}

/** The moments of the columns from .. to. */
export function subMoments({ columns, samples, mean, second }: Moments, from: number, to: number): Moments {
  const size = to - from;
  const part = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) part[i * size + j] = second[(from + i) * columns + from + j];
  }
  return { columns: size, samples, mean: mean.slice(from, to), second: part };
}
