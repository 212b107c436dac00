/** A stream of one model: frames in, output rows out. States are its own, weights are shared. */
export interface RuntimeStream {
  /**
   * Pushes one frame.
   * @param frame int16 counts (tokens: one uint16 value)
   * @returns output rows that have fallen, row-major in real units; valid until the next call; undefined: none
   */
  step(frame: Int16Array): Float64Array | undefined;
  reset(): void;
}

/** A model loaded into an engine. */
export interface Runtime {
  readonly engine: string;
  readonly frameSize: number;
  readonly outputSize: number;
  /** Frames in a window; null: a stream model. */
  readonly window: number | null;
  createStream(): RuntimeStream;
}
