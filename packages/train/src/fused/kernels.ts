import { TrainError } from "../training/errors.js";

/** Cells that have kernels; the exports are `<name>Forward` and `<name>Backward`. */
export type CellKind = "simpleRnn" | "lstm" | "gruBefore" | "gruAfter" | "minimalGru" | "fastGrnn";

/** Activations that have kernels, and their numbers there (assembly/activations.ts); `linear` is any other number. */
export const ACTIVATIONS = { tanh: 0, sigmoid: 1, hardSigmoid: 2, relu: 3, linear: 4 } as const;
export type ActivationName = keyof typeof ACTIVATIONS;

/** The record of a call: assembly/sequence.ts says what each field is; int32 each, in this order. */
const FIELDS = [
  "batch",
  "steps",
  "inputs",
  "units",
  "width",
  "activation",
  "gateActivation",
  "x",
  "kernel",
  "recurrent",
  "bias",
  "recurrentBias",
  "gates",
  "hidden",
  "cell",
  "extra",
  "panels",
  "scratch",
  "stateSlopes",
  "hiddenSlope",
  "cellSlope",
  "resetSlope",
  "kernelSlope",
  "recurrentSlope",
  "biasSlope",
  "recurrentBiasSlope",
  "xSlope",
] as const;
export type SequenceRecord = Readonly<Record<(typeof FIELDS)[number], number>>;
/** Address 0 is no place: what a cell lacks. */
export const EMPTY_RECORD = Object.fromEntries(FIELDS.map((field) => [field, 0])) as SequenceRecord;

type SequenceFunction = (record: number) => void;
type Exports = Record<`${CellKind}${"Forward" | "Backward"}`, SequenceFunction> & {
  readonly memory: WebAssembly.Memory;
  firstFree(): number;
  packedBytes(depth: number, columns: number): number;
  productScratchBytes(columns: number): number;
  multiply(...numbers: number[]): void;
  permute(from: number, to: number, outer: number, inner: number, width: number, toWidth: number): void;
};

const PAGE_BYTES = 65536;
/** A block that is free is taken for as little as this share of it. */
const LEAST_USE = 0.5;

export type MatrixSize = readonly [rows: number, columns: number];

export interface Block {
  readonly at: number;
  readonly bytes: number;
}

/** The compiled kernels and their memory, which grows as required and of which blocks are used again. */
export class SequenceKernels {
  readonly #exports: Exports;
  readonly #record: Block;
  readonly #free: Block[] = [];
  #end: number;
  #floats = new Float32Array(0);

  private constructor(exports: Exports) {
    this.#exports = exports;
    this.#end = Math.ceil(exports.firstFree() / 16) * 16;
    this.#record = this.allocate(4 * FIELDS.length);
  }

  /** A new instance with a memory of its own. Throws `BACKEND_MISSING` where the host has no 128-bit SIMD. */
  static async load(): Promise<SequenceKernels> {
    const { SEQUENCES_BASE64 } = await import("../wasm/sequences.gen.js");
    const bytes = Uint8Array.from(atob(SEQUENCES_BASE64), (char) => char.charCodeAt(0));
    if (!WebAssembly.validate(bytes)) {
      throw new TrainError("BACKEND_MISSING", "this host has no WebAssembly with 128-bit SIMD: use --recurrent tfjs");
    }
    const { instance } = await WebAssembly.instantiate(bytes);
    return new SequenceKernels(instance.exports as unknown as Exports);
  }

  /** The whole memory; only until the next {@link allocate}. */
  get floats(): Float32Array {
    const { buffer } = this.#exports.memory;
    if (this.#floats.buffer !== buffer) this.#floats = new Float32Array(buffer);
    return this.#floats;
  }

  /** Bytes of memory, used or free. */
  get memoryBytes(): number {
    return this.#exports.memory.buffer.byteLength;
  }

  /** A block, 16-byte aligned, whose contents are undefined. Throws RangeError where memory cannot grow any more. */
  allocate(bytes: number): Block {
    const size = Math.ceil(bytes / 16) * 16;
    let best = -1;
    this.#free.forEach((block, i) => {
      if (block.bytes < size || size < LEAST_USE * block.bytes) return;
      if (best < 0 || block.bytes < this.#free[best].bytes) best = i;
    });
    if (best >= 0) return this.#free.splice(best, 1)[0];
    const missing = this.#end + size - this.memoryBytes;
    if (missing > 0) this.#exports.memory.grow(Math.ceil(missing / PAGE_BYTES));
    const block = { at: this.#end, bytes: size };
    this.#end += size;
    return block;
  }

  release(block: Block): void {
    this.#free.push(block);
  }

  packedBytes(depth: number, columns: number): number {
    return this.#exports.packedBytes(depth, columns);
  }

  productScratchBytes(columns: number): number {
    return this.#exports.productScratchBytes(columns);
  }

  /** [outer, inner, width] at `from` to [inner, outer, toWidth] at `to`: missing columns become zeros. */
  permute(from: number, to: number, outer: number, inner: number, width: number, toWidth: number): void {
    this.#exports.permute(from, to, outer, inner, width, toWidth);
  }

  /** Product of two matrices [rows, columns], either of them transposed first. */
  product(
    a: Float32Array,
    sizeA: MatrixSize,
    b: Float32Array,
    sizeB: MatrixSize,
    { transposeA = false, transposeB = false } = {},
  ): Float32Array<ArrayBuffer> {
    const [rows, depth] = transposeA ? [sizeA[1], sizeA[0]] : sizeA;
    const columns = transposeB ? sizeB[0] : sizeB[1];
    const room = (floats: number) => 16 * Math.ceil(floats / 4);
    const sizes = [room(a.length), room(b.length), room(rows * columns), this.productScratchBytes(columns)];
    const block = this.allocate(sizes.reduce((sum, size) => sum + size, 0));
    const [atA, atB, atC, scratch] = sizes.map((_, i) => sizes.slice(0, i).reduce((sum, size) => sum + size, block.at));
    this.floats.set(a, atA / 4);
    this.floats.set(b, atB / 4);
    const left = [atA, ...(transposeA ? [1, rows] : [depth, 1])];
    const right = [atB, ...(transposeB ? [1, depth] : [columns, 1])];
    this.#exports.multiply(rows, columns, depth, ...left, ...right, atC, columns, 0, scratch);
    const values = this.floats.slice(atC / 4, atC / 4 + rows * columns) as Float32Array<ArrayBuffer>;
    this.release(block);
    return values;
  }

  run(name: `${CellKind}${"Forward" | "Backward"}`, record: SequenceRecord): void {
    const values = FIELDS.map((field) => record[field]);
    new Int32Array(this.#exports.memory.buffer, this.#record.at, FIELDS.length).set(values);
    this.#exports[name](this.#record.at);
  }
}
