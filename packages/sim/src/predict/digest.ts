import { crc32 } from "@gatelet/converter/format";
import { parseElf } from "../elf/elf.js";

/** What a cost table belongs to: CRC-32 of everything that a firmware loads into flash, eight hex digits. */
export function firmwareDigest(elf: Uint8Array): string {
  const bytes = parseElf(elf).segments.flatMap(({ data }) => [...data]);
  return crc32(Uint8Array.from(bytes)).toString(16).padStart(8, "0");
}
