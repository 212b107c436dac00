import { DataError, type RecordedSequence, type Recordings } from "./recordings.js";

/**
 * Recordings at a lower rate: every `count` frames become their mean (of counts rounded); what is left at the end of a
 * sequence is dropped, unless it is all there is. A frame's label and target are those of the last of its frames.
 * Throws `DATA_RANGE` for a count that is no whole number >= 1, `DATA_FORM_UNKNOWN` for data with missing values.
 */
export function averageFrames(recordings: Recordings, count: number): Recordings {
  if (!(Number.isInteger(count) && count >= 1)) {
    throw new DataError("DATA_RANGE", `frames to average are ${count}, expected a whole number, at least 1`);
  }
  if (recordings.missing !== undefined) {
    throw new DataError("DATA_FORM_UNKNOWN", `${recordings.name}: values are missing and cannot be averaged`);
  }
  if (count === 1) return recordings;
  return {
    ...recordings,
    ...(recordings.rateHz === undefined ? {} : { rateHz: recordings.rateHz / count }),
    sequences: recordings.sequences.map((sequence) => averageSequence(sequence, recordings.channels, count)),
  };
}

function averageSequence(sequence: RecordedSequence, channels: number, count: number): RecordedSequence {
  const { samples, labels, targets, offset: _, ...rest } = sequence;
  const length = Math.max(1, Math.floor(sequence.length / count));
  const isCounts = samples instanceof Int16Array;
  const means = isCounts ? new Int16Array(length * channels) : new Float32Array(length * channels);
  const group = Math.min(count, sequence.length);
  for (let frame = 0; frame < length; frame++) {
    for (let c = 0; c < channels; c++) {
      let sum = 0;
      for (let i = 0; i < group; i++) sum += samples[(frame * count + i) * channels + c];
      means[frame * channels + c] = isCounts ? Math.round(sum / group) : sum / group;
    }
  }
  const last = (frame: number) => frame * count + group - 1;
  return {
    ...rest,
    length,
    samples: means,
    ...(labels === undefined
      ? {}
      : { labels: typeof labels === "number" ? labels : Uint16Array.from({ length }, (_, i) => labels[last(i)]) }),
    ...(targets === undefined ? {} : { targets: Float32Array.from({ length }, (_, i) => targets[last(i)]) }),
  };
}
