import { labelAt, type RecordedSequence, type Recordings } from "@gatelet/train";
import type { Predictor, PredictorStream } from "./predictor.js";
import { type Difference, DifferenceKeeper, type Meaning, ScoreKeeper, type Scores } from "./scores.js";

/** Per-frame scores of continuous recordings. `steady` and `transitions` divide the labelled frames. */
export interface StreamEvaluation {
  readonly frames: number;
  readonly sequences: number;
  readonly unlabelledFrames: number;
  /** Frames behind a change of label that count as transition. */
  readonly transitionFrames: number;
  /** Frames between decisions (1: every frame gets its own). */
  readonly decisionHop: number;
  /** What the differences are measured in, for axes. */
  readonly unit: string;
  readonly quantized: StreamScores | null;
  readonly float: StreamScores | null;
  readonly difference: Difference | null;
  /** Largest float-integer difference of the frames of each time step since the start of a recording, binned. */
  readonly errorByStep: ErrorCurve | null;
  /** The same over one long stream whose state is kept throughout. */
  readonly longStream: ErrorCurve | null;
}

export interface StreamScores {
  readonly all: Scores;
  readonly steady: Scores;
  readonly transitions: Scores;
}

/** Errors over time: bins of equal length with their largest and mean error. */
export interface ErrorCurve {
  readonly frames: number;
  readonly framesPerBin: number;
  readonly worst: readonly number[];
  readonly mean: readonly number[];
}

export interface StreamOptions {
  readonly transitionFrames: number;
  /** Window models: frames between the starts of overlapping windows. */
  readonly hop: number;
  /** Frames in a window; null: a stream model. */
  readonly window: number | null;
  /** Frames of the long stream; 0: none. */
  readonly longFrames: number;
}

/** Frames pushed at once: keeps the float executor busy and memory small. */
const CHUNK = 256;
const CURVE_BINS = 400;

/**
 * Scores every frame of continuous recordings: a frame gets the latest decision that has fallen when it has come.
 * Yields the share done.
 */
export function* evaluateStreams(
  recordings: Recordings,
  quantized: Predictor,
  float: Predictor | undefined,
  meaning: Meaning,
  options: StreamOptions,
): Generator<number, StreamEvaluation> {
  const total = recordings.sequences.reduce((sum, sequence) => sum + sequence.length, 0);
  const longest = recordings.sequences.reduce((most, sequence) => Math.max(most, sequence.length), 0);
  const work = total + options.longFrames;
  const tally = { quantized: new StreamTally(meaning), float: new StreamTally(meaning) };
  const difference = new DifferenceKeeper(meaning);
  const apart = options.window === null ? 1 : options.hop;
  const curve = new CurveKeeper(longest, apart);
  let done = 0;
  let unlabelled = 0;
  for (const sequence of recordings.sequences) {
    const near = transitionMarks(sequence, options.transitionFrames);
    for (const step of answers(recordings, [sequence], sequence.length, quantized, float, options)) {
      const { frame, row, reference } = step;
      if (reference !== undefined) curve.add(frame, difference.add(reference, row));
      const last = Math.min(sequence.length, frame + (options.window === null ? 1 : options.hop));
      for (let t = frame; t < last; t++) {
        const truth = meaning.task === "regression" ? targetAt(sequence, t) : labelAt(recordings, sequence, t);
        if (truth === undefined) {
          unlabelled++;
          continue;
        }
        tally.quantized.add(truth, row, near[t] === 1);
        if (reference !== undefined) tally.float.add(truth, reference, near[t] === 1);
      }
      if (frame % 1024 === 0) yield (done + frame) / work;
    }
    done += sequence.length;
  }
  const long = new CurveKeeper(options.longFrames, apart);
  if (float !== undefined && options.longFrames > 0) {
    const keeper = new DifferenceKeeper(meaning);
    for (const { frame, row, reference } of answers(
      recordings,
      recordings.sequences,
      options.longFrames,
      quantized,
      float,
      options,
    )) {
      long.add(frame, keeper.add(reference!, row));
      if (frame % 1024 === 0) yield (done + frame) / work;
    }
  }
  return {
    frames: total,
    sequences: recordings.sequences.length,
    unlabelledFrames: unlabelled,
    transitionFrames: options.transitionFrames,
    decisionHop: options.window === null ? 1 : options.hop,
    unit: meaning.transform === "none" ? "difference of outputs" : "difference of probabilities",
    quantized: tally.quantized.scores,
    float: float === undefined ? null : tally.float.scores,
    difference: float === undefined ? null : difference.difference,
    errorByStep: float === undefined ? null : curve.curve,
    longStream: float === undefined || options.longFrames === 0 ? null : long.curve,
  };
}

interface Answer {
  /** The frame with which the decision fell. */
  readonly frame: number;
  readonly row: Float64Array;
  readonly reference: Float64Array | undefined;
}

