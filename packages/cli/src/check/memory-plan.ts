import type { GateModel } from "@gatelet/converter/format";
import { type ElfFile, type ElfSymbol, RUNNER } from "@gatelet/sim";

/** How the emulated board's RAM is cut so that a budget bites. */
export interface MemoryPlan {
  /** RAM of the emulated board. */
  readonly boardRamBytes: number;
  /** Where the runner is told that its RAM ends: beyond the board's where the arena does not fit, so that it faults. */
  readonly runnerRamBytes: number;
  /** Lowest stack pointer allowed. */
  readonly stackLimit: number;
  /** RAM of the runner itself (variables, result block, output log), not part of the budget. */
  readonly runnerBytes: number;
  /** What a program keeps beside the arena: gatelet_model and gatelet_stream. */
  readonly variableBytes: number;
}

const align16 = (n: number): number => (n + 15) & ~15;
/** What the log wants beyond the steps: room for one more, and a word. */
const LOG_SPARE = 64;

/**
 * ```
 * | stack 1 KiB | runner's variables | log | arena ...        | <- board's RAM ends here
 * ^ RAM         ^ stack top                                      = runner's bytes + budget - variables
 * ```
 * The budget counts arena, the library's variables and stack. The stack may go as deep as arena and variables leave it.
 */
export function planMemory(model: GateModel, elf: ElfFile, budget: number | undefined, steps: number): MemoryPlan {
  const address = (name: string): number => elf.symbols.find((symbol) => symbol.name === name)?.address ?? 0;
  const { header } = model;
  const variableBytes = sizeOf(elf.symbols, "model") + sizeOf(elf.symbols, "stream");
  const rowBytes = header.outputSize * (header.outputType === 0 ? 2 : 4);
  const most = header.maxOutputRows * rowBytes + 8;
  const rows = model.records.at(-1)!.fields.rowsOut;
  const perWindow =
    header.window === 0 ? (4 + most) * steps : 4 * steps + Math.ceil(steps / header.window) * (rows * (rowBytes + 2));
  const arena = align16(header.arenaBytes);
  const fixed = align16(address("_bss_end") - RUNNER.RAM_BASE);
  const logRoom = Math.max(RUNNER.RAM_BYTES - fixed - arena, most + LOG_SPARE);
  const runnerBytes = fixed + align16(Math.min(perWindow + most + LOG_SPARE, logRoom - 16));
  const stackTop = address("_stack_top");
  const forArena = budget === undefined ? RUNNER.RAM_BYTES - runnerBytes : Math.max(0, (budget - variableBytes) & ~15);
  const left = budget === undefined ? RUNNER.STACK_BYTES : budget - variableBytes - header.arenaBytes;
  return {
    boardRamBytes: Math.min(RUNNER.RAM_BYTES, runnerBytes + forArena),
    runnerRamBytes: runnerBytes + arena,
    stackLimit: left < 0 ? RUNNER.RAM_BASE : Math.max(RUNNER.RAM_BASE, stackTop - left),
    runnerBytes,
    variableBytes,
  };
}

const sizeOf = (symbols: readonly ElfSymbol[], name: string): number =>
  symbols.find((symbol) => symbol.name === name && symbol.kind === "object")?.bytes ?? 0;

/** Names of the runner firmware that are no part of the library. */
const NOT_LIBRARY =
  /^(vectors|reset_handler|unexpected|board_.*|bench_.*|gatelet_profile|POWERS.*|memcpy|memset|\$.*)$/;

/** Flash of the library in the runner: code and constants, every kernel. */
export function libraryBytes(elf: ElfFile): number {
  const pieces = elf.symbols
    .filter(({ address, bytes, kind }) => kind !== "other" && bytes > 0 && address < RUNNER.MODEL_ADDRESS)
    .filter(({ name }) => !NOT_LIBRARY.test(name))
    .sort((a, b) => a.address - b.address);
  let sum = 0;
  let end = 0;
  for (const { address, bytes } of pieces) {
    sum += Math.max(0, address + bytes - Math.max(end, address));
    end = Math.max(end, address + bytes);
  }
  return sum;
}
