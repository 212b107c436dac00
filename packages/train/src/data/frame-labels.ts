import { TrainError } from "../training/errors.js";
import type { TrainingSet } from "../training/training-set.js";
import { fitNormalization, type Normalization, networkInputs } from "./prepare.js";
import { labelAt, type Recordings } from "./recordings.js";
import { cutWindows, type WindowSet } from "./windows.js";

/** How the frames round a change of label count in training a stream model. */
export interface FrameLabelOptions {
  /** Frames on each side of a change. */
  readonly margin?: number;
  /** `ignore`: they do not count; `soft`: their target passes over linearly; default: they count as they are. */
  readonly change?: "hard" | "ignore" | "soft";
  /** Class for frames that are marked as unlabelled; absent: these do not count. */
  readonly rejection?: number;
}

export interface FrameTargets {
  /** [frames * classes] */
  readonly targets: Float32Array;
  /** [frames]; 0 where a frame does not count. */
  readonly weights: Float32Array;
}

/** Target of every frame of one labelled sequence. Throws `TRAIN_DATA` for data without labels per frame. */
export function frameTargets(
  recordings: Recordings,
  sequence: number,
  classes: number,
  options: FrameLabelOptions = {},
): FrameTargets {
  const recorded = recordings.sequences[sequence];
  if (recorded.labels === undefined) throw new TrainError("TRAIN_DATA", `${recorded.name} has no labels`);
  const { margin = 0, change = "hard", rejection } = options;
  const labels = Int32Array.from({ length: recorded.length }, (_, frame) => {
    return labelAt(recordings, recorded, frame) ?? rejection ?? -1;
  });
  const targets = new Float32Array(recorded.length * classes);
  const weights = new Float32Array(recorded.length);
  labels.forEach((label, frame) => {
    if (label >= classes) throw new TrainError("TRAIN_DATA", `${recorded.name}: label ${label} of ${classes} classes`);
    if (label < 0) return;
    targets[frame * classes + label] = 1;
    weights[frame] = 1;
  });
  if (change === "hard" || margin === 0) return { targets, weights };
  for (let frame = 1; frame < labels.length; frame++) {
    const [before, after] = [labels[frame - 1], labels[frame]];
    if (before === after) continue;
    for (let near = Math.max(0, frame - margin); near < Math.min(labels.length, frame + margin); near++) {
      if (change === "ignore") weights[near] = 0;
      else if (before >= 0 && after >= 0 && labels[near] === (near < frame ? before : after)) {
        const share = (near - frame + margin + 0.5) / (2 * margin);
        targets[near * classes + before] = 1 - share;
        targets[near * classes + after] = share;
      }
    }
  }
  return { targets, weights };
}

/** Pieces of recordings with an answer for every frame; for training with kept answers (`returnSequences`). */
export function streamSet(
  recordings: Recordings,
  options: FrameLabelOptions & {
    readonly length: number;
    readonly hop?: number;
    readonly classes: number;
    readonly normalization?: Normalization;
    /** Frames at the start of a piece that do not count: the state is still cold. */
    readonly warmUp?: number;
  },
): { set: TrainingSet; normalization: Normalization; windows: WindowSet } {
  const { length, classes, warmUp = 0 } = options;
  const windows = cutWindows(recordings, { length, hop: options.hop ?? length, keepUnlabelled: true });
  const indices = Uint32Array.from(windows.windows, (_, i) => i);
  const normalization = options.normalization ?? fitNormalization(windows, indices);
  const known = new Map<number, FrameTargets>();
  const targets = new Float32Array(indices.length * length * classes);
  const weights = new Float32Array(indices.length * length);
  windows.windows.forEach(({ sequence, start }, i) => {
    const frames = known.get(sequence) ?? frameTargets(recordings, sequence, classes, options);
    known.set(sequence, frames);
    const padded = Math.max(0, -start);
    const first = Math.max(0, start);
    targets.set(frames.targets.subarray(first * classes, (start + length) * classes), (i * length + padded) * classes);
    weights.set(frames.weights.subarray(first, start + length), i * length + padded);
    // A recording's own beginning is cold on the device too.
    if (start > 0) weights.fill(0, i * length, i * length + warmUp);
  });
  const set: TrainingSet = {
    inputs: networkInputs(windows, indices, normalization),
    shape: [length, recordings.channels],
    count: indices.length,
    targets,
    weights,
    outputs: classes,
    rows: length,
  };
  return { set, normalization, windows };
}

/** Fewest pieces into which a recording is cut for the sake of more lanes: most of them begin with a warm state. */
const LEAST_CHAIN = 4;

/**
 * Whole recordings as pieces that follow each other, with an answer for every frame: for training and scoring with kept state.
 * The last piece is filled up with frames that do not count.
 * @param options.lanes  long recordings are cut until there are about so many of them (training in parallel); such a cut
 *                       begins cold, so its first `warmUp` frames do not count. Absent: no cuts
 */
export function continuousSet(
  recordings: Recordings,
  options: FrameLabelOptions & {
    readonly length: number;
    readonly classes: number;
    readonly normalization: Normalization;
    readonly warmUp?: number;
    readonly lanes?: number;
  },
): TrainingSet {
  const { length, classes, normalization, warmUp = 0, lanes } = options;
  const { channels, rawScale, missing } = recordings;
  const counts = recordings.sequences.map((sequence) => Math.ceil(sequence.length / length));
  const count = counts.reduce((sum, pieces) => sum + pieces, 0);
  const longest = lanes === undefined ? count : Math.max(LEAST_CHAIN, Math.ceil(count / lanes));
  const inputs = new Float32Array(count * length * channels);
  const targets = new Float32Array(count * length * classes);
  const weights = new Float32Array(count * length);
  const previous = new Int32Array(count);
  let first = 0;
  recordings.sequences.forEach(({ samples, length: frames }, sequence) => {
    const known = frameTargets(recordings, sequence, classes, options);
    const start = first * length;
    targets.set(known.targets, start * classes);
    // Frames behind the end need a distribution too, if one without weight.
    for (let row = start + frames; row < start + counts[sequence] * length; row++) targets[row * classes] = 1;
    weights.set(known.weights, start);
    for (let at = 0; at < frames * channels; at++) {
      const c = at % channels;
      if (samples[at] === missing) weights[start + Math.floor(at / channels)] = 0;
      else inputs[start * channels + at] = (samples[at] * rawScale[c] - normalization.mean[c]) / normalization.std[c];
    }
    for (let piece = 0; piece < counts[sequence]; piece++) {
      const cold = piece % longest === 0;
      previous[first + piece] = cold ? -1 : first + piece - 1;
      if (cold && piece > 0) weights.fill(0, start + piece * length, start + piece * length + warmUp);
    }
    first += counts[sequence];
  });
  return { inputs, shape: [length, channels], count, targets, weights, outputs: classes, rows: length, previous };
}
