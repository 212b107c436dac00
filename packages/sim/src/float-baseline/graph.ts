/** The float graph as plain data: what `@gatelet/converter` imports fits as it is. */
export interface FloatBaselineGraph {
  readonly nodes: readonly FloatBaselineNode[];
  readonly output: number;
  /** Steps of a window, or null: a stream. */
  readonly window: number | null;
}

export interface FloatBaselineTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface FloatBaselineActivation {
  readonly kind: string;
  readonly max?: number;
  readonly threshold?: number;
  readonly negativeSlope?: number;
  readonly alpha?: number;
}

/** One node; which fields there are follows from `op`, as in the converter's graph. */
export interface FloatBaselineNode {
  readonly op: string;
  readonly name: string;
  readonly inputs: readonly number[];
  readonly shape: { readonly rows: number | null; readonly cols: number };
  readonly maskObey?: boolean;
  readonly kind?: string;
  readonly mode?: string;
  readonly weights?: FloatBaselineTensor;
  readonly inputWeights?: FloatBaselineTensor;
  readonly recurrentWeights?: FloatBaselineTensor;
  readonly bias?: FloatBaselineTensor;
  readonly recurrentBias?: FloatBaselineTensor;
  readonly gateOffset?: FloatBaselineTensor;
  readonly factors?: FloatBaselineTensor;
  readonly scale?: FloatBaselineTensor;
  readonly offset?: FloatBaselineTensor;
  readonly activation?: FloatBaselineActivation;
  readonly recurrentActivation?: FloatBaselineActivation;
  readonly returnSequences?: boolean;
  readonly resetAfter?: boolean;
  readonly size?: number;
  readonly stride?: number;
  readonly dilation?: number;
  readonly padding?: string;
}

/** A graph that the float32 baseline does not cover, or that does not fit the board. */
export class FloatBaselineError extends Error {
  readonly code = "float-baseline";
}
