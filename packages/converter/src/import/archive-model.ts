import { ImportError } from "./errors.js";
import type { RawModel } from "./import-model.js";

/** Reads a `.keras` archive or a `.h5` file. */
export function readArchive(entry: string, _bytes: Uint8Array): RawModel {
  throw new ImportError("FILE_UNREADABLE", `${entry} is an archive`);
}
