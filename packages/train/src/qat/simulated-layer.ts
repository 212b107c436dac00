/** Rows of integers between layers: [batch, steps, columns], real = scale * value. */
export interface Rows {
  readonly values: Float32Array;
  readonly batch: number;
  readonly steps: number;
  readonly columns: number;
  readonly scale: number;
  /** Logits of 32 bits, which float32 does not hold exactly. */
  readonly logits?: Float64Array;
}

/** One layer in integer arithmetic, for one batch. */
export interface SimulatedLayer {
  forward(x: Rows): Rows;
  /**
   * Straight-through gradients in real numbers.
   * @param slopes of the loss with respect to the real results
   * @returns slopes with respect to the real inputs and to the layer's weights, in their order
   */
  backward(slopes: Float32Array): { readonly input: Float32Array; readonly weights: readonly Float32Array[] };
}
