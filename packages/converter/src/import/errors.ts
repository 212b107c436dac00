/** What an importer can refuse, as a literal to branch on. */
export type ImportErrorCode =
  | "FILE_MISSING"
  | "FILE_UNREADABLE"
  | "SHARD_MISSING"
  | "SHARD_TRUNCATED"
  | "TOPOLOGY_INVALID"
  | "WEIGHT_MISSING"
  | "WEIGHT_AMBIGUOUS"
  | "WEIGHT_SHAPE"
  | "WEIGHT_NOT_FINITE"
  | "WEIGHT_DTYPE"
  | "LAYER_UNKNOWN"
  | "LAYER_UNSUPPORTED"
  | "OPTION_UNSUPPORTED"
  | "SHAPE_UNSUPPORTED"
  | "WINDOW_NEEDED";

/** Where in a model an {@link ImportError} arose. */
export interface ImportErrorPlace {
  readonly layer?: string;
  readonly layerClass?: string;
  readonly cause?: unknown;
}

/**
 * A model that cannot be read, or that holds something Gatelet does not run.
 * The message names the layer, its class, the value found and what to do instead.
 */
export class ImportError extends Error {
  override readonly name = "ImportError";
  readonly code: ImportErrorCode;
  readonly layer: string | undefined;
  readonly layerClass: string | undefined;

  constructor(code: ImportErrorCode, message: string, place: ImportErrorPlace = {}) {
    super(message, place.cause === undefined ? undefined : { cause: place.cause });
    this.code = code;
    this.layer = place.layer;
    this.layerClass = place.layerClass;
  }
}
