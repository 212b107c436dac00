import type { KernelName, RecordField } from "./schema.js";

/** Fields that the encoder computes itself: arena addresses, sizes and tensor offsets. */
type PlannedField =
  | "kernel"
  | "output"
  | "state"
  | "stateBytes"
  | "scratch"
  | "scratchBytes"
  | "weights"
  | "rowParams"
  | "table"
  | "gateTable"
  | "aux"
  | "reserved91";

/** One layer record before encoding: integer fields by name (absent: 0; inputs: NO_INPUT) and its tensors as they lie in the file. */
export interface RecordSpec {
  readonly kernel: KernelName;
  readonly fields: Readonly<Partial<Record<Exclude<RecordField, PlannedField>, number>>>;
  /** Packed quads, embedding or depthwise rows (FORMAT.md 5, 6). */
  readonly weights?: Uint8Array;
  /** Per quad: bias x 4, multiplier x 4. */
  readonly rowParams?: Int32Array;
  /** 257 entries. */
  readonly table?: Int16Array;
  readonly gateTable?: Int16Array;
  readonly aux?: Uint8Array;
}

/** META section (FORMAT.md 7); everything optional for readers. */
export interface ModelMeta {
  name?: string;
  classes?: readonly string[];
  features?: readonly string[];
  /** Name of the regression target or of the outputs where they are not classes. */
  outputs?: readonly string[];
  units?: readonly string[];
  /** Physical value of a raw count, per feature. */
  inputScale?: readonly number[];
  /** Physical value at raw count 0, per feature; absent: all 0. */
  inputOffset?: readonly number[];
  normalization?: { readonly mean: readonly number[]; readonly std: readonly number[] };
  /** Frames a second, for duty figures. */
  frameRate?: number;
  layers?: readonly LayerMeta[];
  provenance?: string;
  float?: Readonly<Record<string, number>>;
  [key: string]: unknown;
}

/** What a table can say about one layer: `record` is its index, `scale` the real value of one LSB of its output. */
export interface LayerMeta {
  readonly name: string;
  readonly class: string;
  readonly record: number;
  readonly scale?: number;
  readonly sqnrDb?: number;
  readonly [key: string]: unknown;
}

export interface ModelSpec {
  readonly inputKind: "frames" | "tokens";
  readonly outputTransform: "none" | "softmax" | "sigmoid";
  /** Frames in a window; 0: stream model. */
  readonly window: number;
  readonly frameSize: number;
  readonly vocabularySize: number;
  readonly outputScale: number;
  /** In execution order; the last is the output. */
  readonly records: readonly RecordSpec[];
  readonly meta?: ModelMeta;
}
