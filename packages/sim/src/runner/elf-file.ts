import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { BoardError } from "../board.js";

/** In the source tree, where the firmware keeps it (never a stale copy); beside the built package. */
const PLACES = ["../../../../firmware/generated/runner-nrf52840.gen.elf", "../../assets/runner-nrf52840.gen.elf"];

/** Where the generic runner firmware for the nRF52840 lies that comes with this package. Node only. */
export function runnerElfPath(): string {
  for (const place of PLACES) {
    const path = fileURLToPath(new URL(place, import.meta.url));
    if (existsSync(path)) return path;
  }
  throw new BoardError("runner-nrf52840.gen.elf is missing from this installation");
}

/** That firmware. Node only. */
export const runnerElf = (): Uint8Array => readFileSync(runnerElfPath());
