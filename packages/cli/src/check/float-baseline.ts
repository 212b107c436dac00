import { openModel } from "@gatelet/converter";
import { readModel } from "@gatelet/converter/format";
import { NRF52840, runFloatBaseline } from "@gatelet/sim";
import { CliError } from "../cli-error.js";
import { createNormalizer } from "../conversion/input-scaling.js";
import { evaluateModel } from "../evaluation/evaluate-model.js";
import type { Scores } from "../evaluation/scores.js";
import { gateFacts } from "../gate-facts.js";
import type { DataOptions } from "../load-data.js";
import { recordedFrames, seededFrames } from "./check-frames.js";
import { STREAM_BLOCK } from "./check-model.js";
import { flashUsed, ramUsed } from "./problems.js";
import type { CheckReport } from "./report.js";

/** What one way to run the model costs on the board, and how good its answers are. */
export interface BaselineSide {
  /** Simulated, of one window or frame. */
  readonly cyclesPerUnit: number;
  readonly instructionsPerUnit: number;
  readonly millisecondsPerUnit: number;
  /** Arena, variables and stack. */
  readonly ramBytes: number;
  /** Code with every kernel, and the model. */
  readonly flashBytes: number;
  readonly modelBytes: number;
  /** On the recordings that were given; null without labels. */
  readonly scores: Scores | null;
}

/** The same graph as float32 C beside the integer one. */
export interface BaselineReport {
  readonly floatModel: string;
  readonly unit: "window" | "frame";
  readonly float: BaselineSide;
  readonly gatelet: BaselineSide;
  /** Share of equal decisions on the recordings; null without them. */
  readonly agreement: number | null;
}

/** Windows that accuracy is taken from, at most, spread evenly. */
const SCORED_WINDOWS = 500;
/** Windows that run as float: their time does not depend on data. */
const TIMED_WINDOWS = 2;

/**
 * Runs the trained model as float32 C on the emulated board and puts it beside a finished check.
 * Throws CliError for a model of another shape and for a check without simulated cycles, FloatBaselineError for layers
 * that the baseline does not cover.
 */
export async function compareWithFloat(
  report: CheckReport,
  bytes: Uint8Array,
  floatModel: string,
  data: { readonly frames?: string; readonly options: DataOptions },
): Promise<BaselineReport> {
  const { simulatedCycles, instructions } = report.total;
  if (simulatedCycles === null || instructions === null) {
    throw new CliError("USAGE", "--baseline float compares simulated cycles: it needs --engine builtin");
  }
  const model = readModel(bytes);
  const facts = gateFacts(model);
  const graph = await openModel(floatModel, facts.window === null ? { stream: true } : { window: facts.window });
  const [inputs, outputs] = [graph.nodes[0]!.shape.cols, graph.nodes[graph.output]!.shape.cols];
  if (inputs !== facts.frameSize || outputs !== facts.outputSize) {
    const own = `${facts.frameSize} inputs and ${facts.outputSize} outputs`;
    throw new CliError(
      "MODEL_MISMATCH",
      `${floatModel} has ${inputs} inputs and ${outputs} outputs, the .gate file ${own}`,
    );
  }
  const steps = facts.window ?? STREAM_BLOCK;
  const count = steps * TIMED_WINDOWS;
  const frames =
    data.frames === undefined
      ? seededFrames(model, count)
      : await recordedFrames(model, data.frames, data.options, count);
  const networkInputs = createNormalizer(facts.scaling, facts.normalization)(frames.values);
  const windows = Array.from({ length: TIMED_WINDOWS }, (_, i) =>
    networkInputs.subarray(i * steps * inputs, (i + 1) * steps * inputs),
  );
  const run = runFloatBaseline({ graph, windows, waitStates: report.waitStates });
  const units = TIMED_WINDOWS * (report.unit === "window" ? 1 : steps);
  const scored = await scores(report, bytes, floatModel, data);
  return {
    floatModel,
    unit: report.unit,
    float: {
      ...timesOf(run.cycles / units, run.instructions / units),
      ramBytes: run.arenaBytes + run.stackBytes,
      flashBytes: run.codeBytes + run.modelBytes,
      modelBytes: run.modelBytes,
      scores: scored?.float ?? null,
    },
    gatelet: {
      ...timesOf(simulatedCycles / report.units, instructions / report.units),
      ramBytes: ramUsed(report.memory),
      flashBytes: flashUsed(report.memory),
      modelBytes: report.memory.modelFlashBytes,
      scores: scored?.quantized ?? null,
    },
    agreement: scored?.difference?.agreement ?? null,
  };
}

const timesOf = (cyclesPerUnit: number, instructionsPerUnit: number) => ({
  cyclesPerUnit,
  instructionsPerUnit,
  millisecondsPerUnit: (1000 * cyclesPerUnit) / NRF52840.clockHz,
});

/** Scores of both on the recordings of the check; only window models are scored. */
async function scores(
  report: CheckReport,
  bytes: Uint8Array,
  floatModel: string,
  { frames, options }: { readonly frames?: string; readonly options: DataOptions },
) {
  if (frames === undefined || report.unit !== "window") return undefined;
  const { windows } = await evaluateModel({
    name: report.file,
    bytes,
    data: frames,
    options,
    floatModel,
    stream: false,
    limit: SCORED_WINDOWS,
    longFrames: 0,
    engine: "auto",
  });
  return windows ?? undefined;
}
