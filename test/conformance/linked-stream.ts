import { type BuiltWasm, buildWasm } from "../../packages/cli/src/targets/build-wasm.js";

interface LinkedExports {
  readonly memory: WebAssembly.Memory;
  readonly frames: WebAssembly.Global;
  readonly output: WebAssembly.Global;
  readonly state: WebAssembly.Global;
  init(): number;
  reset(): number;
  step(): number;
  run(count: number): number;
  saveState(): number;
  restoreState(bytes: number): number;
}

/** A self-contained module in Node, with the values of its buffers. */
export class LinkedStream {
  /** Memory right after instantiation. */
  private readonly fresh: Uint8Array;

  private constructor(
    readonly built: BuiltWasm,
    readonly exports: LinkedExports,
  ) {
    this.fresh = new Uint8Array(exports.memory.buffer).slice();
  }

  static async open(gate: Uint8Array, options: { readonly simd?: boolean; readonly frames?: number } = {}) {
    const built = await buildWasm(gate, options);
    const { instance } = await WebAssembly.instantiate(new Uint8Array(built.bytes));
    return new LinkedStream(built, instance.exports as unknown as LinkedExports);
  }

  /** Frames into the buffer and through the model; output rows one behind the other, or a negative status. */
  run(frames: ArrayLike<number>, count: number): number | number[] {
    const { memory, frames: at, output } = this.exports;
    new Int16Array(memory.buffer, at.value as number, frames.length).set(frames);
    const rows = count === 1 ? this.exports.step() : this.exports.run(count);
    if (rows < 0) return rows;
    const { outputSize, outputBytesEach } = this.built.facts;
    const values = outputBytesEach === 4 ? Int32Array : Int16Array;
    return Array.from(new values(memory.buffer, output.value as number, rows * outputSize));
  }

  saveState(): Uint8Array {
    const bytes = this.exports.saveState();
    return new Uint8Array(this.exports.memory.buffer, this.exports.state.value as number, bytes).slice();
  }

  restoreState(blob: Uint8Array): number {
    const room = this.built.layout.end - (this.exports.state.value as number);
    new Uint8Array(this.exports.memory.buffer, this.exports.state.value as number).set(blob.subarray(0, room));
    return this.exports.restoreState(blob.length);
  }

  /** Whether the model, the padding between buffers and all behind `__heap_base`, which WAMR cuts off, are as they were. */
  isWithinBudget(): boolean {
    const { layout, facts } = this.built;
    const memory = new Uint8Array(this.exports.memory.buffer);
    const same = (from: number, to: number) =>
      Buffer.compare(memory.subarray(from, to), this.fresh.subarray(from, to)) === 0;
    const rowsEnd = layout.output + layout.outputRows * facts.outputSize * facts.outputBytesEach;
    const framesEnd = layout.frame + 2 * facts.frameSize * layout.frames;
    // a chain's module leaves out the beginning of the file
    const skipped = this.built.shape === "chain" ? facts.recordsOffset & ~15 : 0;
    const grown = memory.length !== this.fresh.length;
    return (
      !grown &&
      same(layout.model + skipped, layout.frame) &&
      same(framesEnd, layout.output) &&
      same(rowsEnd, layout.saved) &&
      same(layout.end, memory.length)
    );
  }
}
