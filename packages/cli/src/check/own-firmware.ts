import { BuiltinBoard, type ElfFile, formatFault, NRF52840, type RunResult } from "@gatelet/sim";
import { duration, grouped } from "../text/numbers.js";
import type { Style } from "../text/style.js";
import { wrap } from "../text/table.js";

/** What a firmware that is no runner did on the emulated board: its outputs are its own, nothing is compared. */
export interface FirmwareReport {
  readonly firmware: string;
  readonly reason: RunResult["reason"];
  readonly instructions: number;
  readonly cycles: number;
  readonly milliseconds: number;
  readonly stackBytes: number;
  /** Passes from bench_begin to bench_end, where the firmware has these functions, and what they cost together. */
  readonly marked: { readonly passes: number; readonly instructions: number; readonly cycles: number } | null;
  readonly uartLines: readonly string[];
  readonly fault: string | null;
  readonly problems: readonly string[];
}

/** Symbols by which a runner is known. */
const RUNNER_SYMBOLS = ["g_result", "bench_begin", "bench_end", "gatelet_profile", "_bss_end", "_stack_top"];

/** Whether a firmware takes model and frames as images and leaves its results in g_result. */
export const isRunner = ({ symbols }: ElfFile): boolean =>
  RUNNER_SYMBOLS.every((name) => symbols.some((symbol) => symbol.name === name));

const MAX_INSTRUCTIONS = 1e9;
const MAX_SECONDS = 60;
const SHOWN_LINES = 12;

/** A board with a firmware at its reset, RAM cut to the budget. */
export function firmwareBoard(elf: Uint8Array, waitStates: 0 | 2 | 3, ramBytes: number | undefined): BuiltinBoard {
  const board = new BuiltinBoard(ramBytes === undefined ? { waitStates } : { waitStates, ramBytes });
  board.loadNow(elf);
  return board;
}

/**
 * Runs a firmware until it sleeps for good, halts, faults, or for a minute of its own time (at most 10^9 instructions).
 * RAM is cut to the budget. Only a fault is a problem: most firmware never ends.
 * Throws BoardError, ElfError for a file that does not fit the board.
 */
export function runFirmware(
  firmware: { readonly name: string; readonly elf: Uint8Array },
  file: ElfFile,
  waitStates: 0 | 2 | 3,
  ramBytes: number | undefined,
): FirmwareReport {
  const board = firmwareBoard(firmware.elf, waitStates, ramBytes);
  const names = new Set(file.symbols.map(({ name }) => name));
  const marks = names.has("bench_begin") && names.has("bench_end");
  const marked = { passes: 0, instructions: 0, cycles: 0 };
  const limits = () => ({
    maxInstructions: Math.max(0, MAX_INSTRUCTIONS - board.instructions),
    maxCycles: Math.max(0, MAX_SECONDS * NRF52840.clockHz - board.cycles),
  });
  let result: RunResult;
  do {
    result = board.runNow({ until: marks ? { symbol: "bench_begin" } : { halt: true }, ...limits() });
    if (result.reason !== "symbol") break;
    result = board.runNow({ until: { symbol: "bench_end" }, ...limits() });
    if (result.reason !== "symbol") break;
    marked.passes++;
    marked.instructions += result.instructions;
    marked.cycles += result.cycles ?? 0;
  } while (limits().maxInstructions > 0 && limits().maxCycles > 0);
  const { instructions, cycles } = board;
  const fault = result.fault === undefined ? null : formatFault(result.fault);
  const problems: string[] = [];
  if (fault !== null) problems.push(`fault: ${fault.split("\n")[0]}`);
  return {
    firmware: firmware.name,
    reason: result.reason,
    instructions,
    cycles,
    milliseconds: (1000 * cycles) / NRF52840.clockHz,
    stackBytes: board.stackHighWater,
    marked: marks ? marked : null,
    uartLines: board.uartText.split(/\r?\n/).filter((line) => line !== ""),
    fault,
    problems,
  };
}

/** The report as text, at most `width` characters wide. */
export function renderFirmware(report: FirmwareReport, width: number, style: Style): string {
  const { instructions, cycles, milliseconds, marked, uartLines, fault, problems } = report;
  const time = `${duration(milliseconds / 1000)} at ${NRF52840.clockHz / 1e6} MHz`;
  const lines = [
    `${style.bold(report.firmware)} on ${NRF52840.name}: simulated, not silicon`,
    wrap("it is no runner: it was run as it is, outputs are not compared", width, 0),
    "",
    wrap(
      `ran to    ${report.reason}: ${grouped(instructions)} instructions, ${grouped(cycles)} cycles, ${time}`,
      width,
      10,
    ),
    `stack     ${grouped(report.stackBytes)} bytes`,
  ];
  if (marked !== null) {
    const { passes } = marked;
    const counts = `${grouped(marked.instructions)} instructions, ${grouped(marked.cycles)} cycles`;
    lines.push(wrap(`marked    ${passes} times bench_begin to bench_end: ${counts}`, width, 10));
  }
  uartLines.slice(-SHOWN_LINES).forEach((line, i) => {
    lines.push(`${(i === 0 ? "uart" : "").padEnd(10)}${line}`.slice(0, width));
  });
  if (fault !== null) lines.push("", fault);
  const verdict = problems.length === 0 ? style.green("passed") : style.red("failed");
  return [...lines, "", verdict, ...problems.map((problem) => `- ${problem}`)].join("\n");
}
