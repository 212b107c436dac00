import type { Graph } from "../graph/types.js";
import { ImportError } from "./errors.js";
import { type ImportOptions, importModel } from "./import-model.js";
import type { ModelSource } from "./source.js";

/**
 * A {@link ModelSource} over the file system (Node only; the built-ins are loaded when it is called).
 * @param path a `model.json`, `.keras` or `.h5` file, or a folder that holds one (`model.json` is preferred)
 * Throws `FILE_MISSING`.
 */
export async function folderSource(path: string): Promise<ModelSource> {
  const [{ readFile, readdir, stat }, { join }] = await Promise.all([import("node:fs/promises"), import("node:path")]);
  const found = await stat(path).catch((cause: unknown) => {
    throw new ImportError("FILE_MISSING", `no model at ${path}`, { cause });
  });
  let entry = path;
  if (found.isDirectory()) {
    const names = (await readdir(path)).sort();
    const name =
      names.find((candidate) => candidate === "model.json") ??
      names.find((candidate) => candidate.endsWith(".keras")) ??
      names.find((candidate) => /\.(h5|hdf5)$/.test(candidate));
    if (name === undefined) {
      throw new ImportError("FILE_MISSING", `folder ${path} holds no model.json, .keras or .h5 file`);
    }
    entry = join(path, name);
  }
  return { entry: entry.replaceAll("\\", "/"), read: (file) => readFile(file) };
}

/** Opens a trained model on disk as a float graph. Node only; see {@link importModel} for what it reads and throws. */
export async function openModel(path: string, options?: ImportOptions): Promise<Graph> {
  return importModel(await folderSource(path), options);
}
