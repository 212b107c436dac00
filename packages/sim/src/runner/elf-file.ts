import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { BoardError } from "../board.js";

/** Beside the built package; in the source tree, where the firmware keeps it. */
const PLACES = ["../../assets/runner-nrf52840.gen.elf", "../../../../firmware/generated/runner-nrf52840.gen.elf"];

/** The generic runner firmware for the nRF52840 that comes with this package. Node only. */
export function runnerElf(): Uint8Array {
  for (const place of PLACES) {
    const path = fileURLToPath(new URL(place, import.meta.url));
    if (existsSync(path)) return readFileSync(path);
  }
  throw new BoardError("runner-nrf52840.gen.elf is missing from this installation");
}
