import { type FaultRecord, formatFault } from "../board/fault.js";
import type { RunResult } from "../board.js";

/** The firmware stopped where it should not: a fault of the emulated processor, or a limit. */
export class RunnerError extends Error {
  readonly code = "runner-failed";
  constructor(
    message: string,
    readonly result: RunResult,
    readonly fault: FaultRecord | undefined,
  ) {
    super(message);
  }
}

/** The error for a run that ended with `result`. */
export function failure(result: RunResult): RunnerError {
  const { fault } = result;
  const text = fault === undefined ? `firmware stopped: ${result.reason}` : formatFault(fault);
  return new RunnerError(text, result, fault);
}
