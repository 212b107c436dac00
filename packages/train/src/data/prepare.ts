import { oneHot, type TrainingSet } from "../training/training-set.js";
import { DataError } from "./recordings.js";
import { type WindowRef, type WindowSet, windowSamples } from "./windows.js";

/** Network input = (physical - mean) / std, per channel; both in physical units. */
export interface Normalization {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/**
 * Mean and standard deviation of each channel over the frames of the windows at `indices`: give it those of the training
 * part only. A channel without variance gets 1. Throws `DATA_TOO_SHORT` without windows.
 */
export function fitNormalization(set: WindowSet, indices: ArrayLike<number>): Normalization {
  const { channels, rawScale, name } = set.recordings;
  if (indices.length === 0) throw new DataError("DATA_TOO_SHORT", `${name}: no windows to normalize by`);
  const sum = new Float64Array(channels);
  const squares = new Float64Array(channels);
  let frames = 0;
  for (let i = 0; i < indices.length; i++) {
    const window = set.windows[indices[i]];
    const samples = windowSamples(set, window);
    // Frames in front of a short sequence are padding.
    const first = Math.max(0, -window.start) * channels;
    for (let at = first; at < samples.length; at++) {
      const value = samples[at] * rawScale[at % channels];
      sum[at % channels] += value;
      squares[at % channels] += value * value;
    }
    frames += (samples.length - first) / channels;
  }
  const mean = Array.from(sum, (total) => total / frames);
  const std = mean.map((value, c) => Math.sqrt(Math.max(0, squares[c] / frames - value * value)));
  return { mean, std: std.map((value, c) => (value > 1e-9 * Math.max(1, Math.abs(mean[c])) ? value : 1)) };
}

/** Normalized inputs [windows * length * channels] of the windows at `indices`; padding in front is 0. */
export function networkInputs(set: WindowSet, indices: ArrayLike<number>, normalization: Normalization): Float32Array {
  const { channels, rawScale } = set.recordings;
  const size = set.length * channels;
  const gain = Float64Array.from(rawScale, (scale, c) => scale / normalization.std[c]);
  const shift = Float64Array.from(normalization.mean, (mean, c) => mean / normalization.std[c]);
  const inputs = new Float32Array(indices.length * size);
  for (let i = 0; i < indices.length; i++) {
    const window = set.windows[indices[i]];
    const samples = windowSamples(set, window);
    const first = Math.max(0, -window.start) * channels;
    for (let at = first, c = 0; at < size; at++, c = c + 1 === channels ? 0 : c + 1) {
      inputs[i * size + at] = samples[at] * gain[c] - shift[c];
    }
  }
  return inputs;
}

/** Label of each window; throws `DATA_LABEL_UNKNOWN` where one has none. */
export function windowLabels(set: WindowSet, indices: ArrayLike<number>): Uint16Array {
  return Uint16Array.from(indices, (index) => {
    const { label } = set.windows[index];
    if (label !== undefined) return label;
    throw new DataError("DATA_LABEL_UNKNOWN", `${set.recordings.name}: window ${index} has no label`);
  });
}

/** Classification samples from windows. */
export function classificationSet(
  set: WindowSet,
  indices: ArrayLike<number>,
  normalization: Normalization,
  classes: number,
): TrainingSet {
  return {
    inputs: networkInputs(set, indices, normalization),
    shape: [set.length, set.recordings.channels],
    count: indices.length,
    targets: oneHot(windowLabels(set, indices), classes),
    outputs: classes,
    rows: 1,
  };
}

/** Regression samples: targets (target - mean) / std of the windows' targets. */
export function regressionSet(
  set: WindowSet,
  indices: ArrayLike<number>,
  normalization: Normalization,
  target: { readonly mean: number; readonly std: number },
): TrainingSet {
  return {
    inputs: networkInputs(set, indices, normalization),
    shape: [set.length, set.recordings.channels],
    count: indices.length,
    targets: Float32Array.from(indices, (index) => (targetOf(set, index) - target.mean) / target.std),
    outputs: 1,
    rows: 1,
  };
}

/** Mean and standard deviation of the windows' targets. */
export function targetSpread(set: WindowSet, indices: ArrayLike<number>): { mean: number; std: number } {
  const values = Array.from(indices, (index) => targetOf(set, index));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, std: variance > 0 ? Math.sqrt(variance) : 1 };
}

function targetOf(set: WindowSet, index: number): number {
  const { target } = set.windows[index];
  if (target !== undefined) return target;
  throw new DataError("DATA_LABEL_UNKNOWN", `${set.recordings.name}: window ${index} has no target`);
}

/** How labels of a window's frames become its label. */
export type LabelRule = "last" | "majority";

/** The same windows labelled by the majority of their frames instead of the last; of equally many the later one. */
export function labelByMajority(set: WindowSet): WindowSet {
  const windows = set.windows.map((window): WindowRef => {
    const { labels } = set.recordings.sequences[window.sequence];
    if (labels === undefined || typeof labels === "number") return window;
    const counts = new Map<number, number>();
    let best = window.label;
    for (let frame = Math.max(0, window.start); frame < window.start + set.length; frame++) {
      const label = labels[frame];
      const count = (counts.get(label) ?? 0) + 1;
      counts.set(label, count);
      if (count >= (counts.get(best ?? -1) ?? 0)) best = label;
    }
    return { ...window, ...(best === undefined ? {} : { label: best }) };
  });
  return { ...set, windows };
}
