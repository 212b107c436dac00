import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ElfSymbol } from "./elf-symbols.js";
import type { RenodeError, RenodeErrorCode } from "./errors.js";
import { monitorHex, monitorPath, monitorSeconds } from "./monitor-text.js";
import type { RobotServer } from "./robot-server.js";
import {
  type ArmedLine,
  armLines,
  armVirtualLimit,
  CLEAR_SLOTS,
  DISARM_VIRTUAL_LIMIT,
  FORGET_LAST_MARK,
  lineHook,
  markHook,
  parseStatus,
  type Status,
  statusOf,
  stopHook,
  TAKE_MARKS,
} from "./stop-hooks.js";
import type { UartCapture } from "./uart-capture.js";

/** What to run until. */
export type Until =
  /** A complete line that contains the text or matches the expression; lines printed before count if not yet taken. */
  | { readonly line: string | RegExp; readonly uart?: string }
  /** The core is about to execute this symbol or address. */
  | { readonly symbol: string | number }
  /** Something else pauses the machine: a hook of your own, a script, a watchpoint. */
  | { readonly pause: true };

export interface Limits {
  /** Virtual seconds this run may take. The machine is paused beyond them and stays usable. */
  readonly virtualTimeoutSeconds?: number;
  /** Real milliseconds this run may take. Beyond them the process group is killed. */
  readonly wallTimeoutMs?: number;
}

/** Where the machine stands. Counts are exact, the machine is paused. */
export interface Position {
  /** Virtual time since boot. */
  readonly virtualSeconds: number;
  /** Instructions retired since boot or the last reset. */
  readonly instructions: number;
  /** Address of the instruction that comes next. */
  readonly pc: number;
}

export interface Stop extends Position {
  /** Index of the condition that ended the run. */
  readonly index: number;
  readonly until: Until;
  /** The line, if a line ended the run, and the groups of its expression. */
  readonly line?: string;
  readonly match?: readonly string[];
}

export interface Mark {
  readonly name: string;
  readonly instructions: number;
}

export interface BoardParts {
  readonly cpu: string;
  readonly uarts: readonly UartCapture[];
  readonly symbols: ReadonlyMap<string, ElfSymbol>;
  readonly virtualTimeoutSeconds: number;
  readonly wallTimeoutMs: number;
  /** True while no later board has taken the process. */
  readonly isCurrent: () => boolean;
}

const POLL_FIRST_MS = 1;
const POLL_SLOWEST_MS = 20;
const MAX_READ_BYTES = 64 * 1024 * 1024;
const SHOWN_LINES = 12;

/** One machine with firmware in it, paused whenever no call of this class is under way. */
export class Board {
  readonly #server: RobotServer;
  readonly #parts: BoardParts;
  readonly #hookedUarts = new Set<string>();
  readonly #marks = new Map<number, string>();
  #busy: string | undefined;
  #writes = 0;
  #runs = 0;

  constructor(server: RobotServer, parts: BoardParts) {
    this.#server = server;
    this.#parts = parts;
  }

  /** UART by name ("sysbus.uart0", "uart0"); without a name the first one. */
  uart(name?: string): UartCapture {
    const { uarts } = this.#parts;
    const found =
      name === undefined ? uarts[0] : uarts.find((uart) => uart.name === name || uart.name === `sysbus.${name}`);
    if (found === undefined) {
      const known = uarts.map((uart) => uart.name).join(", ") || "none";
      throw new RangeError(`uart ${name ?? "(first)"} is not captured, captured are: ${known}`);
    }
    return found;
  }

  /** @throws RenodeError "no-symbol" */
  symbol(name: string): ElfSymbol {
    const found = this.#parts.symbols.get(name);
    if (found === undefined) throw this.#error("no-symbol", `symbol ${name} is not in the loaded elf files`);
    return found;
  }

  /** A monitor command, as `gpio0.led0 State`; its output. Do not start the emulation with it. */
  async command(command: string): Promise<string> {
    return this.#during(command, () => this.#server.command(command));
  }

