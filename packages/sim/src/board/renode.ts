import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findRenode, type Renode, RenodeError, type Board as RenodeMachine, startRenode } from "renode-test-harness";
import { type Board, BoardError, type RunReason, type RunRequest, type RunResult } from "../board.js";
import { parseElf } from "../elf/elf.js";
import { SymbolTable } from "../elf/symbols.js";
import type { Pass } from "../runner/step-counter.js";

export interface RenodeBoardOptions {
  /** Executable; default RENODE, then renode on the path. */
  executable?: string;
  /** Wall-clock limit of one run, default 60 s. */
  timeoutMs?: number;
}

/** The platform charges 10 ns of virtual time an instruction. */
const INSTRUCTIONS_PER_SECOND = 100e6;
const DEFAULT_TIMEOUT_MS = 60_000;

/** Whether a Renode is installed. */
export const hasRenode = (): boolean => findRenode() !== undefined;

/**
 * Renode's nRF52840, driven by renode-test-harness, as an instruction counter with UART. It has no cycle model, knows no
 * stack limit and does not fault on unmapped memory; halts are not seen. One process serves all loads until `close`.
 */
export class RenodeBoard implements Board {
  readonly engine = "renode";
  readonly cycles = undefined;
  readonly stackHighWater = undefined;
  private symbols = new SymbolTable();
  private folder: string | undefined;
  private elfFile: string | undefined;
  private blobs: { address: number; data: Uint8Array }[] = [];
  private renode: Renode | undefined;
  private machine: RenodeMachine | undefined;
  private count = 0;
  /** Bytes of UART text that belong to before the last reset. */
  private textFrom = 0;

  constructor(private readonly options: RenodeBoardOptions = {}) {}

  async load(elf: Uint8Array): Promise<void> {
    this.symbols = new SymbolTable(parseElf(elf).symbols);
    this.folder ??= mkdtempSync(join(tmpdir(), "gatelet-renode-"));
    this.elfFile = join(this.folder, "firmware.elf");
    writeFileSync(this.elfFile, elf);
    this.blobs = [];
    this.machine = undefined;
    this.count = this.textFrom = 0;
  }

  async loadBlob(address: number, bytes: Uint8Array): Promise<void> {
    if (this.machine !== undefined) await this.machine.writeMemory(address, bytes);
    else this.blobs.push({ address, data: bytes });
  }

  async reset(): Promise<void> {
    if (this.machine === undefined) return;
    this.textFrom = this.machine.uart().bytes().length;
    await this.machine.reset();
    this.count = 0;
  }

  private async boot(): Promise<RenodeMachine> {
    if (this.machine !== undefined) return this.machine;
    if (this.elfFile === undefined) throw new BoardError("no elf file loaded");
    const { executable } = this.options;
    this.renode ??= await startRenode(executable === undefined ? {} : { executable });
    const wallTimeoutMs = this.options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.machine = await this.renode.boot({
      elf: this.elfFile,
      blobs: this.blobs,
      wallTimeoutMs,
      maximumBlockSize: 64,
    });
    return this.machine;
  }

  async run(request: RunRequest): Promise<RunResult> {
    const { until, maxInstructions } = request;
    if (request.maxCycles !== undefined) throw new BoardError("the renode engine has no cycle model, so no maxCycles");
    if (until === undefined || "halt" in until) {
      throw new BoardError("the renode engine runs until a symbol, an address or a uart line only");
    }
    const machine = await this.boot();
    const before = this.count;
    const condition =
      "symbol" in until
        ? { symbol: this.symbol(until.symbol) }
        : "address" in until
          ? { symbol: (until.address & ~1) >>> 0 }
          : {
              line:
                typeof until.uartLine === "string"
                  ? new RegExp(`^${escapeExpression(until.uartLine)}$`)
                  : until.uartLine,
            };
    const limits =
      maxInstructions === undefined ? {} : { virtualTimeoutSeconds: maxInstructions / INSTRUCTIONS_PER_SECOND };
    try {
      const stop = await machine.runUntil(condition, limits);
      this.count = stop.instructions;
      const reason: RunReason = "symbol" in until ? "symbol" : "address" in until ? "address" : "uart-line";
      const result: RunResult = { reason, instructions: this.count - before, cycles: undefined };
      if (stop.line !== undefined) result.line = stop.line;
      return result;
    } catch (error) {
      if (!(error instanceof RenodeError)) throw error;
      if (error.code !== "virtual-timeout") throw new BoardError(`renode: ${error.message}`, { cause: error });
      this.count = (await machine.position()).instructions;
      return { reason: "max-instructions", instructions: this.count - before, cycles: undefined };
    }
  }

  /** Runs to the end of `request` without a stop on the way; the passes of `symbols`, in order. */
  async runNoting(symbols: readonly string[], request: RunRequest): Promise<Pass[]> {
    const machine = await this.boot();
    await machine.addMarks(...symbols);
    await machine.takeMarks();
    const result = await this.run(request);
    if (result.reason === "max-instructions") throw new BoardError("renode: the firmware did not come to its end");
    return (await machine.takeMarks()).map(({ name, instructions }) => ({ symbol: name, instructions }));
  }

  async readMemory(address: number, bytes: number): Promise<Uint8Array> {
    return new Uint8Array(await (await this.boot()).readMemory(address, bytes));
  }

  async writeMemory(address: number, bytes: Uint8Array): Promise<void> {
    await (await this.boot()).writeMemory(address, bytes);
  }

  symbol(name: string): number {
    const symbol = this.symbols.get(name);
    if (symbol === undefined) throw new BoardError(`no symbol ${name} in the loaded elf file`);
    return symbol.address;
  }

  get uartText(): string {
    return this.machine === undefined ? "" : this.machine.uart().bytes().subarray(this.textFrom).toString("latin1");
  }

  get instructions(): number {
    return this.count;
  }

  async close(): Promise<void> {
    this.machine = undefined;
    await this.renode?.stop();
    this.renode = undefined;
    if (this.folder !== undefined) rmSync(this.folder, { recursive: true, force: true });
    this.folder = this.elfFile = undefined;
  }
}

const escapeExpression = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
