import type { Recordings } from "@gatelet/train";

/** How raw counts of a model's frames relate to physical values: physical = count * scale + offset, per feature. */
export interface InputScaling {
  readonly scale: readonly number[];
  readonly offset: readonly number[];
}

/** Values beyond those of the calibration data that counts can still express. */
const HEADROOM = 2;

/**
 * Scaling that suits recordings: counts stay the counts they are; floats spread over 16 bits around the middle of each
 * channel's range, with room for twice that range. A channel without variance gets counts of 1.
 * @param known physical value of a count as the model's meta.json has it, for floats
 */
export function scalingFor(recordings: Recordings, known?: readonly number[]): InputScaling {
  const zeros = new Array<number>(recordings.channels).fill(0);
  const counts = recordings.sequences.every(({ samples }) => samples instanceof Int16Array);
  if (counts) return { scale: recordings.rawScale, offset: zeros };
  if (known !== undefined) return { scale: known, offset: zeros };
  const low = new Array<number>(recordings.channels).fill(Number.POSITIVE_INFINITY);
  const high = new Array<number>(recordings.channels).fill(Number.NEGATIVE_INFINITY);
  for (const { samples } of recordings.sequences) {
    for (let i = 0; i < samples.length; i++) {
      const channel = i % recordings.channels;
      if (samples[i] === recordings.missing) continue;
      low[channel] = Math.min(low[channel]!, samples[i]!);
      high[channel] = Math.max(high[channel]!, samples[i]!);
    }
  }
  const offset = low.map((value, c) => Number((((value + high[c]!) / 2) * recordings.rawScale[c]!).toPrecision(6)));
  const scale = low.map((value, c) => {
    const half = ((high[c]! - value) / 2) * recordings.rawScale[c]! * HEADROOM;
    return half > 0 ? half / 32767 : 1;
  });
  return { scale, offset };
}

/** Whether two scalings mean the same counts. */
export function sameScaling(a: InputScaling, b: InputScaling): boolean {
  const close = (x: readonly number[], y: readonly number[]) =>
    x.length === y.length && x.every((value, i) => Math.abs(value - y[i]!) <= 1e-9 * Math.max(Math.abs(value), 1e-9));
  return close(a.scale, b.scale) && close(a.offset, b.offset);
}

/**
 * Turns stored samples into the counts that a model takes: as they are where the scalings agree, else through physical
 * values, rounded to nearest and saturated to 16 bits.
 * @param samples row-major, as many channels as the scalings
 */
export function createCounter(stored: InputScaling, model: InputScaling): (samples: ArrayLike<number>) => Int16Array {
  const channels = model.scale.length;
  if (sameScaling(stored, model)) {
    return (samples) => (samples instanceof Int16Array ? samples : Int16Array.from(samples, saturate));
  }
  const gain = model.scale.map((scale, c) => stored.scale[c]! / scale);
  const shift = model.scale.map((scale, c) => (stored.offset[c]! - model.offset[c]!) / scale);
  return (samples) => {
    const counts = new Int16Array(samples.length);
    for (let i = 0; i < samples.length; i++) {
      const channel = i % channels;
      counts[i] = saturate(samples[i]! * gain[channel]! + shift[channel]!);
    }
    return counts;
  };
}

const saturate = (value: number) => Math.max(-32768, Math.min(32767, Math.round(value)));

/** Network inputs of a float model: (physical - mean) / std where facts say so, else the physical values. */
export function createNormalizer(
  stored: InputScaling,
  normalization: { readonly mean: readonly number[]; readonly std: readonly number[] } | undefined,
): (samples: ArrayLike<number>) => Float32Array {
  const channels = stored.scale.length;
  const mean = normalization?.mean ?? new Array<number>(channels).fill(0);
  const std = normalization?.std ?? new Array<number>(channels).fill(1);
  return (samples) => {
    const inputs = new Float32Array(samples.length);
    for (let i = 0; i < samples.length; i++) {
      const c = i % channels;
      inputs[i] = (samples[i]! * stored.scale[c]! + stored.offset[c]! - mean[c]!) / std[c]!;
    }
    return inputs;
  };
}

/** Scaling of recordings as they are stored. */
export function storedScaling(recordings: Recordings): InputScaling {
  return { scale: recordings.rawScale, offset: new Array<number>(recordings.channels).fill(0) };
}

/** Names of the channels whose value never changes in these recordings. */
export function flatChannels(recordings: Recordings): string[] {
  const { channels, featureNames } = recordings;
  const first = recordings.sequences[0]!.samples;
  return featureNames.filter((_, channel) =>
    recordings.sequences.every(({ samples }) => {
      for (let i = channel; i < samples.length; i += channels) if (samples[i] !== first[channel]) return false;
      return true;
    }),
  );
}
