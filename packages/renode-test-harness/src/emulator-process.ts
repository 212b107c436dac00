import { type ChildProcessByStdio, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { RenodeError, type RenodeErrorCode, type RunFacts } from "./errors.js";
import { killGroup } from "./find-renode.js";
import { Transcript } from "./transcript.js";

export interface ProcessOptions {
  readonly executable: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly transcriptBytes: number;
  /** Output of the process beyond this kills it: a runaway firmware can log without end. */
  readonly maxOutputBytes: number;
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** Every group still alive, killed when Node ends in whatever orderly way. */
const running = new Set<EmulatorProcess>();
process.on("exit", () => {
  for (const emulator of running) emulator.killNow();
});

/**
 * One emulator process in a process group of its own, with a home, configuration and temporary folder of its own.
 * Its standard input is a pipe that only this process holds: if Node dies without a word, the pipe closes and Renode,
 * started with `--console`, ends by itself.
 */
export class EmulatorProcess {
  /** Private scratch folder, removed when the process has ended. */
  readonly folder: string;
  readonly pid: number | undefined;
  readonly #child: Child;
  readonly #command: readonly string[];
  readonly #transcript: Transcript;
  readonly #started = performance.now();
  readonly #closed: Promise<void>;
  #ended: number | undefined;
  #exitCode: number | null = null;
  #signal: NodeJS.Signals | null = null;
  #failure: { code: RenodeErrorCode; reason: string; cause?: Error } | undefined;
  #lineRest = "";
  #outputBytes = 0;

  /** The last "CPU abort" in the log; the core does not run on after one, and `RunFor` never returns. */
  cpuAbort: string | undefined;
  /** The last line in which the monitor complains that its port is taken. */
  portTaken = false;

  constructor(readonly options: ProcessOptions) {
    this.folder = mkdtempSync(join(tmpdir(), "renode-test-"));
    const home = join(this.folder, "home");
    for (const name of ["home", "tmp"]) mkdirSync(join(this.folder, name));
    this.#command = [options.executable, ...options.args];
    this.#transcript = new Transcript(options.transcriptBytes);
    this.#child = spawn(options.executable, options.args, {
      cwd: this.folder,
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
      env: {
        ...options.env,
        HOME: home,
        XDG_CONFIG_HOME: join(home, ".config"),
        XDG_CACHE_HOME: join(home, ".cache"),
        TMPDIR: join(this.folder, "tmp"),
        RENODE_CI_MODE: "YES",
      },
    });
    this.pid = this.#child.pid;
    running.add(this);
    this.#child.stdin.on("error", () => {});
    this.#child.stdout.on("data", (chunk: Buffer) => this.#output(chunk));
    this.#child.stderr.on("data", (chunk: Buffer) => this.#output(chunk));
    this.#closed = new Promise((resolve) => {
      this.#child.on("error", (cause) => {
        this.#failure ??= { code: "start-failed", reason: `cannot run ${options.executable}: ${cause.message}`, cause };
        this.#finish(null, null);
        resolve();
      });
      this.#child.on("close", (exitCode, signal) => {
        this.#finish(exitCode, signal);
        resolve();
      });
    });
  }

  get alive(): boolean {
    return this.#ended === undefined && this.#failure === undefined;
  }

  facts(): RunFacts {
    return {
      command: this.#command,
      exitCode: this.#exitCode,
      signal: this.#signal,
      durationMs: (this.#ended ?? performance.now()) - this.#started,
      transcript: this.#transcript.toString(),
    };
  }

  note(text: string): void {
    this.#transcript.append(`${text}\n`);
  }

  /** Starts a new count towards `maxOutputBytes`. */
  forgetOutput(): void {
    this.#outputBytes = 0;
    this.cpuAbort = undefined;
  }

  /** Ports that this process, and no other, has written down as its robot server's. */
  robotPorts(): number[] {
    const tmp = join(this.folder, "tmp");
    const ports: number[] = [];
    for (const name of readdirSync(tmp).filter((entry) => entry.startsWith("renode-"))) {
      try {
        ports.push(Number(readFileSync(join(tmp, name, "robot_port"), "utf8").trim()));
      } catch {
        // Not written yet.
      }
    }
    return ports;
  }

  /** The error for an operation on a process that is gone, or that this failure ends. */
  error(code: RenodeErrorCode, reason: string, options?: ErrorOptions): RenodeError {
    return new RenodeError(code, reason, this.facts(), options);
  }

  /** The error that explains why the process is no longer alive. */
  endedError(during: string): RenodeError {
    const failure = this.#failure;
    if (failure !== undefined) return this.error(failure.code, failure.reason, { cause: failure.cause });
    const how = this.#signal ?? `exit code ${this.#exitCode}`;
    return this.error("process-exited", `renode ended (${how}) during ${during}`);
  }

  /** Kills the whole group at once and remembers why. */
  kill(code: RenodeErrorCode, reason: string): void {
    this.#failure ??= { code, reason };
    killGroup(this.pid);
  }

  /** For the end of Node itself, when no event comes any more. */
  killNow(): void {
    killGroup(this.pid);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Closes the input, waits for the end, kills the group after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    if (this.#ended === undefined) this.#child.stdin.end();
    const timer = setTimeout(() => killGroup(this.pid), graceMs);
    await this.#closed;
    clearTimeout(timer);
  }

  /** Resolves when the process has ended and its output is read. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  #finish(exitCode: number | null, signal: NodeJS.Signals | null): void {
    if (this.#ended !== undefined) return;
    this.#ended = performance.now();
    this.#exitCode = exitCode;
    this.#signal = signal;
    killGroup(this.pid); // Children that outlived their leader.
    running.delete(this);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 2 });
  }

  #output(chunk: Buffer): void {
    this.#outputBytes += chunk.length;
    if (this.#outputBytes > this.options.maxOutputBytes) {
      if (this.#failure === undefined) {
        const limit = this.options.maxOutputBytes;
        this.kill("output-flood", `renode printed more than ${limit} bytes in one run (maxOutputBytes)`);
      }
      return;
    }
    const text = chunk.toString("utf8");
    this.#transcript.append(text);
    const lines = (this.#lineRest + text).split("\n");
    this.#lineRest = (lines.pop() ?? "").slice(-4096);
    for (const line of lines) {
      if (line.includes("CPU abort")) this.cpuAbort = line.trim();
      if (line.includes("Could not start the HTTP server")) this.portTaken = true;
    }
  }
}
