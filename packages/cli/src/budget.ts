import { NRF52840 } from "@gatelet/sim";
import { CliError } from "./cli-error.js";

/** Memory that a model may use; undefined: no limit. */
export interface Budget {
  readonly flashBytes?: number;
  readonly ramBytes?: number;
  /** Name of the board the limits come from. */
  readonly board?: string;
}

/** Flash and RAM of the boards that can be named: those the simulator has a profile of. */
export const BOARD_MEMORY: Readonly<Record<string, Required<Budget>>> = Object.fromEntries(
  [NRF52840].map(({ name, flash, ram }) => [name, { board: name, flashBytes: flash.bytes, ramBytes: ram.bytes }]),
);

/**
 * Parses a size such as `16384`, `16K`, `1M` (1024s).
 * Throws `USAGE` naming the option and the text.
 */
export function parseBytes(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([KM]?)(?:i?B)?$/i.exec(text.trim());
  if (match === null) throw new CliError("USAGE", `${option} is "${text}", expected bytes such as 16384, 16K or 1M`);
  const factor = { "": 1, K: 1024, M: 1024 * 1024 }[match[2]!.toUpperCase() as "" | "K" | "M"];
  const bytes = Number(match[1]) * factor;
  if (!Number.isInteger(bytes) || bytes < 1) {
    throw new CliError("USAGE", `${option} is "${text}", expected a whole number of bytes, at least 1`);
  }
  return bytes;
}

/** The budget that options name: a board's memory, overridden by explicit sizes. Throws `BOARD_UNKNOWN` or `USAGE`. */
export function budgetOf(options: { readonly board?: string; readonly ram?: string; readonly flash?: string }): Budget {
  const board = options.board === undefined ? {} : BOARD_MEMORY[options.board];
  if (board === undefined) {
    const known = Object.keys(BOARD_MEMORY).join(", ");
    throw new CliError("BOARD_UNKNOWN", `board ${options.board} is not known, boards are: ${known}`);
  }
  return {
    ...board,
    ...(options.flash === undefined ? {} : { flashBytes: parseBytes(options.flash, "--flash") }),
    ...(options.ram === undefined ? {} : { ramBytes: parseBytes(options.ram, "--ram") }),
  };
}
