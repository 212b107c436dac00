export interface AdamOptions {
  readonly learningRate: number;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  /** Decoupled weight decay per step, times the learning rate (AdamW); default 0. */
  readonly weightDecay?: number;
  /** The gradient over all weights is scaled down to this length; default: no limit. */
  readonly clipNorm?: number;
}

/**
 * Adam on plain arrays, so that its state can be kept exactly and a resumed run equals one that was never interrupted
 * (tfjs recomputes beta^t by a power when it restores an optimizer, which differs in the last digit).
 */
export class Adam {
  readonly options: AdamOptions;
  /** Steps taken. */
  step = 0;
  readonly first: Float32Array[];
  readonly second: Float32Array[];

  constructor(options: AdamOptions, sizes: readonly number[]) {
    this.options = options;
    this.first = sizes.map((size) => new Float32Array(size));
    this.second = sizes.map((size) => new Float32Array(size));
  }

  /**
   * One step, in place.
   * @param weights and gradients, as many arrays of the same lengths as the sizes given to the constructor
   * @param rate    factor on the learning rate
   */
  update(weights: readonly Float32Array[], gradients: readonly ArrayLike<number>[], rate = 1): void {
    const { learningRate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7, weightDecay = 0, clipNorm } = this.options;
    this.step++;
    const clip = clipNorm === undefined ? 1 : Math.min(1, clipNorm / (globalNorm(gradients) + 1e-12));
    const length = learningRate * rate * (Math.sqrt(1 - beta2 ** this.step) / (1 - beta1 ** this.step));
    const keep = 1 - learningRate * rate * weightDecay;
    weights.forEach((weight, index) => {
      const gradient = gradients[index];
      const first = this.first[index];
      const second = this.second[index];
      for (let i = 0; i < weight.length; i++) {
        const slope = gradient[i] * clip;
        first[i] = beta1 * first[i] + (1 - beta1) * slope;
        second[i] = beta2 * second[i] + (1 - beta2) * slope * slope;
        weight[i] = keep * weight[i] - (length * first[i]) / (Math.sqrt(second[i]) + epsilon);
      }
    });
  }
}

function globalNorm(gradients: readonly ArrayLike<number>[]): number {
  let sum = 0;
  for (const gradient of gradients) for (let i = 0; i < gradient.length; i++) sum += gradient[i] * gradient[i];
  return Math.sqrt(sum);
}
