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
  private constructor(
    readonly built: BuiltWasm,
    readonly exports: LinkedExports,
  ) {}

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
}
