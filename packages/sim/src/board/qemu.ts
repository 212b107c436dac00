import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Board, BoardError, type RunRequest, type RunResult } from "../board.js";
import { GdbClient } from "../debug/gdb-client.js";
import { parseElf } from "../elf/elf.js";
import { SymbolTable } from "../elf/symbols.js";

export interface QemuOptions {
  /** Executable; default qemu-system-arm on the path. */
  command?: string;
  /**
   * Functions to replace by an immediate return, because they touch peripherals that mps2-an386 does not have
   * (UARTE, NVMC ...). Counts between two symbols are equal to other engines' as long as none of them runs in between.
   */
  skip?: readonly string[];
  /** Wall-clock limit of one run. */
  timeoutMs?: number;
}

/** Execution log: "Trace ..." for a block entered, "Stopped ..." for one given up before its first instruction. */
const LOG = "exec.log";
const NEWLINE = 10;
const lineWeight = (first: number) => (first === 0x54 ? 1 : first === 0x53 ? -1 : 0);
const BX_LR = Uint8Array.of(0x70, 0x47);
const START_TIMEOUT_MS = 10_000;

/**
 * QEMU's mps2-an386 (Cortex-M4F) as an instruction counter. It has 4 MiB of RAM at 0 where the nRF52840 has flash, 4 MiB
 * at 0x20000000, and none of its peripherals: no UART text, no faults for stores to flash, no cycle model. Runs end at a
 * symbol or an address, at some 200,000 instructions a second and 65 bytes of log for each. A reset starts a new process: RAM written by the firmware is lost, loaded images are not.
 */
export class QemuBoard implements Board {
  readonly engine = "qemu";
  readonly uartText = "";
  readonly cycles = undefined;
  readonly stackHighWater = undefined;
  private symbols = new SymbolTable();
  private elf: Uint8Array | undefined;
  private blobs: { address: number; bytes: Uint8Array }[] = [];
  private child: ChildProcess | undefined;
  private client: GdbClient | undefined;
  private folder: string | undefined;
  private count = 0;
  private logOffset = 0;
  private atLineStart = true;

  constructor(private readonly options: QemuOptions = {}) {}

  async load(elf: Uint8Array): Promise<void> {
    await this.close();
    this.symbols = new SymbolTable(parseElf(elf).symbols);
    this.elf = elf;
  }

  async loadBlob(address: number, bytes: Uint8Array): Promise<void> {
    this.blobs.push({ address, bytes });
    if (this.client !== undefined) await this.client.write(address, bytes);
  }

  async reset(): Promise<void> {
    await this.close();
  }

  private async start(): Promise<GdbClient> {
    if (this.client !== undefined) return this.client;
    if (this.elf === undefined) throw new BoardError("no elf file loaded");
    const folder = mkdtempSync(join(tmpdir(), "gatelet-qemu-"));
    this.folder = folder;
    const args = ["-M", "mps2-an386", "-display", "none", "-monitor", "none", "-serial", "none"];
    args.push(
      "-singlestep",
      "-d",
      "exec,nochain",
      "-D",
      join(folder, LOG),
      "-S",
      "-kernel",
      this.writeFile("firmware.elf", this.elf),
    );
    const patches = (this.options.skip ?? []).map((name) => ({ address: this.symbol(name), bytes: BX_LR }));
    const images = this.blobs.map((blob, i) => {
      const file = this.writeFile(`blob${i}.bin`, blob.bytes);
      return ["-device", `loader,file=${file},addr=0x${blob.address.toString(16)},force-raw=on`];
    });
    const socket = join(folder, "gdb");
    args.push(...images.flat(), "-chardev", `socket,id=gdb,path=${socket},server=on,wait=off`, "-gdb", "chardev:gdb");
    const child = spawn(this.options.command ?? "qemu-system-arm", args, { stdio: ["ignore", "ignore", "pipe"] });
    this.child = child;
    let message = "";
    child.stderr?.on("data", (data: Buffer) => {
      message += data.toString();
    });
    const ended = new Promise<never>((_, reject) => {
      child.once("error", (error) => reject(new BoardError(`qemu did not start: ${error.message}`, { cause: error })));
      child.once("exit", (code) => reject(new BoardError(`qemu ended with status ${code}: ${message.trim()}`)));
    });
    ended.catch(() => {});
    const client = await Promise.race([GdbClient.open(socket, START_TIMEOUT_MS), ended]);
    this.client = client;
    await client.send("qSupported");
    await client.send("?");
    for (const { address, bytes } of patches) await client.write(address, bytes);
    this.count = 0;
    this.logOffset = 0;
    this.atLineStart = true;
    return client;
  }

