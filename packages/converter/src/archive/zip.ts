import { unzipSync } from "fflate";

/** Largest unpacked size of an archive: far above any recurrent network, far below what a memory bomb wants. */
const MAX_UNPACKED_BYTES = 512 * 1024 * 1024;

/**
 * Unpacks the named files of a zip archive held in memory.
 * @returns the files found; names that are absent are left out
 * Throws fflate's error on a broken archive, RangeError above 512 MiB unpacked.
 */
export function unzipFiles(bytes: Uint8Array, names: readonly string[]): ReadonlyMap<string, Uint8Array> {
  let total = 0;
  const files = unzipSync(bytes, {
    filter: ({ name, originalSize }) => {
      if (!names.includes(name)) return false;
      total += originalSize;
      if (total > MAX_UNPACKED_BYTES) throw new RangeError(`archive unpacks to more than ${MAX_UNPACKED_BYTES} bytes`);
      return true;
    },
  });
  return new Map(Object.entries(files));
}
