import { basename } from "node:path";
import { FloatExecutor, openModel } from "@gatelet/converter";
import { readModel } from "@gatelet/converter/format";
import { fillMissing, type Recordings, sampleWindows } from "@gatelet/train";
import { CliError } from "../cli-error.js";
import { paddingOf } from "../conversion/convert-model.js";
import { createCounter, createNormalizer, storedScaling } from "../conversion/input-scaling.js";
import { type GateFacts, gateFacts } from "../gate-facts.js";
import { type DataOptions, loadData, loadWindows, splitOf } from "../load-data.js";
import { type EngineName, loadRuntime } from "../runtime.js";
import { counted } from "../text/numbers.js";
import { evaluateStreams } from "./evaluate-streams.js";
import { checkLabels, evaluateWindows } from "./evaluate-windows.js";
import { type EvaluationReport, measureTiming } from "./evaluation-report.js";
import { floatPredictor, type Predictor } from "./predictor.js";
import { PREDICTOR_STREAMS, quantizedPredictor } from "./quantized-predictor.js";
import type { Meaning } from "./scores.js";

export interface EvaluationRequest {
  /** Path of the `.gate` file, for the report, and its bytes. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Path of the recordings. */
  readonly data: string;
  readonly options: DataOptions;
  /** Path of the trained model that the file was made from; absent: no comparison with float. */
  readonly floatModel?: string;
  readonly stream: boolean;
  /** Most windows to look at; absent: all. */
  readonly limit?: number;
  readonly transitionFrames?: number;
  readonly longFrames: number;
  readonly engine: EngineName;
  readonly onProgress?: (stage: string, done: number) => void;
}

/**
 * Scores a `.gate` file on recordings, against the float model where it is given.
 * Windows: those of the test split, where the data know splits. Streams: every frame of the test split's recordings.
 * Throws FormatError, ImportError, DataError, CliError, each with a literal `code`.
 */
export async function evaluateModel(request: EvaluationRequest): Promise<EvaluationReport> {
  const gate = readModel(request.bytes);
  const facts = gateFacts(gate);
  if (request.options.target !== undefined && facts.transform !== "none") {
    const message = `--target is for regression: ${request.name} decides between ${facts.classes.length || "its"} classes`;
    throw new CliError("MODEL_MISMATCH", message);
  }
  const options = { ...request.options, values: request.options.values ?? facts.frames };
  const loaded = await loadData(request.data, options, facts);
  const usable = request.stream ? fillMissing(loaded) : loaded;
  const runtime = await loadRuntime(request.bytes, request.engine, PREDICTOR_STREAMS);
  const count = createCounter(storedScaling(usable), facts.scaling);
  const quantized = quantizedPredictor(runtime, facts.transform, count);
  const float = request.floatModel === undefined ? undefined : await openFloat(request.floatModel, facts, usable);
  const meaning: Meaning = {
    transform: facts.transform,
    outputSize: facts.outputSize,
    classNames: facts.classes.length > 0 ? facts.classes : usable.classes,
    task: isRegression(usable, facts) ? "regression" : "classification",
    targetScale: facts.target,
  };
  const evaluation = request.stream
    ? await streams(request, usable, facts, quantized, float, meaning)
    : await windows({ ...request, options }, usable, facts, quantized, float, meaning);
  const notes = [...evaluation.notes];
  if (float === undefined) notes.push("no float model given (--float): only the quantized model is scored");
  const { samples } = usable.sequences.reduce((a, b) => (a.length >= b.length ? a : b));
  const enough = samples.length >= (facts.window ?? 1) * facts.frameSize;
  return {
    model: facts.name,
    data: usable.name === request.data ? request.data : basename(request.data),
    fileBytes: request.bytes.length,
    arenaBytes: gate.header.arenaBytes,
    windows: null,
    streams: null,
    ...evaluation,
    timing: enough ? measureTiming(quantized, samples, facts.frameSize, facts.window, runtime.engine) : null,
    notes,
  };
}

