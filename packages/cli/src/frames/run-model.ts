import type { Writable } from "node:stream";
import { readModel } from "@gatelet/converter/format";
import { createCounter, type InputScaling } from "../conversion/input-scaling.js";
import { gateFacts } from "../gate-facts.js";
import { type EngineName, loadRuntime } from "../runtime.js";
import { Decider, streamsNeeded } from "./decider.js";
import { DecisionWriter } from "./decision-writer.js";
import { csvFrames, rawFrames } from "./frame-source.js";
import { runFrames } from "./run-frames.js";

export interface RunRequest {
  readonly bytes: Uint8Array;
  readonly input: AsyncIterable<Uint8Array>;
  readonly output: Writable;
  readonly format: "csv" | "int16";
  /** What CSV numbers are; absent: what the file says its calibration data were, else counts. */
  readonly values?: "counts" | "physical";
  readonly hop?: number;
  readonly json: boolean;
  readonly changesOnly: boolean;
  readonly engine: EngineName;
  /** Asked now and then: true ends the run early. */
  readonly stopped: () => boolean;
}

export interface RunSummary {
  readonly frames: number;
  /** Frames in a window; null: a stream model. */
  readonly window: number | null;
  readonly decisions: number;
  readonly streams: number;
}

/**
 * Runs a model over frames as they come and writes decisions as they fall. Memory does not grow with the input.
 * Throws FormatError for a file that is refused, CliError naming the line of a frame that does not fit.
 */
export async function runModel(request: RunRequest): Promise<RunSummary> {
  const facts = gateFacts(readModel(request.bytes));
  const streams = streamsNeeded(facts.window, request.hop ?? facts.window ?? 1);
  const runtime = await loadRuntime(request.bytes, request.engine, streams);
  const decider = new Decider(runtime, {
    transform: facts.transform,
    classes: facts.classes,
    targetScale: facts.target,
    ...(request.hop === undefined ? {} : { hop: request.hop }),
  });
  const writer = new DecisionWriter(request.output, {
    json: request.json,
    changesOnly: request.changesOnly,
    manyRows: facts.maxOutputRows > 1,
    outputNames: facts.outputs,
  });
  const physical = request.format === "csv" && (request.values ?? facts.frames) === "physical";
  const frame = { width: facts.frameSize, features: facts.features, counts: !physical && !facts.tokens };
  const source = request.format === "int16" ? rawFrames(request.input, frame) : csvFrames(request.input, frame);
  const count = facts.tokens ? tokens : createCounter(physical ? plain(facts.frameSize) : facts.scaling, facts.scaling);
  await runFrames(source, facts.frameSize, count, decider, writer, request.stopped);
  return { frames: decider.frames, window: facts.window, decisions: writer.written, streams: decider.streamCount };
}

/** Scaling of values that are physical already. */
const plain = (channels: number): InputScaling => ({
  scale: new Array<number>(channels).fill(1),
  offset: new Array<number>(channels).fill(0),
});

/** Tokens are uint16 in int16 clothing. */
const tokens = (values: ArrayLike<number>): Int16Array => Int16Array.from(values);
