import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { archiveRecordings, type SeriesFile } from "./archive-series.js";
import { type CsvOptions, csvRecordings } from "./csv-recordings.js";
import { folderRecordings } from "./folder-recordings.js";
import { npyRecordings, npzRecordings } from "./npy-recordings.js";
import { DataError, type Recordings } from "./recordings.js";
import { uciHaptRecordings } from "./uci-hapt.js";

/**
 * Reads recordings from a CSV, NPY or NPZ file (CSV and NPY may be gzipped), from a `.ts` or `.arff` file of the UEA and UCR
 * archives (`X_TRAIN` brings `X_TEST` with it), from a data set folder with a `meta.json`, or from the `RawData` folder of UCI HAPT.
 * @param options how the columns of a CSV file are read; other forms ignore it
 * Throws {@link DataError} naming the file, and line and value where there are any. Node only.
 */
export async function loadRecordings(path: string, options: CsvOptions = {}): Promise<Recordings> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new DataError("DATA_MISSING", `no recordings at ${path}`, { file: path, cause });
  });
  const rawData = found.isDirectory() ? await rawDataFolder(path) : undefined;
  if (rawData !== undefined) {
    const text = async (name: string) => new TextDecoder().decode(await readUnpacked(join(rawData, name)));
    return uciHaptRecordings(await readdir(rawData), text);
  }
  if (found.isDirectory() && !(await isThere(join(path, "meta.json")))) {
    const message = `${path} holds neither a meta.json nor the labels.txt of UCI HAPT's RawData`;
    throw new DataError("DATA_MISSING", message, { file: path });
  }
  if (found.isDirectory()) return folderRecordings((name) => readUnpacked(join(path, name)), path);
  if (/\.(ts|arff)$/i.test(path)) return archiveRecordings(await archiveFiles(path));
  const bytes = await readUnpacked(path);
  const name = basename(path);
  const kind = /\.(csv|tsv|txt|npy|npz)(\.gz)?$/i.exec(name)?.[1]?.toLowerCase();
  if (kind === "npy") return npyRecordings(bytes, name);
  if (kind === "npz") return npzRecordings(bytes, name);
  if (kind !== undefined) return csvRecordings(bytes, name, options);
  throw new DataError(
    "DATA_FORM_UNKNOWN",
    `${path}: expected a .csv, .npy, .npz, .ts or .arff file, or a folder with a meta.json`,
    { file: path },
  );
}

const isThere = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Where the texts of UCI HAPT are: the folder itself, or its `RawData`. */
async function rawDataFolder(path: string): Promise<string | undefined> {
  for (const folder of [path, join(path, "RawData")]) if (await isThere(join(folder, "labels.txt"))) return folder;
  return undefined;
}

/** The file, and the other part where its name says that it is one of two. */
async function archiveFiles(path: string): Promise<SeriesFile[]> {
  const one = async (name: string, split?: "train" | "test"): Promise<SeriesFile> => {
    const text = new TextDecoder().decode(await readUnpacked(join(dirname(path), name)));
    return { name, text, ...(split === undefined ? {} : { split }) };
  };
  const name = basename(path);
  if (!/_TRAIN\.(ts|arff)$/.test(name)) return [await one(name)];
  const other = name.replace("_TRAIN.", "_TEST.");
  const both = await isThere(join(dirname(path), other));
  return both ? [await one(name, "train"), await one(other, "test")] : [await one(name)];
}

/** Bytes of a file, gunzipped where its name ends in `.gz`. Throws `DATA_MISSING` or `DATA_UNREADABLE`. */
export async function readUnpacked(path: string): Promise<Uint8Array> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    const absent = cause.code === "ENOENT";
    const message = absent ? `no file ${path}` : `cannot read ${path}: ${cause.code ?? cause.message}`;
    throw new DataError(absent ? "DATA_MISSING" : "DATA_UNREADABLE", message, { file: path, cause });
  });
  if (!path.endsWith(".gz")) return bytes;
  try {
    return gunzipSync(bytes);
  } catch (cause) {
    throw new DataError("DATA_UNREADABLE", `${path}: not readable as gzip (truncated or damaged)`, {
      file: path,
      cause,
    });
  }
}
