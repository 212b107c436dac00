import { FolderTable } from "./folder-tables.js";
import { DataError, labelAt, type Recordings, type Split } from "./recordings.js";

/** One window of a sequence; it ends with frame `start + length - 1`. */
export interface WindowRef {
  /** Index into `recordings.sequences`. */
  readonly sequence: number;
  /** First frame; negative where the sequence is shorter than the window and is padded in front. */
  readonly start: number;
  /** Class id of its last frame, where there is one. */
  readonly label?: number;
  /** Regression target of its last frame, where there is one. */
  readonly target?: number;
  readonly split?: Split;
}

/** Windows over recordings: places only, the samples stay where they are. */
export interface WindowSet {
  readonly recordings: Recordings;
  /** Frames in a window. */
  readonly length: number;
  readonly windows: readonly WindowRef[];
  /** Windows left out because a value in them is missing, or their last frame has no label though others have. */
  readonly skippedMissing: number;
  readonly skippedUnlabelled: number;
}

export interface WindowOptions {
  readonly length: number;
  /** Frames between the starts of windows; default: the window's length. Sequences with one label give one window (their end) unless it is set. */
  readonly hop?: number;
  /** Keep windows whose last frame is marked as unlabelled, with the class id that says so. */
  readonly keepUnlabelled?: boolean;
  /** The target lies this many frames behind the window's last; default 0. */
  readonly ahead?: number;
}

/**
 * Cuts recordings into windows; a window bears the label and the target of its last frame.
 * A sequence shorter than the window gives one window, padded in front; windows that touch a missing value are left out.
 * Throws `DATA_RANGE` for a length or hop < 1, `DATA_TOO_SHORT` where no window is left.
 */
export function cutWindows(recordings: Recordings, options: WindowOptions): WindowSet {
  const { length, ahead = 0 } = options;
  const hop = options.hop ?? length;
  for (const [name, value] of Object.entries({ window: length, hop })) {
    if (!Number.isInteger(value) || value < 1) throw new DataError("DATA_RANGE", `${name} is ${value}, expected >= 1`);
  }
  const windows: WindowRef[] = [];
  let skippedMissing = 0;
  let skippedUnlabelled = 0;
  recordings.sequences.forEach((sequence, index) => {
    const single = typeof sequence.labels === "number" && options.hop === undefined;
    const lastStart = sequence.length - length;
    const gap = missingScanner(recordings, index);
    for (let start = single ? lastStart : Math.min(0, lastStart); start <= lastStart; start += hop) {
      const last = start + length - 1;
      if (gap(start, last)) {
        skippedMissing++;
        continue;
      }
      const raw = typeof sequence.labels === "number" ? sequence.labels : sequence.labels?.[last];
      const label = options.keepUnlabelled ? raw : labelAt(recordings, sequence, last);
      const target = sequence.targets?.[last + ahead];
      const unknownTarget = sequence.targets !== undefined && (target === undefined || Number.isNaN(target));
      if ((raw !== undefined && label === undefined) || unknownTarget) {
        skippedUnlabelled++;
        continue;
      }
      windows.push({
        sequence: index,
        start,
        ...(label === undefined ? {} : { label }),
        ...(target === undefined ? {} : { target }),
        ...(sequence.split === undefined ? {} : { split: sequence.split }),
      });
    }
  });
  if (windows.length === 0) {
    const why = `${skippedMissing} with missing values, ${skippedUnlabelled} without a label or target`;
    throw new DataError("DATA_TOO_SHORT", `${recordings.name}: no window of ${length} frames is left (${why})`);
  }
  return { recordings, length, windows, skippedMissing, skippedUnlabelled };
}

/** Tells whether frames first .. last of a sequence hold a missing value; each frame is looked at once per rising call. */
function missingScanner(recordings: Recordings, index: number): (first: number, last: number) => boolean {
  const { missing, channels } = recordings;
  if (missing === undefined) return () => false;
  const { samples } = recordings.sequences[index]!;
  let scanned = 0;
  let latest = -1;
  return (first, last) => {
    for (; scanned <= last; scanned++) {
      const frame = samples.subarray(scanned * channels, (scanned + 1) * channels);
      if (frame.includes(missing)) latest = scanned;
    }
    return latest >= first;
  };
}

