import type { GateModel } from "@gatelet/converter/format";
import { executorTerms, recordTerms, variantOf } from "./basis.js";
import { COSTS } from "./costs.gen.js";
import type { TermCost, VariantCosts } from "./costs.js";
import { countSchedule } from "./schedule-counts.js";
import type { Terms } from "./terms.js";
import { type CacheMisses, walkMisses } from "./walk.js";

/** Cost of one layer; null where its formula does not cover something that the file asks for. */
export interface LayerPrediction {
  readonly cycles: number | null;
  readonly instructions: number | null;
}

export interface Prediction {
  /** Steps that the sums are over: a window, or so many frames of a stream. */
  readonly steps: number;
  /** One per record. */
  readonly layers: readonly LayerPrediction[];
  /** What the steps take beside the layers. */
  readonly executor: LayerPrediction;
  readonly total: LayerPrediction;
}

export interface PredictOptions {
  /** Of flash: 0, 2 with the instruction cache off, 3 with it on. */
  readonly waitStates?: 0 | 2 | 3;
  /** Steps from a fresh stream on; default a window, in stream models STREAM_STEPS. */
  readonly steps?: number;
}

const STREAM_STEPS = 32;
const COLUMN = { 0: 1, 2: 2, 3: 3 } as const;
const MISS_CYCLES = 3;
const EXECUTOR = "EXECUTOR";

/**
 * Cycles and instructions of every layer of the runner firmware on the built-in board's cycle model, from the file alone.
 * Rows are taken to be unmasked: a masked row skips layers that obey masks. Cost: records * ticks; at 3 wait states a walk
 * through the firmware's code besides (walk.ts), and no cycles for a model that the runner would refuse.
 */
export function predictCycles(model: GateModel, options: PredictOptions = {}): Prediction {
  const steps = options.steps ?? (model.header.window || STREAM_STEPS);
  const { waitStates = 0 } = options;
  const column = COLUMN[waitStates];
  const counts = countSchedule(model, steps);
  const misses = waitStates === 3 ? walkMisses(model, steps) : NO_MISSES;
  const layers = model.records.map((record, i) =>
    price(
      COSTS[variantOf(record)],
      recordTerms(model, record, counts.records[i]),
      column,
      misses && (misses.layers[i] ?? 0),
    ),
  );
  const executor = price(COSTS[EXECUTOR], executorTerms(model, counts), column, misses?.executor);
  return { steps, layers, executor, total: sum([...layers, executor]) };
}

/** @param misses undefined: not known, so cycles are not either */
function price(
  costs: VariantCosts | undefined,
  terms: Terms,
  column: 1 | 2 | 3,
  misses: number | undefined,
): LayerPrediction {
  if (costs === undefined) return NOT_PREDICTED;
  const free = new Set(costs.free);
  let [cycles, instructions] = [0, 0];
  for (const [name, value] of terms.values) {
    const cost: TermCost | undefined = costs.costs[name];
    if (cost === undefined) {
      if (free.has(name)) continue;
      return NOT_PREDICTED;
    }
    instructions += value * cost[0];
    cycles += value * cost[column];
  }
  return {
    cycles: misses === undefined ? null : Math.round(cycles + MISS_CYCLES * misses),
    instructions: Math.round(instructions),
  };
}

const NOT_PREDICTED: LayerPrediction = { cycles: null, instructions: null };
const NO_MISSES: CacheMisses = { layers: [], executor: 0 };

function sum(parts: readonly LayerPrediction[]): LayerPrediction {
  const total = (name: "cycles" | "instructions"): number | null =>
    parts.some((part) => part[name] === null) ? null : parts.reduce((all, part) => all + (part[name] ?? 0), 0);
  return { cycles: total("cycles"), instructions: total("instructions") };
}