  /**
   * Runs for exactly so much virtual time.
   * @throws RenodeError "cpu-abort" or "wall-timeout": the process group is dead then, the next boot starts another
   */
  async runFor(virtualSeconds: number, limits: Pick<Limits, "wallTimeoutMs"> = {}): Promise<Position> {
    const time = monitorSeconds(virtualSeconds);
    return this.#during(`run for ${time} s`, async () => {
      this.#server.process.forgetOutput();
      await this.#server.command(`emulation RunFor "${time}"`, limits.wallTimeoutMs ?? this.#parts.wallTimeoutMs);
      return position(await this.#status());
    });
  }

  /**
   * Runs until the first of the conditions holds. With a symbol the machine stops before its first instruction, with a
   * line on the instruction that sent its end.
   * @throws RenodeError "virtual-timeout" (machine paused, usable), "cpu-abort" (paused, readable), "unexpected-stop",
   *   "wall-timeout", "output-flood", "process-exited" (process gone)
   */
  async runUntil(until: Until | readonly Until[], limits: Limits = {}): Promise<Stop> {
    const conditions = Array.isArray(until) ? (until as readonly Until[]) : [until as Until];
    if (conditions.length === 0) throw new RangeError("runUntil needs at least one condition");
    return this.#during(`run until ${conditions.map(describeUntil).join(" or ")}`, async (what) => {
      const waiting = this.#takeWaitingLine(conditions);
      if (waiting !== undefined) return { ...waiting, ...position(await this.#status()) };
      const start = await this.#status();
      const hooked = await this.#arm(conditions, start);
      try {
        const virtualLimit = limits.virtualTimeoutSeconds ?? this.#parts.virtualTimeoutSeconds;
        await this.#server.python(armVirtualLimit(++this.#runs, Number(monitorSeconds(virtualLimit))));
        this.#server.process.forgetOutput();
        await this.#server.keyword("StartEmulation", []);
        return this.#stop(what, conditions, await this.#poll(what, limits), virtualLimit);
      } finally {
        if (this.#server.process.alive) await this.#disarm(hooked);
      }
    });
  }

  /** Instructions retired from reaching `from` to reaching `to`; the instruction at `from` counts, that at `to` not. */
  async countInstructions(from: string | number, to: string | number, limits: Limits = {}): Promise<number> {
    const start = await this.runUntil({ symbol: from }, limits);
    const end = await this.runUntil({ symbol: to }, limits);
    return end.instructions - start.instructions;
  }

  /** From now on notes the instruction count each time the core reaches these symbols, without stopping. */
  async addMarks(...symbols: readonly (string | number)[]): Promise<void> {
    await this.#during("add marks", async () => {
      for (const symbol of symbols) {
        const address = this.#address(symbol);
        if (this.#marks.has(address)) continue;
        const name = typeof symbol === "string" ? symbol : monitorHex(symbol);
        await this.#server.command(markHook(this.#parts.cpu, address, name));
        this.#marks.set(address, name);
      }
    });
  }

  /** Marks passed since the last call, in order. */
  async takeMarks(): Promise<Mark[]> {
    return this.#during("take marks", async () => {
      const text = String((await this.#server.python(TAKE_MARKS)) ?? "");
      return text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => ({ name: line.slice(line.indexOf(" ") + 1), instructions: Number.parseInt(line, 10) }));
    });
  }

  /** Where the machine stands now. */
  async position(): Promise<Position> {
    return this.#during("position", async () => position(await this.#status()));
  }

  /**
   * Memory as the core's bus sees it. Unmapped addresses read as 0 in Renode, there is no error for them.
   * @param bytes defaults to the size of the symbol
   */
  async readMemory(target: string | number, bytes?: number): Promise<Buffer> {
    const count = bytes ?? (typeof target === "string" ? this.symbol(target).bytes : 0);
    if (!Number.isInteger(count) || count < 1 || count > MAX_READ_BYTES) {
      throw new RangeError(`readMemory of ${target}: ${count} bytes, must be 1 to ${MAX_READ_BYTES}`);
    }
    return this.#during(`read ${count} bytes at ${target}`, async (what) => {
      const address = monitorHex(this.#address(target));
      const value = await this.#server.python(`monitor.Machine.SystemBus.ReadBytes(${address}, ${count})`);
      if (!Buffer.isBuffer(value) || value.length !== count) {
        throw this.#error("bad-reply", `${what}: renode sent ${Buffer.isBuffer(value) ? value.length : "no"} bytes`);
      }
      return value;
    });
  }

  /** A 32-bit little-endian word at a symbol or address. */
  async readUint32(target: string | number): Promise<number> {
    return (await this.readMemory(target, 4)).readUInt32LE(0);
  }

  async writeMemory(target: string | number, bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) throw new RangeError(`writeMemory at ${target}: no bytes`);
    await this.#during(`write ${bytes.length} bytes at ${target}`, async () => {
      const file = join(this.#server.process.folder, `write-${this.#writes++}.bin`);
      writeFileSync(file, bytes);
      await this.#server.command(`sysbus LoadBinary ${monitorPath(file)} ${monitorHex(this.#address(target))}`);
    });
  }

  /** Resets core and peripherals; memory, UART capture and virtual time go on, the instruction count starts at 0. */
  async reset(): Promise<void> {
    await this.#during("reset", async () => {
      await this.#server.command("machine Reset");
      await this.#server.python(FORGET_LAST_MARK);
    });
  }

  /** For messages: the last lines of every UART. */
  describeUarts(): string {
    return this.#parts.uarts
      .map((uart) => {
        const lines = uart.text().split("\n").slice(-SHOWN_LINES).join("\n").trimEnd();
        return lines === "" ? `${uart.name} printed nothing` : `${uart.name} printed at last:\n${lines}`;
      })
      .join("\n");
  }

  async #during<T>(what: string, action: (what: string) => Promise<T>): Promise<T> {
    if (!this.#parts.isCurrent()) {
      throw this.#error("stale-board", `${what}: a later boot or a stop has taken this board's emulator`);
    }
    if (this.#busy !== undefined)
      throw this.#error("busy", `${what}: board is still at "${this.#busy}" (await missing?)`);
    this.#busy = what;
    try {
      return await action(what);
    } finally {
      this.#busy = undefined;
    }
  }

  async #status(wallTimeoutMs?: number): Promise<Status> {
    const text = String(await this.#server.python(statusOf(this.#parts.cpu), wallTimeoutMs));
    const status = parseStatus(text);
    if (status === undefined) throw this.#error("bad-reply", `renode answered the status question with ${text}`);
    return status;
  }

  #address(target: string | number): number {
    const address = typeof target === "string" ? this.symbol(target).address : target;
    if (!Number.isInteger(address) || address < 0 || address > 0xffffffff) {
      throw new RangeError(`address ${address} is outside 0..0xFFFFFFFF`);
    }
    return address;
  }

  #takeWaitingLine(conditions: readonly Until[]): Omit<Stop, keyof Position> | undefined {
    for (const [index, until] of conditions.entries()) {
      if (!("line" in until)) continue;
      const found = this.uart(until.uart).takeLine(until.line);
      if (found !== undefined) return { index, until, ...found };
    }
    return undefined;
  }

  async #arm(conditions: readonly Until[], start: Status): Promise<number[]> {
    const lines: ArmedLine[] = [];
    for (const [index, until] of conditions.entries()) {
      if ("line" in until) lines.push({ index, uart: this.uart(until.uart).name, content: until.line });
    }
    const addresses = conditions.map((until) => ("symbol" in until ? this.#address(until.symbol) : undefined));
    await this.#server.python(armLines(lines));
    for (const { uart } of lines) {
      if (this.#hookedUarts.has(uart)) continue;
      await this.#server.command(lineHook(uart));
      this.#hookedUarts.add(uart);
    }
    const hooked: number[] = [];
    for (const [index, address] of addresses.entries()) {
      if (address === undefined) continue;
      // A hook where the core already stands would fire again before anything has run.
      const notAt = start.pc === address && start.instructions > 0n ? start.instructions : undefined;
      await this.#server.command(stopHook(this.#parts.cpu, address, index, notAt));
      hooked.push(address);
    }
    return hooked;
  }

  async #disarm(hooked: readonly number[]): Promise<void> {
    await this.#server.python(armLines([]));
    await this.#server.python(DISARM_VIRTUAL_LIMIT);
    for (const address of new Set(hooked)) {
      await this.#server.command(`${this.#parts.cpu} RemoveHooksAt ${monitorHex(address)}`);
      const mark = this.#marks.get(address);
      if (mark !== undefined) await this.#server.command(markHook(this.#parts.cpu, address, mark));
    }
  }

  /** Waits for the machine to stand still. */
  async #poll(what: string, limits: Limits): Promise<Status> {
    const wallLimit = limits.wallTimeoutMs ?? this.#parts.wallTimeoutMs;
    const deadline = performance.now() + wallLimit;
    const { process } = this.#server;
    for (let wait = POLL_FIRST_MS; ; wait = Math.min(2 * wait, POLL_SLOWEST_MS)) {
      const left = Math.max(1, Math.ceil(deadline - performance.now()));
      const status = await this.#status(left);
      if (!status.running) return status;
      if (process.cpuAbort !== undefined) {
        await this.#server.command("pause", left);
        throw this.#error("cpu-abort", `${what}: ${process.cpuAbort}`);
      }
      if (performance.now() > deadline) {
        const seen = `at virtual ${status.virtualSeconds} s, ${status.instructions} instructions`;
        process.kill("wall-timeout", `${what}: not within ${wallLimit} ms, was ${seen}; process group killed`);
        await process.closed;
        throw process.endedError(what);
      }
      await sleep(wait);
    }
  }

  #stop(what: string, conditions: readonly Until[], end: Status, virtualLimit: number): Stop {
    if (end.stop === "limit") {
      throw this.#error("virtual-timeout", `${what}: not within ${virtualLimit} virtual s\n${this.describeUarts()}`);
    }
    const index = end.stop ?? conditions.findIndex((until) => "pause" in until);
    const until = conditions[index];
    if (until === undefined) {
      throw this.#error("unexpected-stop", `${what}: something else paused the machine at ${monitorHex(end.pc)}`);
    }
    if (!("line" in until)) return { index, until, ...position(end) };
    const found = this.uart(until.uart).takeLine(until.line);
    if (found === undefined) {
      throw this.#error("bad-reply", `${what}: renode's regular expressions matched a line that this one does not`);
    }
    return { index, until, ...found, ...position(end) };
  }

  #error(code: RenodeErrorCode, reason: string): RenodeError {
    return this.#server.process.error(code, reason);
  }
}

/** Python that makes the process ready for a new board. */
export const PREPARE_BOARD = CLEAR_SLOTS;

function position(status: Status): Position {
  const { virtualSeconds, pc } = status;
  return { virtualSeconds, instructions: Number(status.instructions), pc };
}

/** One condition in words, for messages. */
export function describeUntil(until: Until): string {
  if ("line" in until) return `line ${typeof until.line === "string" ? JSON.stringify(until.line) : until.line}`;
  if ("symbol" in until) return typeof until.symbol === "string" ? until.symbol : monitorHex(until.symbol);
  return "a pause";
}
