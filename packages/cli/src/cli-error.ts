/** What a command can fail with, as a literal to branch on. */
export type CliErrorCode =
  | "USAGE"
  | "OUTPUT_UNWRITABLE"
  | "FILE_UNREADABLE"
  | "MODEL_MISMATCH"
  | "FRAME_WIDTH"
  | "FRAME_VALUE"
  | "LINE_TOO_LONG"
  | "BOARD_UNKNOWN"
  | "BUDGET";

/** A failure that a user can mend. The message is lower-case and names the thing, the value and the limit. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly code: CliErrorCode;

  constructor(code: CliErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}

/** Exit codes of the command. */
export const EXIT = { OK: 0, FAILED: 1, USAGE: 2, BUDGET: 3, INTERRUPTED: 130 } as const;

/** Exit code that belongs to an error. */
export function exitCodeOf(error: unknown): number {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "USAGE" || code === "BOARD_UNKNOWN") return EXIT.USAGE;
  return code === "BUDGET" ? EXIT.BUDGET : EXIT.FAILED;
}
