/** A layer record as far as the linker writes code for it (FORMAT.md 4). */
export interface LinkRecord {
  /** Number of the kernel, FORMAT.md 5. */
  readonly kernel: number;
  /** Offset of the record in the file. */
  readonly offset: number;
  readonly output: number;
  readonly state: number;
  readonly inputSize: number;
  readonly rowsIn: number;
  readonly rowsOut: number;
  /** A row falls only at the end of the window. */
  readonly atEnd: boolean;
  /** Windowed kernels: the largest `wait` of a saved state. */
  readonly mostWait: number;
  readonly isMaximum: boolean;
}

/** What the linker has to know of a `.gate` file; whoever read and checked the file fills it in. */
export interface LinkFacts {
  readonly crc32: number;
  /** Kernels in use, bit i = kernel i. */
  readonly kernels: number;
  /** Frames in a window; 0: stream model. */
  readonly window: number;
  readonly frameSize: number;
  readonly outputSize: number;
  readonly outputBytesEach: 2 | 4;
  readonly arenaBytes: number;
  readonly stateBytes: number;
  /** The part of the file that a step reads: from the first record to the end of the tensors. */
  readonly recordsOffset: number;
  readonly tensorsEnd: number;
  /** The most rows that so many frames can yield. */
  maxRows(frames: number): number;
  readonly records: readonly LinkRecord[];
  /** Bits of all weights; 0: mixed. */
  readonly weightBits: 0 | 4 | 8;
  readonly usualActivations: boolean;
  /** Reads the table of tanh. */
  readonly needsTanh: boolean;
  /** Each layer has one input, the layer before it, and no row falls when the window is drained: code can be written. */
  readonly isChain: boolean;
  /** Bytes of the state region that a valid state has zero: [offset, length], ascending; undefined: too many to list. */
  readonly zeroRanges: readonly (readonly [number, number])[] | undefined;
}
