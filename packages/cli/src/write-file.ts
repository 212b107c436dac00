import { rmSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { CliError } from "./cli-error.js";

/** Temporary files that are being written. */
const unfinished = new Set<string>();

/** Removes what an interrupt would leave behind. */
export function removeUnfinished(): void {
  for (const path of unfinished) rmSync(path, { force: true });
}

/**
 * Writes a file whole or not at all: into a temporary file beside it, synced, then renamed over it.
 * Throws `OUTPUT_UNWRITABLE` naming the path and the reason; the temporary file is gone then.
 */
export async function writeFileWhole(path: string, content: Uint8Array | string): Promise<void> {
  const temporary = `${path}.${process.pid}.part`;
  unfinished.add(temporary);
  try {
    const handle = await open(temporary, "wx");
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw new CliError("OUTPUT_UNWRITABLE", `cannot write ${path}: ${reason(cause, path)}`, { cause });
  } finally {
    unfinished.delete(temporary);
  }
}

/**
 * Fails early where a path cannot be written, before minutes of work are spent on what goes there.
 * Throws `OUTPUT_UNWRITABLE`.
 */
export async function checkWritable(path: string): Promise<void> {
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
