/** A part of a data set, as its authors divided it. */
export type Split = "train" | "test";

/** One continuous sequence of frames. */
export interface RecordedSequence {
  readonly name: string;
  /** Frames. */
  readonly length: number;
  /** Place of its first frame in the file that holds it, where sequences share one file. */
  readonly offset?: number;
  /** Row-major `length * channels` values: int16 counts of the sensor, or physical values. */
  readonly samples: Int16Array | Float32Array;
  /** One class id a frame, or one for the whole sequence; absent where the data have none. */
  readonly labels?: Uint16Array | number;
  /** Regression target of each frame, in physical units; NaN where it is unknown. */
  readonly targets?: Float32Array;
  /** Person, session or station: whatever must not stand on both sides of a split. */
  readonly group?: string;
  readonly split?: Split;
  /** Made up from other frames, not recorded. */
  readonly isMade?: true;
}

/** Recordings of any origin in one plain form. */
export interface Recordings {
  readonly name: string;
  /** Values in a frame. */
  readonly channels: number;
  /** Frames a second, where it is known. */
  readonly rateHz?: number;
  readonly featureNames: readonly string[];
  /** Unit of the physical value per channel; "" where unknown. */
  readonly units: readonly string[];
  /** Physical value of one count, per channel; 1 for float samples. */
  readonly rawScale: readonly number[];
  readonly sequences: readonly RecordedSequence[];
  /** Class names by class id; empty for unlabelled data. */
  readonly classes: readonly string[];
  /** Class id that means "no label here", where the data set has one. */
  readonly unlabelled?: number;
  /** Stored value that means "no value here", where the data set has one. */
  readonly missing?: number;
  readonly targetName?: string;
}

/** Literal codes of {@link DataError}. */
export type DataErrorCode =
  | "DATA_MISSING"
  | "DATA_UNREADABLE"
  | "DATA_FORM_UNKNOWN"
  | "DATA_NOT_A_NUMBER"
  | "DATA_ROW_WIDTH"
  | "DATA_COLUMN_UNKNOWN"
  | "DATA_LABEL_UNKNOWN"
  | "DATA_SHAPE"
  | "DATA_TOO_SHORT"
  | "DATA_RANGE";

/** Where in the data an error was found; lines and columns count from 1. */
export interface DataPlace {
  readonly file?: string;
  readonly line?: number;
  readonly column?: string;
  readonly cause?: unknown;
}

/** Recordings that cannot be read. The message names the file, the line and the value. */
export class DataError extends Error {
  override readonly name = "DataError";
  readonly code: DataErrorCode;
  readonly file: string | undefined;
  readonly line: number | undefined;
  readonly column: string | undefined;

  constructor(code: DataErrorCode, message: string, place: DataPlace = {}) {
    super(message, place.cause === undefined ? undefined : { cause: place.cause });
    this.code = code;
    this.file = place.file;
    this.line = place.line;
    this.column = place.column;
  }
}

/** Physical value of channel `channel` in frame `frame` of `sequence`. */
export function physicalValue(recordings: Recordings, sequence: RecordedSequence, frame: number, channel: number) {
  return sequence.samples[frame * recordings.channels + channel]! * recordings.rawScale[channel]!;
}

/** Class id of frame `frame`, or undefined where the data have none (or say "unlabelled"). */
export function labelAt(recordings: Recordings, sequence: RecordedSequence, frame: number): number | undefined {
  const labels = sequence.labels;
  if (labels === undefined) return undefined;
  const label = typeof labels === "number" ? labels : labels[frame]!;
  return label === recordings.unlabelled ? undefined : label;
}

/** The same recordings with only the sequences of one split; throws `DATA_TOO_SHORT` where none is left. */
export function onlySplit(recordings: Recordings, split: Split): Recordings {
  const sequences = recordings.sequences.filter((sequence) => sequence.split === split);
  if (sequences.length === 0) {
    throw new DataError("DATA_TOO_SHORT", `${recordings.name} holds no sequence of split ${split}`, {
      file: recordings.name,
    });
  }
  return { ...recordings, sequences };
}
