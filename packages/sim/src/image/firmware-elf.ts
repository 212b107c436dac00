import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { BoardError } from "../board.js";

/** Beside the built package; in the source tree, where the firmware keeps it. */
const FOLDERS = ["../../assets/", "../../../../firmware/generated/"];

/** One of the firmwares that come with this package, by file name. Node only. Throws BoardError where it is missing. */
export function firmwareElf(name: string): Uint8Array {
  for (const folder of FOLDERS) {
    const path = fileURLToPath(new URL(folder + name, import.meta.url));
    if (existsSync(path)) return readFileSync(path);
  }
  throw new BoardError(`${name} is missing from this installation`);
}
