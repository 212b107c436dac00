import { existsSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Board, PREPARE_BOARD } from "./board.js";
import { type ElfSymbol, readElfSymbols } from "./elf-symbols.js";
import { RenodeError, type RunFacts } from "./errors.js";
import { findRenode, matchesVersion, type RenodeVersion, readRenodeVersion } from "./find-renode.js";
import { keywordArguments, monitorHex, monitorPath, monitorSeconds } from "./monitor-text.js";
import { RobotServer, type RobotServerOptions } from "./robot-server.js";
import { UartCapture } from "./uart-capture.js";

export interface RenodeOptions {
  /** Executable. Default: `RENODE`, then `renode` on `PATH`. */
  readonly executable?: string;
  /** Version that must be there, as "1.16" or "1.16.1": counts can change from one to the next. */
  readonly version?: string;
  /** TCP port of the robot server. Renode binds it on all interfaces. Default: a free one. */
  readonly port?: number;
  /** Default 60,000. */
  readonly startTimeoutMs?: number;
  /** Limit of any single call or run, default 30,000. */
  readonly wallTimeoutMs?: number;
  /** Output of one run that counts as a flood and kills the process, default 16 MiB. */
  readonly maxOutputBytes?: number;
  /** What is kept of commands and output for error messages, default 128 KiB. */
  readonly transcriptBytes?: number;
  /** Further command line arguments. */
  readonly extraArgs?: readonly string[];
  /** Environment of the process; HOME, XDG_*, TMPDIR and RENODE_CI_MODE are replaced. Default: this one's. */
  readonly env?: NodeJS.ProcessEnv;
}

export interface Blob {
  /** A file, or the bytes. */
  readonly data: string | Uint8Array;
  readonly address: number;
}

export interface BoardOptions {
  /** Platform description (.repl). Default: `nrf52840-bench.repl` of this package, unless there is a script. */
  readonly platform?: string;
  /** Monitor script (.resc) that creates the machine; it must not start it. */
  readonly script?: string;
  /** `$name` variables set before the script: text, a number, or a file as `{ file }`. */
  readonly variables?: { readonly [name: string]: string | number | { readonly file: string } };
  /** Firmware, loaded first. Symbols of all files are known to the board. */
  readonly elf?: string | readonly string[];
  /** Loaded after the firmware, in order. */
  readonly blobs?: readonly Blob[];
  /** Monitor commands between creating the machine and loading the firmware. */
  readonly prepare?: readonly string[];
  /** UARTs to capture, default sysbus.uart0. */
  readonly uarts?: readonly string[];
  /** Core that is counted and hooked, default sysbus.cpu. */
  readonly cpu?: string;
  /** Granularity of virtual time, default 0.001: ten times faster than Renode's own and still exact with one core. */
  readonly quantumSeconds?: number;
  /** Instructions in a translation block, default 1: a cycle counter that firmware reads is then exact. */
  readonly maximumBlockSize?: number;
  /** Seed of the emulator's random numbers, default 1. */
  readonly seed?: number;
  /** Default limit of a run in virtual time, default 10. */
  readonly virtualTimeoutSeconds?: number;
  readonly wallTimeoutMs?: number;
}

/** Absolute path of a file shipped in this package's `platforms` folder. */
export function platformFile(name: string): string {
  const file = fileURLToPath(new URL(`../platforms/${name}`, import.meta.url));
  if (!existsSync(file)) throw new RangeError(`no platform file ${name} in this package`);
  return file;
}

/**
 * Starts Renode, headless, with its robot server.
 * @throws RenodeError "not-found", "version-mismatch", "start-failed", "wall-timeout"
 */
export async function startRenode(options: RenodeOptions = {}): Promise<Renode> {
  const env = options.env ?? process.env;
  const executable = options.executable ?? findRenode(env);
  if (executable === undefined) {
    throw new RenodeError("not-found", "no renode: install it and put it on PATH, or set RENODE to its executable");
  }
  const version = await readRenodeVersion(executable, env);
  if (options.version !== undefined && !matchesVersion(version.number, options.version)) {
    throw new RenodeError("version-mismatch", `renode is ${version.number}, ${options.version} is asked for`);
  }
  const serverOptions: RobotServerOptions = {
    executable,
    env,
    extraArgs: options.extraArgs ?? [],
    port: options.port ?? 0,
    startTimeoutMs: options.startTimeoutMs ?? 60_000,
    wallTimeoutMs: options.wallTimeoutMs ?? 30_000,
    maxOutputBytes: options.maxOutputBytes ?? 16 * 1024 * 1024,
    transcriptBytes: options.transcriptBytes ?? 128 * 1024,
  };
  return new Renode(version, serverOptions, await RobotServer.start(serverOptions));
}

/** A Renode that serves one board after another. Booting is cheap (0.2 s) beside starting the process (2 s). */
export class Renode {
  #server: RobotServer;
  #board: Board | undefined;
  #boots = 0;
  #stopped = false;

  constructor(
    readonly version: RenodeVersion,
    readonly options: RobotServerOptions,
    server: RobotServer,
  ) {
    this.#server = server;
  }

