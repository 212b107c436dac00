import type { FaultRecord } from "./board/fault.js";

/** Where a run ends, beside its limits. */
export type Until =
  | { symbol: string }
  | { address: number }
  /** A complete line (without its end) that equals the string or matches the expression. */
  | { uartLine: string | RegExp }
  /** BKPT #0xAB, or sleep with nothing left to wake the processor. */
  | { halt: true };

export interface RunRequest {
  until?: Until;
  maxInstructions?: number;
  maxCycles?: number;
}

export type RunReason =
  | "symbol"
  | "address"
  | "uart-line"
  | "halt"
  | "idle"
  | "max-instructions"
  | "max-cycles"
  | "fault";

export interface RunResult {
  reason: RunReason;
  /** Instructions and cycles of this run; cycles are undefined where the engine has no cycle model. */
  instructions: number;
  cycles: number | undefined;
  /** The matched line, for "uart-line". */
  line?: string;
  fault?: FaultRecord;
}

export type EngineName = "builtin" | "qemu" | "renode";

/** Misuse of a board or a failure of its engine. */
export class BoardError extends Error {
  readonly code = "board-error";
}

/**
 * One emulated board. Load an ELF and raw images, reset, run until something happens, look at memory and counts. The
 * properties are as of the end of the last run. Addresses are byte addresses; words in memory are little-endian.
 */
export interface Board {
  readonly engine: EngineName;
  /** Loads an ELF: segments to their load addresses, symbols for `symbol` and backtraces. Ends with a reset. */
  load(elf: Uint8Array): Promise<void>;
  /** Puts raw bytes in flash or RAM; loads do not disturb each other. */
  loadBlob(address: number, bytes: Uint8Array): Promise<void>;
  /** Restarts from the vector table at the lowest load address. Flash and RAM keep their contents. */
  reset(): Promise<void>;
  run(request: RunRequest): Promise<RunResult>;
  readMemory(address: number, bytes: number): Promise<Uint8Array>;
  writeMemory(address: number, bytes: Uint8Array): Promise<void>;
  /** Address of a symbol without its Thumb bit; throws BoardError when there is none. */
  symbol(name: string): number;
  /** Everything sent by UART since the last load or reset, one character a byte. */
  readonly uartText: string;
  /** Instructions retired since reset. An IT and an instruction skipped by it count 1 each, as in QEMU and Renode. */
  readonly instructions: number;
  readonly cycles: number | undefined;
  /** Most bytes of main stack used since reset, undefined where the engine cannot tell. */
  readonly stackHighWater: number | undefined;
  /** Ends the engine's processes, if any. */
  close(): Promise<void>;
}
