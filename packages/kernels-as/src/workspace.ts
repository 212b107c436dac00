import type { ModelDescription } from "./description.js";
import type { EngineInstance, KernelExports } from "./engine.js";
import { statusError } from "./errors.js";
import { GUARD_BYTES, GUARD_WORD, type MemoryLayout } from "./layout.js";

/** A loaded model in the engine's memory: the buffer through which frames, rows and states pass. */
export class Workspace {
  readonly kernels: KernelExports;
  readonly memory: WebAssembly.Memory;
  private readonly int16: Int16Array;
  private readonly int32: Int32Array;
  private readonly bytes: Uint8Array;
  private readonly out: number;
  private readonly outBytes: number;
  /** maxRows of the last count asked for. */
  private lastCount = -1;
  private lastRows = 0;

  /** @param chunk frames that the buffer holds */
  constructor(
    engine: EngineInstance,
    readonly layout: MemoryLayout,
    readonly description: ModelDescription,
    private readonly chunk: number,
  ) {
    this.kernels = engine.kernels;
    this.memory = engine.memory;
    this.int16 = new Int16Array(this.memory.buffer);
    this.int32 = new Int32Array(this.memory.buffer);
    this.bytes = new Uint8Array(this.memory.buffer);
    this.out = layout.buffer + Math.ceil((2 * description.frameSize * chunk) / 16) * 16;
    this.outBytes = layout.buffer + layout.bufferBytes - this.out;
    for (const guard of layout.guards) this.int32.fill(GUARD_WORD, guard / 4, (guard + GUARD_BYTES) / 4);
  }

  /** The most rows that `count` frames can yield, wherever in its window a stream is. */
  maxRows(count: number): number {
    if (count !== this.lastCount) {
      const rows = this.kernels.maxRows(this.layout.model, count) >>> 0;
      this.lastCount = count;
      this.lastRows = rows;
    }
    return this.lastRows;
  }

  /** Frames through a stream, in pieces that fit the buffer; `out` is large enough. Returns rows. */
  run(arena: number, frames: Int16Array, count: number, out: Int32Array): number {
    const { frameSize, outputSize } = this.description;
    let rows = 0;
    for (let done = 0; done < count; done += this.chunk) {
      const n = Math.min(this.chunk, count - done);
      const whole = n === count;
      this.int16.set(
        whole ? frames : frames.subarray(done * frameSize, (done + n) * frameSize),
        this.layout.buffer / 2,
      );
      const added = this.kernels.run(this.layout.model, arena, this.layout.buffer, n, this.out, this.outBytes);
      if (added < 0) throw statusError(added, `frames ${done}..${done + n - 1}`);
      this.copyRows(out, rows * outputSize, added * outputSize);
      rows += added;
    }
    return rows;
  }

  private copyRows(out: Int32Array, at: number, length: number): void {
    if (this.description.outputType === "int32") {
      const from = this.out / 4;
      for (let i = 0; i < length; i++) out[at + i] = this.int32[from + i]!;
    } else {
      const from = this.out / 2;
      for (let i = 0; i < length; i++) out[at + i] = this.int16[from + i]!;
    }
  }

  saveState(arena: number): Uint8Array {
    const { layout, kernels } = this;
    const bytes = kernels.saveState(layout.model, arena, layout.buffer, layout.bufferBytes);
    if (bytes < 0) throw statusError(bytes, "save state");
    return this.bytes.slice(layout.buffer, layout.buffer + bytes);
  }

  restoreState(arena: number, blob: Uint8Array): void {
    const { layout, kernels } = this;
    // a blob of another length is refused by the kernels too; only its beginning would fit
    this.bytes.set(blob.subarray(0, layout.bufferBytes), layout.buffer);
    const status = kernels.restoreState(layout.model, arena, layout.buffer, blob.length);
    if (status < 0) throw statusError(status, "restore state");
  }

  /** Whether the guards between the regions are as they were set. */
  guardsIntact(): boolean {
    return this.layout.guards.every((guard) => {
      for (let at = guard; at < guard + GUARD_BYTES; at += 4) if (this.int32[at / 4] !== (GUARD_WORD | 0)) return false;
      return true;
    });
  }
}