/**
 * Windows listed in a table `start,label,<split columns>`: `start` counts frames of the file that the sequences share.
 * @param splitColumn column with `train` or `test`
 */
export function listedWindows(
  recordings: Recordings,
  text: string,
  file: string,
  length: number,
  splitColumn: string,
): WindowSet {
  const table = new FolderTable(text, file);
  if (!table.columns.includes(splitColumn)) {
    const message = `${file}: no column ${splitColumn} among ${table.columns.join(", ")}`;
    throw new DataError("DATA_COLUMN_UNKNOWN", message, { file, column: splitColumn });
  }
  const order = recordings.sequences.map((_, i) => i).sort((a, b) => offsetOf(recordings, a) - offsetOf(recordings, b));
  const windows = table.rows.map((row, i): WindowRef => {
    const start = table.integer(i, "start");
    const sequence = findSequence(recordings, order, start);
    const inside = sequence < 0 ? -1 : start - offsetOf(recordings, sequence);
    if (inside < 0 || inside + length > recordings.sequences[sequence]!.length) {
      const message = `${file}:${i + 2}: window ${start} .. ${start + length - 1} lies in no sequence of ${recordings.name}`;
      throw new DataError("DATA_SHAPE", message, { file, line: i + 2 });
    }
    const split = row.get(splitColumn);
    return {
      sequence,
      start: inside,
      label: table.integer(i, "label"),
      ...(split === "train" || split === "test" ? { split } : {}),
    };
  });
  return { recordings, length, windows, skippedMissing: 0, skippedUnlabelled: 0 };
}

const offsetOf = (recordings: Recordings, sequence: number) => recordings.sequences[sequence]!.offset ?? 0;

/** Last sequence of `order` that begins at or before `start`, -1 where there is none. */
function findSequence(recordings: Recordings, order: readonly number[], start: number): number {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (offsetOf(recordings, order[middle]!) <= start) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? -1 : order[low - 1]!;
}

/** The windows of one split, or all where none says; throws `DATA_TOO_SHORT` where the split is empty. */
export function windowsOfSplit(set: WindowSet, split: Split): WindowSet {
  if (set.windows.every((window) => window.split === undefined)) return set;
  const windows = set.windows.filter((window) => window.split === split);
  if (windows.length === 0) {
    throw new DataError("DATA_TOO_SHORT", `${set.recordings.name}: no window belongs to split ${split}`);
  }
  return { ...set, windows };
}

/** At most `count` windows, spread evenly over the set. */
export function sampleWindows(set: WindowSet, count: number): WindowSet {
  const { windows } = set;
  if (windows.length <= count) return set;
  return {
    ...set,
    windows: Array.from({ length: count }, (_, i) => windows[Math.floor((i * windows.length) / count)]!),
  };
}

/**
 * Samples of one window, row-major, as they are stored.
 * @param padding stored value per channel for frames in front of the sequence
 */
export function windowSamples(
  set: WindowSet,
  window: WindowRef,
  padding?: ArrayLike<number>,
): Int16Array | Float32Array {
  const { channels } = set.recordings;
  const { samples } = set.recordings.sequences[window.sequence]!;
  if (window.start >= 0) return samples.subarray(window.start * channels, (window.start + set.length) * channels);
  const padded =
    samples instanceof Int16Array ? new Int16Array(set.length * channels) : new Float32Array(set.length * channels);
  const padFrames = -window.start;
  if (padding !== undefined) {
    for (let i = 0; i < padFrames * channels; i++) padded[i] = padding[i % channels]!;
  }
  padded.set(samples.subarray(0, (set.length - padFrames) * channels), padFrames * channels);
  return padded;
}