  /** Process id of the group's leader; changes when a killed process was replaced. */
  get pid(): number | undefined {
    return this.#server.process.pid;
  }

  get port(): number {
    return this.#server.port;
  }

  get alive(): boolean {
    return !this.#stopped && this.#server.process.alive;
  }

  /** Command, exit code, signal, duration and transcript of the process as it stands. */
  facts(): RunFacts {
    return this.#server.process.facts();
  }

  /**
   * Clears the emulator and brings up a machine, paused before its first instruction. Earlier boards are stale from
   * then on. A process that an earlier failure has killed is replaced.
   */
  async boot(options: BoardOptions = {}): Promise<Board> {
    if (this.#stopped) throw this.#server.process.error("process-exited", "boot: this renode was stopped");
    this.#board = undefined;
    const symbols = new Map<string, ElfSymbol>();
    const elfs = typeof options.elf === "string" ? [options.elf] : (options.elf ?? []);
    for (const elf of elfs) for (const [name, symbol] of readElfSymbols(elf)) symbols.set(name, symbol);
    if (!this.#server.process.alive) this.#server = await RobotServer.start(this.options);
    const server = this.#server;
    await server.keyword("ResetEmulation", []);
    await server.python(PREPARE_BOARD);
    await createMachine(server, options);
    for (const command of options.prepare ?? []) await server.command(command);
    for (const elf of elfs) await server.command(`sysbus LoadELF ${monitorPath(resolve(elf))}`);
    await this.#loadBlobs(options.blobs ?? []);
    const cpu = options.cpu ?? "sysbus.cpu";
    await setTiming(server, cpu, options);
    const board: Board = new Board(server, {
      cpu,
      uarts: await this.#captureUarts(options.uarts ?? ["sysbus.uart0"]),
      symbols,
      virtualTimeoutSeconds: options.virtualTimeoutSeconds ?? 10,
      wallTimeoutMs: options.wallTimeoutMs ?? this.options.wallTimeoutMs,
      isCurrent: () => this.#board === board,
    });
    this.#board = board;
    return board;
  }

  /** A monitor command outside of any board. */
  async command(command: string): Promise<string> {
    return this.#server.command(command);
  }

  /** Ends the process; kills its group if it is not gone after `graceMs`. */
  async stop(graceMs = 3000): Promise<void> {
    this.#stopped = true;
    this.#board = undefined;
    await this.#server.stop(graceMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #loadBlobs(blobs: readonly Blob[]): Promise<void> {
    for (const [index, { data, address }] of blobs.entries()) {
      let file = typeof data === "string" ? resolve(data) : "";
      if (typeof data !== "string") {
        file = join(this.#server.process.folder, `blob-${this.#boots}-${index}.bin`);
        writeFileSync(file, data);
      } else if (!existsSync(file)) {
        throw new RangeError(`blob ${file} does not exist`);
      }
      await this.#server.command(`sysbus LoadBinary ${monitorPath(file)} ${monitorHex(address)}`);
    }
  }

  /** A file of its own for every UART of every boot: Renode would rename an older one under our eyes. */
  async #captureUarts(names: readonly string[]): Promise<UartCapture[]> {
    const boot = this.#boots++;
    const captures: UartCapture[] = [];
    for (const [index, name] of names.entries()) {
      const file = join(this.#server.process.folder, `uart-${boot}-${index}.bin`);
      await this.#server.command(`${name} CreateFileBackend ${monitorPath(file)} true`);
      captures.push(new UartCapture(name, file));
    }
    return captures;
  }
}

async function createMachine(server: RobotServer, options: BoardOptions): Promise<void> {
  if (options.script === undefined) {
    const platform = resolve(options.platform ?? platformFile("nrf52840-bench.repl"));
    await server.command('mach create "board"');
    await server.command(`machine LoadPlatformDescription ${monitorPath(platform)}`);
    return;
  }
  if (options.platform !== undefined) throw new TypeError("boot: give a platform or a script, not both");
  for (const [name, value] of Object.entries(options.variables ?? {})) {
    if (!/^\w+$/.test(name)) throw new RangeError(`script variable $${name}: only letters, digits and _ are allowed`);
    await server.command(`$${name}=${variableText(value)}`);
  }
  await server.keyword("ExecuteScript", keywordArguments([["path", resolve(options.script)]]));
}

function variableText(value: string | number | { readonly file: string }): string {
  if (typeof value === "number") return `${value}`;
  if (typeof value === "object") return monitorPath(resolve(value.file));
  return `"${value.replaceAll('"', '\\"')}"`;
}

async function setTiming(server: RobotServer, cpu: string, options: BoardOptions): Promise<void> {
  const blockSize = options.maximumBlockSize ?? 1;
  if (!Number.isInteger(blockSize) || blockSize < 1)
    throw new RangeError(`maximumBlockSize is ${blockSize}, must be >= 1`);
  await server.command("emulation SetGlobalAdvanceImmediately true");
  await server.command(`emulation SetGlobalQuantum "${monitorSeconds(options.quantumSeconds ?? 0.001)}"`);
  await server.command(`emulation SetSeed ${options.seed ?? 1}`);
  await server.command(`${cpu} MaximumBlockSize ${blockSize}`);
}
