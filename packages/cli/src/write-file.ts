import { mkdir, open, rm, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { writeWhole } from "@gatelet/train";
import { CliError } from "./cli-error.js";

/** Writes a file whole or not at all. Throws `OUTPUT_UNWRITABLE` naming the path and the reason. */
export async function writeFileWhole(path: string, content: Uint8Array | string): Promise<void> {
  try {
    await writeWhole(path, content);
  } catch (cause) {
    throw new CliError("OUTPUT_UNWRITABLE", `cannot write ${path}: ${reason(cause, path)}`, { cause });
  }
}

/**
 * Fails early where a path cannot be written, before minutes of work are spent on what goes there.
 * Throws `OUTPUT_UNWRITABLE`.
 */
export async function checkWritable(path: string): Promise<void> {
  if (path === "") throw new CliError("USAGE", "the name of an output file is empty");
  const probe = `${path}.${process.pid}.part`;
  try {
    const handle = await open(probe, "wx");
    await handle.close();
  } catch (cause) {
    throw new CliError("OUTPUT_UNWRITABLE", `cannot write ${path}: ${reason(cause, path)}`, { cause });
  } finally {
    await rm(probe, { force: true }).catch(() => {});
  }
}

function reason(cause: unknown, path: string): string {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (code === "ENOENT") return `there is no folder ${dirname(path)}`;
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") return "permission denied";
  if (code === "EISDIR" || code === "ENOTEMPTY") return "it is a folder";
  if (code === "ENOTDIR") return `${dirname(path)} is not a folder`;
  return code === "" ? String(cause) : code;
}

const isFolder = async (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** Refuses to write over what is read. Throws `USAGE` naming the file. */
export function checkIsNoInput(output: string, inputs: readonly (string | undefined)[]): void {
  const same = inputs.find((input) => input !== undefined && resolve(input) === resolve(output));
  if (same !== undefined)
    throw new CliError("USAGE", `${output} would be written over, but is read: choose another name`);
}

/**
 * Makes a folder and those above it. Throws `OUTPUT_UNWRITABLE` naming the folder and the reason.
 * Step by step, since Node's recursive mkdir never comes back where a file system refuses with ENOENT, as /proc does.
 */
export async function makeFolder(path: string): Promise<void> {
  if (await isFolder(path)) return;
  const parent = dirname(path);
  if (parent !== path) await makeFolder(parent);
  try {
    await mkdir(path);
  } catch (cause) {
    if (await isFolder(path)) return;
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    const why = code === "EEXIST" || code === "ENOTDIR" ? "a file is in the way" : code;
    throw new CliError("OUTPUT_UNWRITABLE", `cannot make folder ${path}: ${why}`, { cause });
  }
}
