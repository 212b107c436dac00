import { readFile } from "node:fs/promises";
import { FormatError, readModel } from "@gatelet/converter/format";
import {
  channelAsTarget,
  cutWindows,
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
  /** Physical value of a count, for counts from files that do not say. */
  readonly inputScale?: readonly number[];
}

/**
 * Reads recordings and makes them fit a model: channels chosen, target set, scale of bare counts filled in.
 * Throws DataError for unreadable data, `MODEL_MISMATCH` where the frames have another width than the model's.
 */
export async function loadData(path: string, options: DataOptions, needs: DataNeeds): Promise<Recordings> {
  const fromCsv = /\.(csv|tsv|txt)(\.gz)?$/i.test(path);
  let recordings = await loadRecordings(path, {
    ...(options.label === undefined ? {} : { labelColumn: options.label }),
    ...(fromCsv && options.target !== undefined ? { targetColumn: options.target } : {}),
    ...(options.session === undefined ? {} : { sequenceColumn: options.session }),
    ...(needs.classes === undefined || needs.classes.length === 0 ? {} : { classes: needs.classes }),
    ...(options.values === undefined ? {} : { values: options.values }),
  });
  if (!fromCsv && options.target !== undefined) recordings = channelAsTarget(recordings, options.target);
  if (options.channels !== undefined) recordings = selectChannels(recordings, options.channels);
  if (recordings.channels !== needs.frameSize) {
    const names = recordings.featureNames.slice(0, 12).join(", ");
    const message = `${path}: frames have ${recordings.channels} values (${names}), the model takes ${needs.frameSize}`;
    throw new CliError("MODEL_MISMATCH", `${message}: choose with --channels`);
  }
  return needs.inputScale === undefined ? recordings : scaleBareCounts(recordings, needs.inputScale);
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
    throw new CliError("FILE_UNREADABLE", `${path}: ${cause.message}`, { cause });
  }
  return file;
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    const bytes = await readFile(path);
    return new Uint8Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    const why = code === "ENOENT" ? "no such file" : code === "EISDIR" ? "it is a folder" : code;
    throw new CliError("FILE_UNREADABLE", `cannot read ${path}: ${why}`, { cause });
  }
}
