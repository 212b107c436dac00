import type { GraphNode } from "../graph/types.js";

/** Rows of several windows: data[window][row][col], in double. */
export interface Rows {
  readonly batch: number;
  readonly rows: number;
  readonly cols: number;
  readonly data: Float64Array;
  /** [window][row], 1 where the row is masked; null where nothing is. */
  readonly masked: Uint8Array | null;
}

export function emptyRows(batch: number, rows: number, cols: number): Rows {
  return { batch, rows, cols, data: new Float64Array(batch * rows * cols), masked: null };
}

/**
 * What an observer may see of a node:
 * - `output`: the rows that leave it, after its activation (embeddings: the looked-up rows),
 * - `preActivation`: the argument of its activation. Recurrent nodes: [gates * hiddenSize] in the gate order of Keras;
 *   a GRU's candidate part is the whole argument of its activation,
 * - `hiddenState`, `cellState`: h and c after every step, also where only the last row leaves,
 * - `resetState`: r * h of a GRU that resets before, f * h of a minimal GRU, the input of its candidate's recurrent weights,
 * - `recurrentCandidate`: h U + b of a GRU that resets after, before it is multiplied by r.
 */
export type Signal = "output" | "preActivation" | "hiddenState" | "cellState" | "resetState" | "recurrentCandidate";

/** A batch of values of one signal of one node. The arrays are valid during the call only; copy what must last. */
export interface Observation extends Rows {
  readonly index: number;
  readonly node: GraphNode;
  readonly signal: Signal;
}

export type Observer = (observation: Observation) => void;

/** Everything around one run of the nodes. */
export interface RunContext {
  readonly observe: Observer | undefined;
  /** Kept state by node index for streams; null for whole windows, which begin and end. */
  readonly kept: Map<number, unknown> | null;
  /** Layers that return their last row only give one at every step. */
  readonly everyStep: boolean;
}

/** Computes one node. */
export type NodeRunner = (inputs: readonly Rows[], context: RunContext) => Rows;
