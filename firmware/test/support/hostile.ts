import { crc32, FormatError, type GateModel, readModel, STATUS } from "@gatelet/converter/format";
import type { Random } from "../../../test/support/random.js";

export const CORNERS = [0, 1, 2, 4, 7, 8, 15, 16, 31, 127, 128, 255] as const;

/** A file with some bytes changed, mostly in header and records, and its checksum repaired. */
export function mutate(random: Random, original: Uint8Array): Uint8Array {
  const bytes = original.slice();
  const view = new DataView(bytes.buffer);
  const records = 80 + 16 * view.getUint16(20, true);
  const recordsEnd = records + 96 * view.getUint16(24, true);
  for (let i = random.int(1, 3); i > 0; i--) {
    const at = random.chance(0.15)
      ? random.int(16, bytes.length - 1)
      : random.int(16, Math.min(recordsEnd, bytes.length) - 1);
    bytes[at] = random.chance(0.5) ? random.pick(CORNERS) : bytes[at]! ^ (1 << random.int(0, 7));
  }
  view.setUint32(12, crc32(bytes, 16), true);
  return bytes;
}

/** What the reader says: the model, or the status that refuses it. */
export function verdict(bytes: Uint8Array): GateModel | number {
  try {
    return readModel(bytes);
  } catch (error) {
    if (error instanceof FormatError) return STATUS[error.code];
    throw error;
  }
}
