/** A `.gate` file in an integer engine. This package knows none: whoever calls gives one. */
export interface IntegerModel {
  /**
   * Answers one window of counts from a fresh state.
   * @returns the last output row; on one scale, so that the largest integer decides. Valid until the next call
   */
  window(counts: Int16Array): ArrayLike<number>;
  /** Walks a stream model through frames of counts from a fresh state: the rows of all frames, one behind the other. */
  stream?(counts: Int16Array): ArrayLike<number>;
}

export type LoadInteger = (gate: Uint8Array) => Promise<IntegerModel>;

/** What one window costs on a board. */
export interface BoardCost {
  readonly board: string;
  readonly cycles: number;
  readonly milliseconds: number;
  readonly microjoules: number;
  readonly stackBytes?: number;
}

/** Runs one window of counts on a simulated board. */
export type BoardMeter = (gate: Uint8Array, frames: Int16Array, frameSize: number) => Promise<BoardCost>;
