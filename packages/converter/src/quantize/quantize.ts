import { encodeModel, HEADER, type ModelMeta, type ModelSpec } from "../format/index.js";
import type { Graph } from "../graph/types.js";
import { findHead, lowerGraph, specOf } from "../lower/lower-graph.js";
import type { Lowering } from "../lower/lowering.js";
import { checkBudget } from "./budget.js";
import { calibrate, hasMatrix } from "./calibrate.js";
import { keepFloatRows, measureSqnr, spread } from "./measure.js";
import { metaOf } from "./meta.js";
import { chooseMixed } from "./mixed.js";
import type { Progress, QuantizeOptions, QuantizeReport } from "./options.js";
import { layerReports, layerWarnings } from "./report.js";
import type { WeightBits } from "./rows.js";
import { tune } from "./tune.js";
import { networkWindows } from "./windows.js";

export interface QuantizedResult {
  readonly spec: ModelSpec;
  /** The `.gate` file. */
  readonly bytes: Uint8Array;
  readonly report: QuantizeReport;
}

const MEASURED_WINDOWS = 16;
const DEFAULT_MARGIN = 1.25;
/** Noise says little about real data: wider ranges. */
const NOISE_MARGIN = 2;

/**
 * Turns a float graph into a `.gate` file: calibration, scales, error-compensated rounding, records.
 * Best on a graph that `foldGraph` has been over. Yields to the event loop between batches.
 * @throws QuantizeError for what the arithmetic cannot express, CalibrationError for bad data, BudgetError where the
 *         result does not fit; the reason of `options.signal` where it is aborted
 * Cost: the float network over the calibration windows, plus per layer about columns^3 / 3 + rows * columns^2 * 5 MACs.
 */
export async function quantize(graph: Graph, options: QuantizeOptions = {}): Promise<QuantizedResult> {
  const pause = pauser(options);
  await pause({ stage: "calibrate", done: 0 });
  const { windows, encoding, synthetic } = networkWindows(graph, options);
  const compensate = !synthetic && options.compensate !== false;
  const run = calibrate(graph, windows, compensate);
  let step = run.next();
  for (; !step.done; step = run.next()) await pause({ stage: "calibrate", done: 0.6 * step.value });
  const { nodes: stats } = step.value;
  await pause({ stage: "round", done: 0.6 });

  const float = keepFloatRows(graph, spread(windows, MEASURED_WINDOWS), findHead(graph));
  const base = {
    rangeMethod: options.rangeMethod ?? "max",
    margin: options.margin ?? (synthetic ? NOISE_MARGIN : DEFAULT_MARGIN),
    compensate,
    encoding,
    like: new Map((options.like ?? []).map((layer) => [layer.name, layer])),
    cache: new Map(),
  } as const;
  const sizeOf = (lowered: Lowering) => {
    // The description is written last: any ratio of three digits stands for the measured ones.
    const layers = layerReports(lowered, new Array<number>(graph.nodes.length).fill(12.3));
    return encodeModel(withMeta(specOf(lowered), metaOf(graph, lowered, layers, options))).length;
  };
  const bits = options.mixed
    ? chooseMixed(
        graph,
        (bitsOf) => lowerGraph(graph, stats, { ...base, bitsOf }),
        float,
        options.mixed.flashBytes,
        lastDense(graph),
        sizeOf,
      )
    : uniformBits(graph, options);
  const lowering = await tune(graph, stats, { ...base, bitsOf: (index) => bits.get(index) ?? 8 }, windows, () =>
    pause({ stage: "round", done: 0.75 }),
  );
  await pause({ stage: "measure", done: 0.85 });

  const sqnr = measureSqnr(graph, lowering, float);
  const layers = layerReports(lowering, sqnr);
  await pause({ stage: "encode", done: 0.95 });
  const spec = withMeta(specOf(lowering), metaOf(graph, lowering, layers, options));
  const bytes = encodeModel(spec);
  const view = new DataView(bytes.buffer);
  const memory = {
    flashBytes: bytes.length,
    arenaBytes: view.getUint32(HEADER.arenaBytes[0], true),
    stateBytes: view.getUint32(HEADER.stateBytes[0], true),
    scratchBytes: view.getUint32(HEADER.scratchBytes[0], true),
  };
  checkBudget(options.budget, memory, layers);
  const warnings = [...new Set([...lowering.warnings, ...layerWarnings(layers)])];
  if (synthetic) {
    warnings.unshift("no calibration data: ranges come from noise of unit variance, weights are rounded plainly");
  }
  const report: QuantizeReport = {
    layers,
    rounding: compensate ? "compensated" : "plain",
    calibrationWindows: synthetic ? 0 : windows.length,
    outputSqnrDb: sqnr[lowering.head.node],
    ...memory,
    warnings,
  };
  options.onProgress?.({ stage: "encode", done: 1 });
  return { spec, bytes, report };
}

const withMeta = (spec: ModelSpec, meta: ModelMeta | undefined): ModelSpec =>
  meta === undefined ? spec : { ...spec, meta };

function pauser({ onProgress, signal }: QuantizeOptions): (progress: Progress) => Promise<void> {
  return async (progress) => {
    signal?.throwIfAborted();
    onProgress?.(progress);
    await new Promise<void>((resolve) => {
      setTimeout(resolve, 0);
    });
    signal?.throwIfAborted();
  };
}

/** The last node with a matrix, where it is dense; -1 otherwise. */
function lastDense(graph: Graph): number {
  const last = graph.nodes.findLastIndex(hasMatrix);
  return graph.nodes[last]?.op === "dense" ? last : -1;
}

function uniformBits(graph: Graph, { bits = 8, headBits = 8 }: QuantizeOptions): Map<number, WeightBits> {
  const head = lastDense(graph);
  return new Map(graph.nodes.map((_, index) => [index, index === head ? headBits : bits]));
}
