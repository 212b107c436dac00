import { DataError, type RecordedSequence, type Recordings } from "./recordings.js";

/** Index of the channel called `name`; throws `DATA_COLUMN_UNKNOWN` listing the names there are. */
export function channelIndex(recordings: Recordings, name: string): number {
  const index = recordings.featureNames.indexOf(name);
  if (index >= 0) return index;
  const message = `${recordings.name}: no channel ${name} among ${recordings.featureNames.join(", ")}`;
  throw new DataError("DATA_COLUMN_UNKNOWN", message, { file: recordings.name, column: name });
}

/** The same recordings with only the named channels, in the order given. */
export function selectChannels(recordings: Recordings, names: readonly string[]): Recordings {
  const picked = names.map((name) => channelIndex(recordings, name));
  const pick = <T>(values: readonly T[]) => picked.map((channel) => values[channel]!);
  return {
    ...recordings,
    channels: picked.length,
    featureNames: names,
    units: pick(recordings.units),
    rawScale: pick(recordings.rawScale),
    sequences: recordings.sequences.map((sequence) => ({
      ...sequence,
      samples: pickSamples(sequence, recordings.channels, picked),
    })),
  };
}

function pickSamples(sequence: RecordedSequence, channels: number, picked: readonly number[]) {
  const { samples, length } = sequence;
  const size = length * picked.length;
  const selected = samples instanceof Int16Array ? new Int16Array(size) : new Float32Array(size);
  let at = 0;
  for (let frame = 0; frame < length; frame++) {
    for (const channel of picked) selected[at++] = samples[frame * channels + channel]!;
  }
  return selected;
}

/**
 * The same recordings with the physical value of a count filled in, where they are counts that do not say theirs.
 * Throws `DATA_RANGE` where their number is another.
 */
export function scaleBareCounts(recordings: Recordings, inputScale: readonly number[]): Recordings {
  const isBare =
    recordings.rawScale.every((scale) => scale === 1) && recordings.sequences[0]?.samples instanceof Int16Array;
  if (!isBare) return recordings;
  if (inputScale.length === recordings.channels) return { ...recordings, rawScale: inputScale };
  const message = `${recordings.name}: frames have ${recordings.channels} values, scales are given for ${inputScale.length}`;
  throw new DataError("DATA_RANGE", message, { file: recordings.name });
}

/** The same recordings with channel `name`, in physical units, as each frame's regression target. */
export function channelAsTarget(recordings: Recordings, name: string): Recordings {
  const channel = channelIndex(recordings, name);
  const { channels, missing } = recordings;
  const scale = recordings.rawScale[channel]!;
  const targets = (sequence: RecordedSequence) =>
    Float32Array.from({ length: sequence.length }, (_, frame) => {
      const value = sequence.samples[frame * channels + channel]!;
      return value === missing ? Number.NaN : value * scale;
    });
  return {
    ...recordings,
    targetName: name,
    sequences: recordings.sequences.map((sequence) => ({ ...sequence, targets: targets(sequence) })),
  };
}

/**
 * The same recordings with every missing value replaced by the channel's last one before it (at the start of a sequence:
 * the first one behind it; 0 where a sequence has none).
 */
export function fillMissing(recordings: Recordings): Recordings {
  const { missing, channels } = recordings;
  if (missing === undefined) return recordings;
  const sequences = recordings.sequences.map((sequence) => {
    const samples = sequence.samples.slice();
    for (let channel = 0; channel < channels; channel++) fillChannel(samples, channel, channels, missing);
    return { ...sequence, samples };
  });
  const { missing: _, ...rest } = recordings;
  return { ...rest, sequences };
}

function fillChannel(samples: Int16Array | Float32Array, channel: number, channels: number, missing: number): void {
  let first = channel;
  while (first < samples.length && samples[first] === missing) first += channels;
  let last = first < samples.length ? samples[first]! : 0;
  for (let at = channel; at < samples.length; at += channels) {
    if (samples[at] === missing) samples[at] = last;
    else last = samples[at]!;
  }
}

/** Values beyond those seen that counts can still express. */
const HEADROOM = 2;

/** Physical value of one count, per channel, so that twice the largest value seen fits into 16 bits. */
export function countScale(recordings: Recordings): number[] {
  const most = new Float64Array(recordings.channels);
  for (const { samples } of recordings.sequences) {
    for (let at = 0; at < samples.length; at++) {
      const c = at % recordings.channels;
      if (samples[at] !== recordings.missing) most[c] = Math.max(most[c], Math.abs(samples[at]));
    }
  }
  return Array.from(most, (value, c) => (value === 0 ? 1 : (HEADROOM * value * recordings.rawScale[c]) / 32767));
}

/**
 * Recordings of physical values as the counts that a 16-bit sensor would give; counts stay what they are. Values that do
 * not fit saturate. Not for recordings in which values are missing: these would become values.
 * @param scale physical value of one count, per channel
 */
export function countedRecordings(
  recordings: Recordings,
  scale: readonly number[] = countScale(recordings),
): Recordings {
  const { channels, rawScale } = recordings;
  if (recordings.sequences.every(({ samples }) => samples instanceof Int16Array)) return recordings;
  if (recordings.missing !== undefined) {
    throw new DataError("DATA_FORM_UNKNOWN", `${recordings.name}: values are missing and cannot become counts`);
  }
  const sequences = recordings.sequences.map((sequence) => ({
    ...sequence,
    samples: Int16Array.from(sequence.samples as Float32Array, (value, at) =>
      Math.max(-32768, Math.min(32767, Math.round((value * rawScale[at % channels]) / scale[at % channels]))),
    ),
  }));
  return { ...recordings, rawScale: scale, sequences };
}