  private writeFile(name: string, bytes: Uint8Array): string {
    const path = join(this.folder as string, name);
    writeFileSync(path, bytes);
    return path;
  }

  /**
   * Instructions since the last call, from the execution log: one block per instruction, one line per block. QEMU's
   * virtual clock (-icount) is no measure here, because it is warped whenever the processor stands at a breakpoint.
   */
  private countSince(): number {
    const file = openSync(join(this.folder as string, LOG), "r");
    try {
      const chunk = Buffer.alloc(1 << 20);
      let count = 0;
      for (;;) {
        const bytes = readSync(file, chunk, 0, chunk.length, this.logOffset);
        if (bytes === 0) return count;
        this.logOffset += bytes;
        for (let at = 0; at < bytes; at++) {
          if (this.atLineStart) count += lineWeight(chunk[at]);
          this.atLineStart = chunk[at] === NEWLINE;
        }
      }
    } finally {
      closeSync(file);
    }
  }

  async run(request: RunRequest): Promise<RunResult> {
    const { until } = request;
    if (until === undefined || !("symbol" in until || "address" in until)) {
      throw new BoardError("the qemu engine runs until a symbol or an address only");
    }
    if (request.maxCycles !== undefined) throw new BoardError("the qemu engine has no cycle model, so no maxCycles");
    const client = await this.start();
    const address = "symbol" in until ? this.symbol(until.symbol) : (until.address & ~1) >>> 0;
    const timeoutMs = this.options.timeoutMs ?? 60_000;
    // A stop at this very address must be left first.
    const here = (await client.send("g")).slice(15 * 8, 16 * 8);
    const pc = Number.parseInt((here.match(/../g) ?? []).reverse().join(""), 16);
    if (pc === address) await client.send("s");
    await client.send(`Z0,${address.toString(16)},2`);
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      client.interrupt();
    }, timeoutMs);
    try {
      await client.send("c");
    } finally {
      clearTimeout(timer);
    }
    await client.send(`z0,${address.toString(16)},2`);
    const instructions = this.countSince();
    this.count += instructions;
    if (timedOut) throw new BoardError(`qemu did not reach 0x${address.toString(16)} within ${timeoutMs} ms`);
    return { reason: "symbol" in until ? "symbol" : "address", instructions, cycles: undefined };
  }

  async readMemory(address: number, bytes: number): Promise<Uint8Array> {
    return (await this.start()).read(address, bytes);
  }

  async writeMemory(address: number, bytes: Uint8Array): Promise<void> {
    await (await this.start()).write(address, bytes);
  }

  symbol(name: string): number {
    const symbol = this.symbols.get(name);
    if (symbol === undefined) throw new BoardError(`no symbol ${name} in the loaded elf file`);
    return symbol.address;
  }

  get instructions(): number {
    return this.count;
  }

  async close(): Promise<void> {
    this.client?.close();
    this.client = undefined;
    const { child } = this;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const exited = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await exited;
    }
    this.child = undefined;
    if (this.folder !== undefined) rmSync(this.folder, { recursive: true, force: true });
    this.folder = undefined;
  }
}
