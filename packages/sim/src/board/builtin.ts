import { type Board, BoardError, type RunReason, type RunRequest, type RunResult, type Until } from "../board.js";
import { Core, type Stop } from "../cpu/core.js";
import { parseElf } from "../elf/elf.js";
import { SymbolTable } from "../elf/symbols.js";
import { Dwt } from "../peripherals/dwt.js";
import { Rtc, Timer } from "../peripherals/nrf52840/counters.js";
import { RegisterFile } from "../peripherals/nrf52840/peripheral.js";
import { ClockPower, Gpio, Nvmc } from "../peripherals/nrf52840/simple.js";
import { Uarte } from "../peripherals/nrf52840/uarte.js";
import { SystemControl } from "../peripherals/scs.js";
import { recordFault } from "./fault.js";
import { type BoardProfile, NRF52840 } from "./profile.js";

export interface BuiltinOptions {
  profile?: BoardProfile;
  /** RAM of the board in bytes: the budget. Accesses beyond it fault. Default: all the chip has. */
  ramBytes?: number;
  flashBytes?: number;
  /** Flash wait states: 0 (default), 2 (as with the cache off) or 3 (as with it on). */
  waitStates?: 0 | 2 | 3;
  /** Lowest stack pointer allowed: an address or a symbol. Below it the run stops with a fault. */
  stackLimit?: number | string;
}

interface Resettable {
  reset(): void;
}

/** The emulated nRF52840: our core, its peripherals, an ELF loader. Deterministic; needs nothing installed. */
export class BuiltinBoard implements Board {
  readonly engine = "builtin";
  readonly profile: BoardProfile;
  readonly core: Core;
  readonly scs: SystemControl;
  readonly gpio = new Gpio();
  readonly uarte: Uarte;
  symbols = new SymbolTable();
  private readonly resettable: Resettable[] = [];
  private text = "";
  private line = "";
  private lineWanted: string | RegExp | undefined;
  private lineFound: string | undefined;
  private resetRequested = false;
  private vectors = 0;
  private stackTop = 0;

  constructor(readonly options: BuiltinOptions = {}) {
    this.profile = options.profile ?? NRF52840;
    const { flash, ram, timing, memoryTiming } = this.profile;
    this.core = new Core({
      memory: {
        flashBase: flash.base,
        flashBytes: options.flashBytes ?? flash.bytes,
        ramBase: ram.base,
        ramBytes: options.ramBytes ?? ram.bytes,
        ramAlias: ram.alias,
      },
      timing,
      memoryTiming,
      waitStates: options.waitStates ?? 0,
    });
    this.scs = this.attach(0xe000e000, new SystemControl(this.core));
    this.scs.onResetRequest = () => {
      this.resetRequested = true;
      this.core.requestStop();
    };
    this.uarte = this.attach(0x40002000, new Uarte("uarte0", 0x40002000, this.core));
    this.uarte.onTransmit = (bytes) => this.receive(bytes);
    this.attachChip();
  }

  private attach<D extends Resettable & Parameters<Core["memory"]["attach"]>[2]>(base: number, device: D): D {
    this.core.memory.attach(base, 0x1000, device);
    this.resettable.push(device);
    return device;
  }

  private attachChip(): void {
    const { core } = this;
    const { clockHz, flash, ram } = this.profile;
    this.attach(0xe0001000, new Dwt(core));
    this.attach(0xe0000000, new RegisterFile("itm", { 0: 1 }));
    this.attach(0xe0040000, new RegisterFile("tpiu", {}));
    this.attach(0xe0041000, new RegisterFile("etm", {}));
    this.attach(0xe00ff000, new RegisterFile("rom-table", {}));
    this.attach(0x40000000, new ClockPower("clock", 0x40000000, core));
    const timers = [0x40008000, 0x40009000, 0x4000a000, 0x4001a000, 0x4001b000];
    timers.forEach((base, i) => {
      this.attach(base, new Timer(`timer${i}`, base, core, i < 3 ? 4 : 6, clockHz));
    });
    [0x4000b000, 0x40011000, 0x40024000].forEach((base, i) => {
      this.attach(base, new Rtc(`rtc${i}`, base, core, i === 0 ? 3 : 4, clockHz));
    });
    this.attach(0x4001e000, new Nvmc(core));
    this.attach(0x50000000, this.gpio);
    const kilobytes = (bytes: number) => bytes >>> 10;
    this.attach(
      0x10000000,
      new RegisterFile("ficr", {
        16: flash.pageBytes,
        20: flash.bytes / flash.pageBytes,
        96: 0x6a7e1e70,
        100: 0x5eed0001,
        160: 1,
        164: 0xaabbccdd | 0,
        256: 0x52840,
        260: 0x41414630,
        264: 0x2004,
        268: kilobytes(ram.bytes),
        272: kilobytes(flash.bytes),
      }),
    );
    this.attach(0x10001000, new RegisterFile("uicr", {}, -1));
  }

  private receive(bytes: Uint8Array): void {
    for (const byte of bytes) {
      this.text += String.fromCharCode(byte);
      if (byte !== 10) {
        if (byte !== 13) this.line += String.fromCharCode(byte);
        continue;
      }
      const { line, lineWanted } = this;
      this.line = "";
      if (lineWanted === undefined || this.lineFound !== undefined) continue;
      if (typeof lineWanted === "string" ? line !== lineWanted : !lineWanted.test(line)) continue;
      this.lineFound = line;
      this.core.requestStop();
    }
  }

