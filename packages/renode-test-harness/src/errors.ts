import { printable } from "./printable.js";

/** Why a run failed. Literal, so that a test or a reporter can tell an absent emulator from a broken firmware. */
export type RenodeErrorCode =
  | "not-found"
  | "version-mismatch"
  | "start-failed"
  | "process-exited"
  | "output-flood"
  | "wall-timeout"
  | "virtual-timeout"
  | "cpu-abort"
  | "unexpected-stop"
  | "command-failed"
  | "rpc-fault"
  | "bad-reply"
  | "stale-board"
  | "busy"
  | "no-symbol"
  | "bad-elf";

/** What is known of the emulator process; a failure carries the same fields as a good run. */
export interface RunFacts {
  /** Command line of the process, executable first. */
  readonly command: readonly string[];
  /** Exit code; null while it runs or when a signal ended it. Renode exits 0 on most errors: never a verdict. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Wall-clock life of the process so far, in milliseconds. */
  readonly durationMs: number;
  /** Commands sent, replies and process output in order, capped at `transcriptBytes`. */
  readonly transcript: string;
}

/** Before there is a process. */
export const NO_RUN: RunFacts = { command: [], exitCode: null, signal: null, durationMs: 0, transcript: "" };

const TAIL_LINES = 40;

/**
 * Every failure of this package. The first line of `message` is the reason; the end of the transcript follows, with
 * control characters escaped, so that the text survives a JUnit file. `transcript` holds everything kept.
 */
export class RenodeError extends Error implements RunFacts {
  override readonly name = "RenodeError";
  readonly code: RenodeErrorCode;
  readonly command: readonly string[];
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly durationMs: number;
  readonly transcript: string;

  constructor(code: RenodeErrorCode, reason: string, facts: RunFacts = NO_RUN, options?: ErrorOptions) {
    super(withTail(reason, facts), options);
    this.code = code;
    this.command = facts.command;
    this.exitCode = facts.exitCode;
    this.signal = facts.signal;
    this.durationMs = facts.durationMs;
    this.transcript = facts.transcript;
  }
}

function withTail(reason: string, facts: RunFacts): string {
  if (facts.transcript === "") return printable(reason);
  const lines = facts.transcript.trimEnd().split("\n");
  const dropped = Math.max(0, lines.length - TAIL_LINES);
  const head = dropped > 0 ? [`... ${dropped} lines before`] : [];
  const state = facts.signal ?? (facts.exitCode === null ? "running" : `exit code ${facts.exitCode}`);
  const title = `--- transcript (${state}, ${Math.round(facts.durationMs)} ms): ${facts.command.join(" ")}`;
  return printable([reason, title, ...head, ...lines.slice(dropped)].join("\n"));
}
