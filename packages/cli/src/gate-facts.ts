import { type GateModel, INPUT_KIND, OUTPUT_TRANSFORM } from "@gatelet/converter/format";
import type { InputScaling } from "./conversion/input-scaling.js";
import type { OutputTransform } from "./evaluation/predictor.js";

/** What commands need to know of a `.gate` file to feed it and to read its answers. */
export interface GateFacts {
  readonly name: string;
  readonly frameSize: number;
  readonly outputSize: number;
  /** Frames in a window; null: a stream model. */
  readonly window: number | null;
  readonly tokens: boolean;
  readonly maxOutputRows: number;
  readonly transform: OutputTransform;
  readonly outputScale: number;
  readonly classes: readonly string[];
  readonly features: readonly string[];
  readonly outputs: readonly string[];
  readonly scaling: InputScaling;
  readonly inputScale: readonly number[];
  readonly normalization?: { readonly mean: readonly number[]; readonly std: readonly number[] };
  /** What frames of the calibration data were, and so what frames without a unit are taken for. */
  readonly frames: "counts" | "physical" | "auto";
  /** Physical value = output * std + mean. */
  readonly target: { readonly mean: number; readonly std: number };
  readonly frameRate?: number;
}

/** Reads the facts from header and META; what META leaves out gets neutral values. */
export function gateFacts({ header, meta }: GateModel): GateFacts {
  const { frameSize, outputSize } = header;
  const fits = (list: readonly number[] | undefined) => list !== undefined && list.length === frameSize;
  const scale = fits(meta.inputScale) ? meta.inputScale! : new Array<number>(frameSize).fill(1);
  const offset = fits(meta.inputOffset) ? meta.inputOffset! : new Array<number>(frameSize).fill(0);
  const { normalization } = meta;
  const known = normalization !== undefined && fits(normalization.mean) && fits(normalization.std);
  return {
    name: meta.name ?? "unnamed",
    frameSize,
    outputSize,
    window: header.window === 0 ? null : header.window,
    tokens: header.inputKind === INPUT_KIND.TOKENS,
    maxOutputRows: header.maxOutputRows,
    transform: transformName(header.outputTransform),
    outputScale: header.outputScale,
    classes: meta.classes ?? [],
    features: meta.features ?? [],
    outputs: meta.outputs ?? [],
    scaling: { scale, offset },
    inputScale: scale,
    ...(known ? { normalization } : {}),
    frames: meta["frames"] === "counts" || meta["frames"] === "physical" ? meta["frames"] : "auto",
    target: targetOf(meta["target"]),
    ...(meta.frameRate === undefined ? {} : { frameRate: meta.frameRate }),
  };
}

/** Name of the header's output transform. */
export function transformName(id: number): OutputTransform {
  if (id === OUTPUT_TRANSFORM.SOFTMAX) return "softmax";
  return id === OUTPUT_TRANSFORM.SIGMOID ? "sigmoid" : "none";
}

function targetOf(value: unknown): GateFacts["target"] {
  const { mean, std } = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  const known = typeof mean === "number" && typeof std === "number" && Number.isFinite(mean) && Number.isFinite(std);
  return known ? { mean, std } : { mean: 0, std: 1 };
}