function isRegression(recordings: Recordings, facts: GateFacts): boolean {
  if (recordings.targetName !== undefined) return true;
  return facts.classes.length === 0 && facts.transform === "none" && facts.outputSize === 1;
}

async function openFloat(path: string, facts: GateFacts, recordings: Recordings): Promise<Predictor> {
  const graph = await openModel(path, facts.window === null ? { stream: true } : { window: facts.window });
  const { shape } = graph.nodes[graph.output]!;
  const frameSize = graph.nodes[0]!.shape.cols;
  if (shape.cols !== facts.outputSize || frameSize !== facts.frameSize) {
    const own = `${facts.frameSize} inputs and ${facts.outputSize} outputs`;
    throw new CliError(
      "MODEL_MISMATCH",
      `${path} has ${frameSize} inputs and ${shape.cols} outputs, the .gate file ${own}`,
    );
  }
  const normalize = createNormalizer(storedScaling(recordings), facts.normalization);
  return floatPredictor(new FloatExecutor(graph), facts.transform, normalize);
}

async function windows(
  request: EvaluationRequest,
  recordings: Recordings,
  facts: GateFacts,
  quantized: Predictor,
  float: Predictor | undefined,
  meaning: Meaning,
) {
  if (facts.window === null) {
    throw new CliError("USAGE", "the model is a stream model: score it with --stream");
  }
  const whole = await loadWindows(recordings, facts.window, "test", request.options);
  const set = request.limit === undefined ? whole : sampleWindows(whole, request.limit);
  const padding = paddingOf(recordings.rawScale, facts.normalization?.mean);
  const evaluation = await drive(evaluateWindows(set, quantized, float, meaning, padding), (done) =>
    request.onProgress?.("windows", done),
  );
  const notes: string[] = [];
  if (set !== whole) notes.push(`${set.windows.length} of ${whole.windows.length} windows, spread evenly (--limit)`);
  const padded = set.windows.filter(({ start }) => start < 0).length;
  if (padded > 0) notes.push(`${counted(padded, "window")} of shorter recordings padded in front`);
  const { skippedMissing, skippedUnlabelled } = whole;
  if (skippedMissing > 0) notes.push(`${counted(skippedMissing, "window")} with missing values left out`);
  if (skippedUnlabelled > 0) notes.push(`${counted(skippedUnlabelled, "window")} without a label or target left out`);
  return { windows: evaluation, notes };
}

async function streams(
  request: EvaluationRequest,
  recordings: Recordings,
  facts: GateFacts,
  quantized: Predictor,
  float: Predictor | undefined,
  meaning: Meaning,
) {
  const test = splitOf(recordings, "test");
  if (meaning.task === "classification") {
    for (const { labels } of test.sequences) {
      if (labels !== undefined) checkLabels(typeof labels === "number" ? [labels] : labels, meaning);
    }
  }
  const rate = recordings.rateHz ?? facts.frameRate ?? 50;
  const generator = evaluateStreams(test, quantized, float, meaning, {
    transitionFrames: request.transitionFrames ?? Math.max(1, Math.round(Math.max(rate, facts.window ?? 0))),
    hop: request.options.hop ?? Math.max(1, (facts.window ?? 1) >> 2),
    window: facts.window,
    longFrames: request.longFrames,
  });
  return { streams: await drive(generator, (done) => request.onProgress?.("frames", done)), notes: [] };
}

/** Milliseconds of work between two looks at the event loop, so that signals are heard and progress is shown. */
const BREATH_MS = 60;

/** Runs a generator to its end, reporting what it yields and letting the event loop breathe. */
async function drive<T>(generator: Generator<number, T>, onProgress: (done: number) => void): Promise<T> {
  let last = performance.now();
  for (;;) {
    const step = generator.next();
    if (step.done === true) return step.value;
    if (performance.now() - last < BREATH_MS) continue;
    onProgress(step.value);
    await new Promise((resolve) => setImmediate(resolve));
    last = performance.now();
  }
}
