export type OutputTransform = "none" | "softmax" | "sigmoid";

/** What META says, as far as the runtime uses it; unknown keys are kept. */
export interface ModelMetaData {
  readonly name?: string;
  readonly classes?: readonly string[];
  readonly features?: readonly string[];
  readonly outputs?: readonly string[];
  readonly units?: readonly string[];
  readonly inputScale?: readonly number[];
  readonly inputOffset?: readonly number[];
  readonly [key: string]: unknown;
}

/** What a model is, from its header and META. */
export interface ModelDescription {
  readonly modelCrc: number;
  readonly arenaBytes: number;
  /** Of the arena: what survives between steps. */
  readonly stateBytes: number;
  readonly savedStateBytes: number;
  /** Frames in a window; 0: stream model. */
  readonly window: number;
  /** Values in a frame. */
  readonly frameSize: number;
  readonly inputKind: "frames" | "tokens";
  readonly vocabularySize: number;
  readonly outputSize: number;
  readonly outputType: "int16" | "int32";
  readonly outputTransform: OutputTransform;
  /** Most rows that one step yields. */
  readonly maxOutputRows: number;
  /** Rows of a whole window; 0 in stream models. */
  readonly windowRows: number;
  /** Real value of one unit of output. */
  readonly outputScale: number;
  readonly meta: ModelMetaData;
}

/** Bytes that the kernels' `describe` writes; its layout: assembly/index.ts. */
export const DESCRIPTION_BYTES = 64;

const isNumbers = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((item) => typeof item === "number" && Number.isFinite(item));
const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === "string");

/** META is a courtesy: what cannot be understood is dropped. */
function readMeta(bytes: Uint8Array, frameSize: number): ModelMetaData {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return {};
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return {};
  const meta: Record<string, unknown> = { ...parsed };
  for (const key of ["classes", "features", "outputs", "units"]) if (!isStrings(meta[key])) delete meta[key];
  const scale = meta["inputScale"];
  if (!isNumbers(scale) || scale.length !== frameSize || scale.includes(0)) delete meta["inputScale"];
  const offset = meta["inputOffset"];
  if (!isNumbers(offset) || offset.length !== frameSize) delete meta["inputOffset"];
  if (typeof meta["name"] !== "string") delete meta["name"];
  return meta;
}

/** Reads what the kernels' `describe` wrote at `at`; the file begins at `model`. */
export function readDescription(memory: ArrayBuffer, at: number, model: number): ModelDescription {
  const view = new DataView(memory, at, DESCRIPTION_BYTES);
  const u32 = (offset: number) => view.getUint32(offset, true);
  const transforms: readonly OutputTransform[] = ["none", "softmax", "sigmoid"];
  const frameSize = view.getUint16(20, true);
  const [metaOffset, metaBytes] = [u32(56), u32(60)];
  return {
    modelCrc: u32(44),
    arenaBytes: u32(0),
    stateBytes: u32(4),
    savedStateBytes: u32(48),
    window: u32(16),
    frameSize,
    inputKind: view.getUint8(12) === 0 ? "frames" : "tokens",
    vocabularySize: u32(28),
    outputSize: view.getUint16(22, true),
    outputType: view.getUint8(13) === 0 ? "int16" : "int32",
    outputTransform: transforms[view.getUint8(14)] ?? "none",
    maxOutputRows: u32(24),
    windowRows: u32(52),
    outputScale: view.getFloat64(36, true),
    meta: metaBytes === 0 ? {} : readMeta(new Uint8Array(memory, model + metaOffset, metaBytes), frameSize),
  };
}