/** Decisions over `frames` frames of sequences laid end to end, begun anew at the end of the last; state is kept throughout. */
function* answers(
  recordings: Recordings,
  sequences: readonly RecordedSequence[],
  frames: number,
  quantized: Predictor,
  float: Predictor | undefined,
  options: StreamOptions,
): Generator<Answer> {
  if (options.window !== null) {
    yield* windowAnswers(recordings, sequences, frames, quantized, float, options.window, options.hop);
    return;
  }
  const streams = { quantized: quantized.createStream(), float: float?.createStream() };
  let frame = 0;
  for (let index = 0; frame < frames; index = (index + 1) % sequences.length) {
    const { samples, length } = sequences[index]!;
    for (let start = 0; start < length && frame < frames; start += CHUNK) {
      const count = Math.min(CHUNK, length - start, frames - frame);
      const chunk = samples.subarray(start * recordings.channels, (start + count) * recordings.channels);
      yield* streamAnswers(chunk, frame, count, streams, quantized.outputSize);
      frame += count;
    }
  }
}

function* streamAnswers(
  chunk: Int16Array | Float32Array,
  frame: number,
  count: number,
  streams: { quantized: PredictorStream; float: PredictorStream | undefined },
  outputSize: number,
): Generator<Answer> {
  const rows = streams.quantized.push(chunk);
  const references = streams.float?.push(chunk);
  const fallen = rows.length / outputSize;
  for (let i = 0; i < fallen; i++) {
    // Models that answer less often than they are asked (strides) answer with the last frame of each group.
    const at = frame + Math.floor(((i + 1) * count) / fallen) - 1;
    const slice = (values: Float64Array) => values.subarray(i * outputSize, (i + 1) * outputSize);
    yield { frame: at, row: slice(rows), reference: references === undefined ? undefined : slice(references) };
  }
}

function* windowAnswers(
  recordings: Recordings,
  sequences: readonly RecordedSequence[],
  frames: number,
  quantized: Predictor,
  float: Predictor | undefined,
  window: number,
  hop: number,
): Generator<Answer> {
  let frame = 0;
  for (let index = 0; frame < frames; index = (index + 1) % sequences.length) {
    const { samples, length } = sequences[index]!;
    const starts: number[] = [];
    for (let start = 0; start + window <= Math.min(length, frames - frame); start += hop) starts.push(start);
    for (let first = 0; first < starts.length; first += CHUNK) {
      const some = starts.slice(first, first + CHUNK);
      const cut = some.map((start) =>
        samples.subarray(start * recordings.channels, (start + window) * recordings.channels),
      );
      const rows = quantized.windows(cut);
      const references = float?.windows(cut);
      for (let i = 0; i < some.length; i++) {
        yield { frame: frame + some[i]! + window - 1, row: rows[i]!, reference: references?.[i] };
      }
    }
    frame += length;
  }
}

function targetAt({ targets }: RecordedSequence, frame: number): number | undefined {
  const target = targets?.[frame];
  return target === undefined || Number.isNaN(target) ? undefined : target;
}

/** 1 for frames less than `reach` behind a change of label. */
function transitionMarks({ labels, length }: RecordedSequence, reach: number): Uint8Array {
  const marks = new Uint8Array(length);
  if (labels === undefined || typeof labels === "number") return marks;
  for (let t = 1; t < length; t++) if (labels[t] !== labels[t - 1]) marks.fill(1, t, Math.min(length, t + reach));
  return marks;
}

class StreamTally {
  private readonly all: ScoreKeeper;
  private readonly steady: ScoreKeeper;
  private readonly transitions: ScoreKeeper;

  constructor(meaning: Meaning) {
    this.all = new ScoreKeeper(meaning);
    this.steady = new ScoreKeeper(meaning);
    this.transitions = new ScoreKeeper(meaning);
  }

  add(truth: number, row: Float64Array, transition: boolean): void {
    this.all.add(truth, row);
    (transition ? this.transitions : this.steady).add(truth, row);
  }

  /** Null where no frame had a truth. */
  get scores(): StreamScores | null {
    const all = this.all.scores;
    if (all.samples === 0) return null;
    return { all, steady: this.steady.scores, transitions: this.transitions.scores };
  }
}

class CurveKeeper {
  private readonly framesPerBin: number;
  private readonly worst: Float64Array;
  private readonly sum: Float64Array;
  private readonly count: Float64Array;

  constructor(
    private readonly frames: number,
    leastFramesPerBin: number,
  ) {
    this.framesPerBin = Math.max(leastFramesPerBin, Math.ceil(frames / CURVE_BINS));
    const bins = Math.ceil(frames / this.framesPerBin);
    this.worst = new Float64Array(bins);
    this.sum = new Float64Array(bins);
    this.count = new Float64Array(bins);
  }

  add(frame: number, error: number): void {
    const bin = Math.floor(frame / this.framesPerBin);
    this.worst[bin] = Math.max(this.worst[bin]!, error);
    this.sum[bin]! += error;
    this.count[bin]!++;
  }

  get curve(): ErrorCurve {
    const mean = Array.from(this.sum, (sum, bin) => (this.count[bin] === 0 ? 0 : sum / this.count[bin]!));
    return { frames: this.frames, framesPerBin: this.framesPerBin, worst: Array.from(this.worst), mean };
  }
}
