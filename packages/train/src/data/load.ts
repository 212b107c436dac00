import { readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { type CsvOptions, csvRecordings } from "./csv-recordings.js";
import { folderRecordings } from "./folder-recordings.js";
import { npyRecordings, npzRecordings } from "./npy-recordings.js";
import { DataError, type Recordings } from "./recordings.js";

/**
 * Reads recordings from a CSV, NPY or NPZ file (CSV and NPY may be gzipped) or from a data set folder with a `meta.json`.
 * @param options how the columns of a CSV file are read; other forms ignore it
 * Throws {@link DataError} naming the file, and line and value where there are any. Node only.
 */
export async function loadRecordings(path: string, options: CsvOptions = {}): Promise<Recordings> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new DataError("DATA_MISSING", `no recordings at ${path}`, { file: path, cause });
  });
  if (found.isDirectory()) return folderRecordings((name) => readUnpacked(join(path, name)), path);
  const bytes = await readUnpacked(path);
  const name = basename(path);
  const kind = /\.(csv|tsv|txt|npy|npz)(\.gz)?$/i.exec(name)?.[1]?.toLowerCase();
  if (kind === "npy") return npyRecordings(bytes, name);
  if (kind === "npz") return npzRecordings(bytes, name);
  if (kind !== undefined) return csvRecordings(bytes, name, options);
  throw new DataError(
    "DATA_FORM_UNKNOWN",
    `${path}: expected a .csv, .npy or .npz file, or a folder with a meta.json`,
    { file: path },
  );
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
