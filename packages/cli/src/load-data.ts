import { readFile } from "node:fs/promises";
import { FormatError, readModel } from "@gatelet/converter/format";
import {
  channelAsTarget,
  cutWindows,
  DataError,
  listedWindows,
  loadRecordings,
  onlySplit,
  type Recordings,
  readUnpacked,
  type Split,
  scaleBareCounts,
  selectChannels,
  type WindowSet,
  windowsOfSplit,
} from "@gatelet/train";
import { CliError } from "./cli-error.js";
import { counted } from "./text/numbers.js";

/** Options with which a user says how recordings are to be read. */
export interface DataOptions {
  readonly label?: string;
  readonly target?: string;
  /** Frames between the end of a window and its target. */
  readonly ahead?: number;
  readonly session?: string;
  /** Names of the channels to feed, in order. */
  readonly channels?: readonly string[];
  /** Table of windows: start, label, split columns. */
  readonly windows?: string;
  readonly splitColumn?: string;
  readonly hop?: number;
  /** Count frames without a label as a class of their own. */
  readonly withUnlabelled?: boolean;
  /** What the numbers of a CSV file are. */
  readonly values?: "counts" | "physical" | "auto";
}

/** What the model expects of the data. */
export interface DataNeeds {
  readonly frameSize: number;
  readonly classes?: readonly string[];
  /** Names of the values of a frame: recordings that have them all are fed by name, others in their own order. */
  readonly features?: readonly string[];
  /** Physical value of a count, for counts from files that do not say. */
  readonly inputScale?: readonly number[];
}

/**
 * Reads recordings and makes them fit a model: channels chosen, target set, scale of bare counts filled in.
 * Throws DataError for unreadable data, `MODEL_MISMATCH` where the frames have another width than the model's.
 */
export async function loadData(path: string, options: DataOptions, needs: DataNeeds): Promise<Recordings> {
  const fromCsv = /\.(csv|tsv|txt)(\.gz)?$/i.test(path);
  const { features = [] } = needs;
  let recordings = await loadRecordings(path, {
    ...(options.channels === undefined ? { expected: features } : { channels: options.channels }),
    ...(options.label === undefined ? {} : { labelColumn: options.label }),
    ...(fromCsv && options.target !== undefined ? { targetColumn: options.target } : {}),
    ...(options.session === undefined ? {} : { sequenceColumn: options.session }),
    ...(needs.classes === undefined || needs.classes.length === 0 ? {} : { classes: needs.classes }),
    ...(options.values === undefined ? {} : { values: options.values }),
  }).catch((error: unknown) => {
    throw withRoles(error);
  });
  if (!fromCsv && options.target !== undefined) recordings = channelAsTarget(recordings, options.target);
  if (options.channels !== undefined) recordings = selectChannels(recordings, options.channels);
  else if (features.length > 0 && features.every((name) => recordings.featureNames.includes(name))) {
    recordings = selectChannels(recordings, features);
  }
  if (recordings.channels !== needs.frameSize) {
    const names = recordings.featureNames.slice(0, 12).join(", ");
    const wanted = features.length > 0 ? ` (${features.slice(0, 12).join(", ")})` : "";
    const found = counted(recordings.channels, "value");
    const message = `${path}: frames have ${found} (${names}), the model takes ${needs.frameSize}${wanted}`;
    throw new CliError("MODEL_MISMATCH", `${message}: choose with --channels`);
  }
  return needs.inputScale === undefined ? recordings : scaleBareCounts(recordings, needs.inputScale);
}

/** Text where a number should be, at the top of a file: most likely a column that is no channel. */
function withRoles(error: unknown): unknown {
  if (!(error instanceof DataError) || error.code !== "DATA_NOT_A_NUMBER" || (error.line ?? 0) > 2) return error;
  const message = `${error.message}: say what it is with --label or --session, or choose others with --channels`;
  return new CliError("MODEL_MISMATCH", message, { cause: error });
}

/**
 * Cuts recordings into windows, of one split where the data know splits.
 * Throws DataError; `FILE_UNREADABLE` for a missing table of windows.
 */
export async function loadWindows(
  recordings: Recordings,
  length: number,
  split: Split,
  options: DataOptions,
): Promise<WindowSet> {
  if (options.windows !== undefined) {
    const bytes = await readUnpacked(options.windows);
    const column = options.splitColumn ?? "split";
    return windowsOfSplit(
      listedWindows(recordings, new TextDecoder().decode(bytes), options.windows, length, column),
      split,
    );
  }
  return cutWindows(splitOf(recordings, split), {
    length,
    ...(options.hop === undefined ? {} : { hop: options.hop }),
    ...(options.ahead === undefined ? {} : { ahead: options.ahead }),
    ...(options.withUnlabelled === undefined ? {} : { keepUnlabelled: options.withUnlabelled }),
  });
}

/** Sequences of one split; all of them where the data know no splits. */
export function splitOf(recordings: Recordings, split: Split): Recordings {
  return recordings.sequences.some((sequence) => sequence.split !== undefined)
    ? onlySplit(recordings, split)
    : recordings;
}

/** Reads and checks a model file. Throws `FILE_UNREADABLE` naming path and reason. */
export async function readGateFile(path: string): Promise<Uint8Array> {
  const file = await readBytes(path);
  try {
    readModel(file);
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw new CliError("FILE_UNREADABLE", refusal(path, file, cause), { cause });
  }
  return file;
}

/** Why a file is refused, in words for who picked or copied the wrong one; else what the format says. */
function refusal(path: string, { length }: Uint8Array, { code, field, value, message }: FormatError): string {
  if (length === 0) return `${path} is empty`;
  if (code === "BAD_SIZE" && field === "fileBytes") {
    return `${path} has ${length} bytes, its header says ${value}: it was cut off, or something was added`;
  }
  const trained = code === "BAD_MAGIC" && /\.(json|keras|h5|hdf5)$/i.test(path);
  return `${path}: ${message}${trained ? ": gatelet convert makes a .gate file of a trained model" : ""}`;
}

/** Bytes of a file that a command names. Throws `FILE_UNREADABLE` naming path and reason. */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    const bytes = await readFile(path);
    return new Uint8Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    const why = code === "ENOENT" ? "no such file" : code === "EISDIR" ? "it is a folder" : code;
    throw new CliError("FILE_UNREADABLE", `cannot read ${path}: ${why}`, { cause });
  }
}
