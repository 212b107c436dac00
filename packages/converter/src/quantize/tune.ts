import type { Graph } from "../graph/types.js";
import { findHead, lowerGraph } from "../lower/lower-graph.js";
import type { Lowering, LoweringOptions } from "../lower/lowering.js";
import { ALIGN_STEPS } from "../lower/recurrent.js";
import { hasMatrix, type NodeStats } from "./calibrate.js";
import { correctDense } from "./correct.js";
import { keepFloatRows, measureOutputError, spread } from "./measure.js";
import { refine } from "./refine/refine.js";

/** Windows that dense layers are refitted on, fewer where a window costs many MACs. */
const CORRECTION_WINDOWS = 512;
const CORRECTION_MACS = 1e9;
/** Inputs of the widest dense layer that is refitted. */
const WIDEST_REFIT = 512;
const TRIAL_WINDOWS = 1_000;
/** MACs of one trial: at 4 bits, where trials pay, and at 8 bits, where they must be almost free. */
const TRIAL_MACS = { four: 4e8, eight: 1e8 } as const;
/** Fewer windows than this say nothing about the better of two trials. */
const LEAST_WINDOWS = 128;

/**
 * Lowers a graph several times and keeps what simulates best over calibration windows: scales that align the parts of
 * recurrent layers differently, then, behind 4-bit layers, dense layers refitted to the rows they really get, and all rows
 * rounded again for the sake of the outputs.
 * @param pause called between trials
 */
export async function tune(
  graph: Graph,
  stats: readonly NodeStats[],
  options: LoweringOptions,
  windows: readonly Float32Array[],
  pause: () => Promise<void>,
): Promise<Lowering> {
  const first = lowerGraph(graph, stats, options);
  if (!options.compensate) return first;
  const hasFour = [...first.matrices.values()].some(({ bits }) => bits === 4);
  const macs = macsPerWindow(graph, windows[0].length / graph.nodes[0].shape.cols);
  const affordable = Math.floor((hasFour ? TRIAL_MACS.four : TRIAL_MACS.eight) / macs);
  let best = first;
  let alignStep: number | undefined;
  if (first.hasAlignedScale && Math.min(affordable, windows.length) >= LEAST_WINDOWS) {
    const float = keepFloatRows(graph, spread(windows, Math.min(affordable, TRIAL_WINDOWS)), findHead(graph));
    let least = measureOutputError(graph, first, float);
    for (let step = 0; step < ALIGN_STEPS; step++) {
      await pause();
      const trial = lowerGraph(graph, stats, { ...options, alignStep: step });
      const error = measureOutputError(graph, trial, float);
      if (error >= least) continue;
      [best, least, alignStep] = [trial, error, step];
    }
  }
  if (!hasFour) return best;
  await pause();
  const count = Math.min(CORRECTION_WINDOWS, Math.max(64, Math.floor(CORRECTION_MACS / macs)));
  const corrected = correctDenseLayers(graph, stats, { ...options, alignStep }, spread(windows, count), best);
  return refine(graph, corrected, windows, macs, pause);
}

/** Refits every dense layer in turn, each behind the ones before it as they are then. */
function correctDenseLayers(
  graph: Graph,
  stats: readonly NodeStats[],
  options: LoweringOptions,
  windows: readonly Float32Array[],
  start: Lowering,
): Lowering {
  let lowering = start;
  let current = graph;
  let currentStats = stats;
  for (const [index, node] of graph.nodes.entries()) {
    if (node.op !== "dense" || index > start.head.node || node.weights.shape[0] > WIDEST_REFIT) continue;
    const { node: refitted, moments } = correctDense(current, lowering, windows, index, graph);
    current = { ...current, nodes: current.nodes.map((other, at) => (at === index ? refitted : other)) };
    currentStats = currentStats.map((given, at) => (at === index ? { ...given, moments } : given));
    for (const key of options.cache.keys()) if (key.startsWith(`${index}:`)) options.cache.delete(key);
    lowering = lowerGraph(current, currentStats, options);
  }
  return lowering;
}

/** Multiplications of one window's simulation. */
function macsPerWindow(graph: Graph, steps: number): number {
  return graph.nodes.reduce((sum, node) => {
    if (!hasMatrix(node)) return sum;
    const source = graph.nodes[node.inputs[0]].shape;
    const rows = source.sequence ? (source.rows ?? steps) : 1;
    const weights = "weights" in node ? node.weights.data.length : 0;
    const recurrent = "inputWeights" in node ? node.inputWeights.data.length + node.recurrentWeights.data.length : 0;
    return sum + rows * (weights + recurrent);
  }, 1);
}
