/** Literal codes of {@link TrainError}. */
export type TrainErrorCode =
  | "BACKEND_MISSING"
  | "BACKEND_UNKNOWN"
  | "TOPOLOGY_INVALID"
  | "MODEL_META"
  | "MODELS_DIFFER"
  | "TRAIN_DATA"
  | "TRAIN_DIVERGED"
  | "TRAIN_OPTION"
  | "RUN_MISMATCH"
  | "RUN_UNREADABLE"
  | "SPLIT_LEAK"
  | "PRUNE_UNSUPPORTED"
  | "TARGET_UNREACHED";

/** Training that cannot begin or go on. The message is lower-case and names the thing, the value and the limit. */
export class TrainError extends Error {
  override readonly name = "TrainError";
  readonly code: TrainErrorCode;

  constructor(code: TrainErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}
