import { ImportError } from "./errors.js";

/**
 * Where a model's files come from: a folder, a download, memory. Nothing here depends on Node.
 * `read` gets the path of a file, with `/` between its parts, in the same form as `entry`, and rejects where there is none.
 */
export interface ModelSource {
  /** The file to begin with: `model.json`, a `.keras` archive or a `.h5` file. */
  readonly entry: string;
  read(path: string): Promise<Uint8Array>;
}

/**
 * Files held in memory as a {@link ModelSource}.
 * @param entry path of the first file, a key of `files`
 */
export function memorySource(entry: string, files: Readonly<Record<string, Uint8Array | string>>): ModelSource {
  return {
    entry,
    read: async (path) => {
      const file = Object.hasOwn(files, path) ? files[path] : undefined;
      if (file === undefined) throw new Error(`no file ${path} in memory`);
      return typeof file === "string" ? new TextEncoder().encode(file) : file;
    },
  };
}

/** The path of a file that lies beside `entry`. */
export function besideEntry(source: ModelSource, path: string): string {
  const slash = source.entry.lastIndexOf("/");
  return slash < 0 ? path : source.entry.slice(0, slash + 1) + path;
}

/** Reads the entry file. Throws `FILE_MISSING`. */
export async function readEntry(source: ModelSource): Promise<Uint8Array> {
  try {
    return await source.read(source.entry);
  } catch (cause) {
    throw new ImportError("FILE_MISSING", `cannot read ${source.entry}: ${String(cause)}`, { cause });
  }
}
