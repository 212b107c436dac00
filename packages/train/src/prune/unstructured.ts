import { TrainError } from "../training/errors.js";

/**
 * Holds the smallest weights at zero while a network trains, more of them from epoch to epoch: the share grows from 0 to
 * its end as 1 - (1 - progress)^3 over `steps` updates (Zhu and Gupta 2017). Biases stay.
 */
export class MagnitudeMask {
  readonly #share: number;
  readonly #isMatrix: readonly boolean[];
  readonly #steps: number;
  readonly #every: number;
  #masks: (Uint8Array | undefined)[] | undefined;

  /**
   * @param isMatrix tells which of the trainable weights are matrices
   * @param steps    updates until the whole share is zero; 0: at once
   */
  constructor(share: number, isMatrix: readonly boolean[], steps = 0) {
    if (!(share >= 0 && share < 1)) {
      throw new TrainError("TRAIN_OPTION", `share of weights to remove is ${share}, expected 0 .. 1`);
    }
    this.#share = share;
    this.#isMatrix = isMatrix;
    this.#steps = steps;
    this.#every = Math.max(1, Math.floor(steps / 20));
  }

  /** For `TrainOptions.constrain`; the same after a resume, for what is zero then is what was smallest. */
  readonly constrain = (weights: readonly Float32Array[], step: number): void => {
    const reached = Math.min(this.#steps, step - (step % this.#every));
    if (this.#masks === undefined || step === reached) {
      const share = this.#share * (1 - (1 - (this.#steps === 0 ? 1 : reached / this.#steps)) ** 3);
      this.#masks = weights.map((weight, i) => (this.#isMatrix[i] ? largest(weight, share) : undefined));
    }
    weights.forEach((weight, i) => {
      const mask = this.#masks?.[i];
      if (mask === undefined) return;
      for (let j = 0; j < weight.length; j++) if (mask[j] === 0) weight[j] = 0;
    });
  };
}

/** 1 where a weight stays: all but the smallest `share` of them. */
function largest(weights: Float32Array, share: number): Uint8Array {
  const order = [...weights.keys()].sort((a, b) => Math.abs(weights[a]) - Math.abs(weights[b]));
  const mask = new Uint8Array(weights.length).fill(1);
  for (const place of order.slice(0, Math.round(share * weights.length))) mask[place] = 0;
  return mask;
}

/** Share of weights that are zero. */
export function sparsity(weights: readonly Float32Array[]): number {
  let zeros = 0;
  let total = 0;
  for (const weight of weights) {
    total += weight.length;
    for (const value of weight) if (value === 0) zeros++;
  }
  return zeros / total;
}
