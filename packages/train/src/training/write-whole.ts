import { rmSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";

/** Temporary files that are being written. */
const unfinished = new Set<string>();

/** Removes what an interrupt would leave behind; for a handler of signals, before the process ends. */
export function removeUnfinished(): void {
  for (const path of unfinished) rmSync(path, { force: true });
}

/** Writes a file whole or not at all: into a temporary file beside it, synced, then renamed over it. */
export async function writeWhole(path: string, content: Uint8Array | string): Promise<void> {
  const temporary = `${path}.${process.pid}.part`;
  unfinished.add(temporary);
  try {
    const handle = await open(temporary, "w");
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  } finally {
    unfinished.delete(temporary);
  }
}