  async load(elf: Uint8Array): Promise<void> {
    this.loadNow(elf);
  }

  /** As `load`, without a promise. */
  loadNow(elf: Uint8Array): void {
    const file = parseElf(elf);
    this.symbols = new SymbolTable(file.symbols);
    let lowest = Number.POSITIVE_INFINITY;
    for (const segment of file.segments) {
      if (segment.data.length === 0) continue;
      lowest = Math.min(lowest, segment.physical);
      this.place(segment.physical, segment.data, "elf segment");
    }
    if (lowest === Number.POSITIVE_INFINITY) throw new BoardError("elf file has nothing to load");
    this.vectors = lowest;
    this.core.observe(this.core.translator.settings.observers);
    this.resetNow();
  }

  /**
   * Loads flash that comes without an ELF, e.g. from a HEX file, and resets to the vector table at `vectors`.
   * Throws BoardError where a piece does not fit.
   */
  loadFlash(pieces: readonly { readonly address: number; readonly bytes: Uint8Array }[], vectors: number): void {
    for (const { address, bytes } of pieces) this.place(address, bytes, "image");
    this.vectors = vectors;
    this.core.observe(this.core.translator.settings.observers);
    this.resetNow();
  }

  private place(address: number, bytes: Uint8Array, what: string): void {
    if (!this.core.memory.isBacked(address, bytes.length)) {
      const end = (address + bytes.length).toString(16);
      throw new BoardError(`${what} 0x${address.toString(16)} to 0x${end} is outside flash and ram`);
    }
    this.core.memory.poke(address, bytes);
  }

  async loadBlob(address: number, bytes: Uint8Array): Promise<void> {
    this.place(address, bytes, "image");
  }

  async reset(): Promise<void> {
    this.resetNow();
  }

  resetNow(): void {
    for (const device of this.resettable) device.reset();
    const { core } = this;
    core.reset(this.vectors);
    this.stackTop = core.state.words[13] >>> 0;
    const limit = this.options.stackLimit;
    core.stackLimit = typeof limit === "string" ? this.symbol(limit) : limit;
    this.text = this.line = "";
    this.lineFound = this.lineWanted = undefined;
  }

  async run(request: RunRequest): Promise<RunResult> {
    return this.runNow(request);
  }

  /** As `run`, without a promise. */
  runNow(request: RunRequest): RunResult {
    const { core } = this;
    const { until } = request;
    const addresses = new Set<number>();
    if (until !== undefined && "symbol" in until) addresses.add(this.symbol(until.symbol));
    if (until !== undefined && "address" in until) addresses.add((until.address & ~1) >>> 0);
    this.lineWanted = until !== undefined && "uartLine" in until ? until.uartLine : undefined;
    this.lineFound = undefined;
    const before = { instructions: core.instructions, cycles: core.cycles };
    let stop: Stop;
    for (;;) {
      stop = core.run({
        addresses,
        maxInstructions: limitLeft(request.maxInstructions, core.instructions - before.instructions),
        maxCycles: limitLeft(request.maxCycles, core.cycles - before.cycles),
      });
      if (stop.reason !== "request" || this.lineFound !== undefined || this.resetRequested) break;
    }
    const result: RunResult = {
      reason: this.reasonOf(stop, until),
      instructions: core.instructions - before.instructions,
      cycles: core.cycles - before.cycles,
    };
    if (this.lineFound !== undefined) result.line = this.lineFound;
    if (stop.fault !== undefined) {
      result.fault = recordFault(core, stop.fault, this.symbols, this.stackTop);
      this.scs.recordFault(result.fault.cfsr, result.fault.hfsr, result.fault.address);
    }
    this.resetRequested = false;
    return result;
  }

  private reasonOf(stop: Stop, until: Until | undefined): RunReason {
    switch (stop.reason) {
      case "address":
        return until !== undefined && "symbol" in until ? "symbol" : "address";
      case "request":
        return this.lineFound !== undefined ? "uart-line" : "halt";
      case "instructions":
        return "max-instructions";
      case "cycles":
        return "max-cycles";
      default:
        return stop.reason;
    }
  }

  async readMemory(address: number, bytes: number): Promise<Uint8Array> {
    return this.core.memory.peek(address, bytes);
  }

  async writeMemory(address: number, bytes: Uint8Array): Promise<void> {
    this.place(address, bytes, "write");
  }

  symbol(name: string): number {
    const symbol = this.symbols.get(name);
    if (symbol === undefined) throw new BoardError(`no symbol ${name} in the loaded elf file`);
    return symbol.address;
  }

  get uartText(): string {
    return this.text;
  }

  get instructions(): number {
    return this.core.instructions;
  }

  get cycles(): number {
    return this.core.cycles;
  }

  get stackHighWater(): number {
    return this.stackTop - this.core.lowestSp;
  }

  async close(): Promise<void> {}
}

function limitLeft(limit: number | undefined, used: number): number | undefined {
  return limit === undefined ? undefined : Math.max(0, limit - used);
}
