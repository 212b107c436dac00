import { type NpyArray, readNpy, readNpz } from "./npy.js";
import { DataError, type RecordedSequence, type Recordings } from "./recordings.js";

const FRAME_NAMES = ["x", "frames", "X", "data", "inputs", "arr_0"];
const LABEL_NAMES = ["y", "labels", "label", "Y", "arr_1"];
const TARGET_NAMES = ["targets", "target"];

/**
 * Recordings from one `.npy` array: [frames, channels], or [windows, frames, channels] for separate sequences.
 * int8 and int16 arrays are raw counts; everything else becomes float32 and must be finite.
 */
export function npyRecordings(bytes: Uint8Array, file: string): Recordings {
  return arraysToRecordings(file, readNpy(bytes, file), undefined, undefined);
}

/**
 * Recordings from an `.npz` archive: frames under `x`, `frames`, `data`, `inputs` or `arr_0`; integer class ids under
 * `y`, `labels` or `arr_1`, one a frame or one a sequence; regression targets under `targets`. A single array is the frames.
 */
export function npzRecordings(bytes: Uint8Array, file: string): Recordings {
  const arrays = readNpz(bytes, file);
  const pick = (names: readonly string[]) => {
    const name = names.find((candidate) => arrays.has(candidate));
    return name === undefined ? undefined : arrays.get(name);
  };
  const frames = pick(FRAME_NAMES) ?? (arrays.size === 1 ? [...arrays.values()][0] : undefined);
  if (frames === undefined) {
    const found = [...arrays.keys()].join(", ");
    throw new DataError("DATA_FORM_UNKNOWN", `${file}: no array named ${FRAME_NAMES.join(", ")} among ${found}`, {
      file,
    });
  }
  return arraysToRecordings(file, frames, pick(LABEL_NAMES), pick(TARGET_NAMES));
}

function arraysToRecordings(file: string, frames: NpyArray, labels?: NpyArray, targets?: NpyArray): Recordings {
  const { shape } = frames;
  if (shape.length < 1 || shape.length > 3) {
    throw new DataError(
      "DATA_SHAPE",
      `${file}: frames have shape (${shape.join(", ")}), expected (frames, channels) or (windows, frames, channels)`,
      { file },
    );
  }
  const separate = shape.length === 3;
  const count = separate ? shape[0]! : 1;
  const length = separate ? shape[1]! : shape[0]!;
  const channels = shape.length === 1 ? 1 : shape[shape.length - 1]!;
  if (count * length * channels === 0) throw new DataError("DATA_TOO_SHORT", `${file}: array is empty`, { file });
  const samples = toSamples(frames, file, channels);
  const classIds = labels === undefined ? undefined : toClassIds(labels, file, count, length);
  const targetValues = targets === undefined ? undefined : toTargets(targets, file, count, length);
  const sequences: RecordedSequence[] = [];
  for (let i = 0; i < count; i++) {
    sequences.push({
      name: separate ? `${i}` : file,
      length,
      samples: samples.subarray(i * length * channels, (i + 1) * length * channels),
      ...(classIds === undefined
        ? {}
        : {
            labels: classIds.length === count && separate ? classIds[i]! : classIds.slice(i * length, (i + 1) * length),
          }),
      ...(targetValues === undefined ? {} : { targets: targetValues.subarray(i * length, (i + 1) * length) }),
    });
  }
  const highest = classIds === undefined ? -1 : classIds.reduce((a, b) => Math.max(a, b), 0);
  return {
    name: file,
    channels,
    featureNames: Array.from({ length: channels }, (_, i) => `x${i}`),
    units: new Array<string>(channels).fill(""),
    rawScale: new Array<number>(channels).fill(1),
    sequences,
    classes: Array.from({ length: highest + 1 }, (_, i) => `${i}`),
    ...(targetValues === undefined ? {} : { targetName: "target" }),
  };
}

function toSamples(frames: NpyArray, file: string, channels: number): Int16Array | Float32Array {
  if (frames.data instanceof Int16Array) return frames.data;
  const samples = Float32Array.from(frames.data);
  const bad = samples.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    const place = `frame ${Math.floor(bad / channels)}, channel ${bad % channels}`;
    throw new DataError("DATA_NOT_A_NUMBER", `${file}: ${place}: value is ${samples[bad]}, expected a finite number`, {
      file,
    });
  }
  return samples;
}

function toClassIds(labels: NpyArray, file: string, count: number, length: number): Uint16Array {
  const size = labels.data.length;
  if (size !== count && size !== count * length) {
    throw new DataError("DATA_SHAPE", `${file}: ${size} labels for ${count} sequences of ${length} frames`, { file });
  }
  return Uint16Array.from(labels.data, (value, i) => {
    if (!Number.isInteger(value) || value < 0 || value > 65535) {
      throw new DataError("DATA_LABEL_UNKNOWN", `${file}: label ${i} is ${value}, expected an integer 0 .. 65535`, {
        file,
      });
    }
    return value;
  });
}

/** Targets a frame; one a sequence belongs to its last frame. */
function toTargets(targets: NpyArray, file: string, count: number, length: number): Float32Array {
  const size = targets.data.length;
  if (size === count * length) return Float32Array.from(targets.data);
  if (size !== count) {
    throw new DataError("DATA_SHAPE", `${file}: ${size} targets for ${count} sequences of ${length} frames`, { file });
  }
  const spread = new Float32Array(count * length).fill(Number.NaN);
  for (let i = 0; i < count; i++) spread[(i + 1) * length - 1] = targets.data[i]!;
  return spread;
}
