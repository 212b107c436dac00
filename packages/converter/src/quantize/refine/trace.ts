import type { FloatExecutor, Signal } from "../../float/index.js";
import type { Rows } from "../../float/rows.js";

/** Signals of one node over a batch of windows. */
export type NodeTrace = Partial<Record<Signal, Rows>>;

/** Runs a graph over a batch (at most 32 windows) and keeps what a backward pass needs, by node. */
export function traceBatch(executor: FloatExecutor, batch: readonly Float32Array[]): NodeTrace[] {
  const traces: NodeTrace[] = executor.graph.nodes.map(() => ({}));
  executor.runBatch(batch, {
    observe: ({ index, signal, data, batch: count, rows, cols, masked }) => {
      traces[index][signal] = { batch: count, rows, cols, data: data.slice(), masked };
    },
  });
  return traces;
}
