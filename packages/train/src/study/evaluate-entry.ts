import { convert, FloatExecutor, type Graph, openModel, type WeightBits } from "@gatelet/converter";
import type { Normalization } from "../data/prepare.js";
import { networkInputs, windowLabels } from "../data/prepare.js";
import { DataError } from "../data/recordings.js";
import { sampleWindows, type WindowSet, windowSamples } from "../data/windows.js";
import { argMax, ConfusionMatrix } from "../metrics/classification.js";
import type { BoardCost, BoardMeter, LoadInteger } from "./integer-engine.js";

/** A trained network and the windows it is judged by. */
export interface EntryInput {
  readonly name: string;
  /** Folder or file of the model. */
  readonly model: string;
  readonly windows: WindowSet;
  readonly train: Uint32Array;
  readonly test: Uint32Array;
  readonly normalization: Normalization;
  readonly bits: readonly WeightBits[];
  readonly calibrationWindows?: number;
}

/** How one quantized version does. */
export interface QuantizedFigures {
  readonly bits: WeightBits;
  readonly accuracy: number;
  readonly macroF1: number;
  /** Share of test windows that it decides as the float network does. */
  readonly agreement: number;
  readonly gateBytes: number;
  /** State and scratch of one stream. */
  readonly ramBytes: number;
  readonly board?: BoardCost;
}

export interface EntryFigures {
  readonly parameters: number;
  readonly floatBytes: number;
  readonly testWindows: number;
  readonly floatAccuracy: number;
  readonly floatMacroF1: number;
  /** Of test windows without made-up frames alone, where there are others. */
  readonly recorded?: { readonly windows: number; readonly floatAccuracy: number };
  readonly quantized: readonly QuantizedFigures[];
}

export interface EntryTools {
  readonly engine: LoadInteger;
  readonly meter?: BoardMeter;
  readonly onProgress?: (text: string) => void;
}

const CALIBRATION_WINDOWS = 1000;
const CHUNK = 256;

/** Scores a float network and its quantized versions on the same windows; the latter in the integer engine. */
export async function evaluateEntry(input: EntryInput, tools: EntryTools): Promise<EntryFigures> {
  const { windows, test, normalization, name } = input;
  const labels = windowLabels(windows, test);
  const graph = await openModel(input.model);
  const executor = new FloatExecutor(graph);
  const floatDecisions = new Uint16Array(test.length);
  for (let first = 0; first < test.length; first += CHUNK) {
    tools.onProgress?.(`${name}: float ${Math.round((100 * first) / test.length)} %`);
    const part = test.subarray(first, first + CHUNK);
    const inputs = networkInputs(windows, part, normalization);
    const size = inputs.length / part.length;
    const batch = Array.from(part, (_, i) => inputs.subarray(i * size, (i + 1) * size));
    executor.runBatch(batch).forEach((row, i) => {
      floatDecisions[first + i] = argMax(row);
    });
    await new Promise((resolve) => setImmediate(resolve));
  }
  const float = scoreDecisions(floatDecisions, labels, windows.recordings.classes);
  const quantized: QuantizedFigures[] = [];
  for (const bits of input.bits) {
    tools.onProgress?.(`${name}: int${bits}`);
    quantized.push(await quantizedFigures(input, graph, bits, floatDecisions, labels, tools));
  }
  const parameters = countParameters(graph);
  return {
    parameters,
    floatBytes: 4 * parameters,
    testWindows: test.length,
    floatAccuracy: float.accuracy,
    floatMacroF1: float.macroF1,
    ...recordedFigures(input, floatDecisions, labels),
    quantized,
  };
}

function recordedFigures({ windows, test }: EntryInput, decisions: Uint16Array, labels: Uint16Array) {
  const { sequences } = windows.recordings;
  const isRecorded = Array.from(test, (index) => sequences[windows.windows[index].sequence].isMade !== true);
  const count = isRecorded.filter(Boolean).length;
  if (count === test.length || count === 0) return {};
  const right = isRecorded.filter((recorded, i) => recorded && decisions[i] === labels[i]).length;
  return { recorded: { windows: count, floatAccuracy: right / count } };
}

async function quantizedFigures(
  input: EntryInput,
  graph: Graph,
  bits: WeightBits,
  floatDecisions: Uint16Array,
  labels: Uint16Array,
  { engine, meter, onProgress }: EntryTools,
): Promise<QuantizedFigures> {
  const { windows, test, name, normalization } = input;
  const { bytes, report } = await convert(graph, {
    ...conversionData(input),
    bits,
    meta: { name, classes: windows.recordings.classes },
    onProgress: ({ stage, done }) => onProgress?.(`${name}: int${bits}, ${stage} ${Math.round(100 * done)} %`),
  });
  const model = await engine(bytes);
  const decisions = Uint16Array.from(test, (index) => argMax(model.window(countsOf(windows, index, normalization))));
  const scores = scoreDecisions(decisions, labels, windows.recordings.classes);
  const equal = decisions.reduce((sum, decision, i) => sum + Number(decision === floatDecisions[i]), 0);
  const board = await meter?.(bytes, countsOf(windows, test[0], normalization), windows.recordings.channels);
  return {
    bits,
    accuracy: scores.accuracy,
    macroF1: scores.macroF1,
    agreement: equal / test.length,
    gateBytes: bytes.length,
    ramBytes: report.arenaBytes,
    ...(board === undefined ? {} : { board }),
  };
}

/** Calibration windows and input scaling, for `convert`: raw counts, the normalization on the device. */
export function conversionData(input: Pick<EntryInput, "windows" | "train" | "normalization" | "calibrationWindows">): {
  calibration: Int16Array[];
  calibrationUnit: "raw";
  inputTransform: { scale: readonly number[]; mean: readonly number[]; std: readonly number[] };
} {
  const { windows, train, normalization, calibrationWindows = CALIBRATION_WINDOWS } = input;
  const learn = { ...windows, windows: Array.from(train, (index) => windows.windows[index]) };
  const sample = sampleWindows(learn, calibrationWindows);
  return {
    calibration: sample.windows.map((_, i) => countsOf(sample, i, normalization)),
    calibrationUnit: "raw",
    inputTransform: { scale: windows.recordings.rawScale, ...normalization },
  };
}

/**
 * Counts of one window. Throws `DATA_FORM_UNKNOWN` for recordings of floats.
 * @param normalization decides the counts in front of a series that is shorter than the window: its mean, a network's zero
 */
export function countsOf(set: WindowSet, index: number, normalization?: Normalization): Int16Array {
  const padding = normalization?.mean.map((mean, c) => Math.round(mean / set.recordings.rawScale[c]));
  const samples = windowSamples(set, set.windows[index], padding);
  if (samples instanceof Int16Array) return samples;
  throw new DataError("DATA_FORM_UNKNOWN", `${set.recordings.name} holds physical values, raw counts are needed`);
}

function scoreDecisions(decisions: Uint16Array, labels: Uint16Array, classes: readonly string[]) {
  const matrix = new ConfusionMatrix(classes);
  decisions.forEach((decision, i) => {
    matrix.add(labels[i], decision);
  });
  return { accuracy: matrix.accuracy, macroF1: matrix.macroF1 };
}

/** Trained numbers of a graph. */
export function countParameters(graph: Graph): number {
  let count = 0;
  for (const node of graph.nodes) {
    for (const [key, value] of Object.entries(node)) {
      if (key === "recurrentBias" && node.op === "gru" && !node.resetAfter) continue;
      if (typeof value === "object" && value !== null && "data" in value && value.data instanceof Float32Array) {
        count += value.data.length;
      }
    }
  }
  return count;
}
