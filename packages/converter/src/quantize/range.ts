const BINS = 2048;

/** How the range of an activation is found: the largest value, one that a share of values stays below, or the least squared error. */
export type RangeMethod = "max" | "percentile" | "mse";

/** Distribution of the absolute values of one tensor. */
export class RangeStats {
  #max = 0;
  #count = 0;
  /** Upper end of the histogram, a power of two; grows by folding. */
  #end = 2 ** -20;
  #bins = new Float64Array(BINS);

  get max(): number {
    return this.#max;
  }
  get count(): number {
    return this.#count;
  }

  /** Adds values[from .. to). Not-finite values count as 0: the caller has checked its data. */
  add(values: Float64Array, from = 0, to = values.length): void {
    let max = this.#max;
    for (let i = from; i < to; i++) {
      const value = Math.abs(values[i]);
      if (value > max) max = value;
    }
    this.#max = max;
    while (this.#end <= max) this.#fold();
    const factor = BINS / this.#end;
    const bins = this.#bins;
    for (let i = from; i < to; i++) bins[Math.trunc(Math.abs(values[i]) * factor)]++;
    this.#count += to - from;
  }

  #fold(): void {
    const bins = new Float64Array(BINS);
    if (this.#count > 0) for (let i = 0; i < BINS; i++) bins[i >> 1] += this.#bins[i];
    this.#bins = bins;
    this.#end *= 2;
  }

  /** Least bound that a share `part` of the values does not pass, to the resolution of the histogram. */
  percentile(part: number): number {
    let left = this.#count * part;
    for (let i = 0; i < BINS; i++) {
      left -= this.#bins[i];
      if (left <= 0) return Math.min(this.#max, ((i + 1) * this.#end) / BINS);
    }
    return this.#max;
  }

  /** Bound R that makes rounding to `levels` steps of R plus clipping at R cost least, in squared error. */
  leastSquares(levels: number): number {
    let best = this.#max;
    let bestCost = Infinity;
    for (let part = 1; part > 0.2; part -= 0.02) {
      const bound = this.#max * part;
      const step = bound / levels;
      let cost = (this.#count * step * step) / 12;
      for (let i = Math.floor((bound / this.#end) * BINS); i < BINS; i++) {
        const excess = ((i + 0.5) * this.#end) / BINS - bound;
        if (excess > 0) cost += this.#bins[i] * excess * excess;
      }
      if (cost < bestCost) {
        bestCost = cost;
        best = bound;
      }
    }
    return best;
  }

  /** The range by a method; `margin` widens the largest value. */
  bound(method: RangeMethod, margin: number): number {
    if (method === "percentile") return this.percentile(0.9999);
    if (method === "mse") return this.leastSquares(32767);
    return this.#max * margin;
  }
}
