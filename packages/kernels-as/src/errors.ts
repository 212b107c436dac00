import { STATUS_TABLE, type StatusName } from "./statuses.gen.js";

/** Statuses of the kernels, and what only the runtime can find. */
export type KernelErrorCode =
  | Exclude<StatusName, "OK">
  | "OUT_OF_BUDGET"
  | "NO_FREE_STREAM"
  | "STREAM_FREED"
  | "NO_SIMD"
  | "BAD_ENGINE";

/** Every error of this package that is not a misuse of types (TypeError, RangeError). */
export class KernelError extends Error {
  override readonly name = "KernelError";
  constructor(
    readonly code: KernelErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** The error of a negative status; `what` is what was tried. */
export function statusError(status: number, what: string): KernelError {
  const entry = STATUS_TABLE[-status];
  if (entry === undefined || entry.name === "OK") {
    return new KernelError("BAD_ENGINE", `${what}: engine returned the unknown status ${status}`);
  }
  return new KernelError(entry.name, `${what}: ${entry.text}`);
}
