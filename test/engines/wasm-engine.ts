/// <reference lib="dom" />
import { type EngineKind, engineBytes, type KernelExports } from "@gatelet/kernels";
import type { Engine, EngineModel, EngineStream } from "../hostile/engine.js";

const PAGE = 65536;
const GUARD = 64;
const GUARD_BYTE = 0xa5;
/** Pages of the memory that small models share, one after the other. */
const SHARED_PAGES = 64;

const pad16 = (n: number): number => (n + 15) & ~15;

/** One instance of the kernels; the static data is remembered as it was before anything ran. */
class Machine {
  readonly kernels: KernelExports;
  readonly bytes: Uint8Array;
  readonly int16: Int16Array;
  readonly int32: Int32Array;
  readonly staticEnd: number;
  private readonly tables: Uint8Array;

  constructor(module: WebAssembly.Module, pages: number) {
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.kernels = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as KernelExports;
    this.bytes = new Uint8Array(memory.buffer);
    this.int16 = new Int16Array(memory.buffer);
    this.int32 = new Int32Array(memory.buffer);
    this.staticEnd = Number(this.kernels.__heap_base.value);
    this.tables = this.bytes.slice(0, this.staticEnd);
  }

  /** Tables are the bytes that are not zero at the start; temporaries begin as zeros. */
  tablesIntact(): boolean {
    return this.tables.every((byte, at) => byte === 0 || this.bytes[at] === byte);
  }
}

/**
 * Memory of one open model. Every region lies between guards, the output buffer is exactly as large as the kernels ask for.
 * ```
 * | static | guard | model | guard | frames | guard | out | guard | blob | guard | arena | guard | arena ...
 * ```
 */
class WasmModel implements EngineModel {
  readonly model: number;
  readonly frames: number;
  readonly out: number;
  readonly blob: number;
  readonly outBytes: number;
  readonly words: Int32Array;
  private readonly guards: number[] = [];
  private top: number;

  constructor(
    readonly machine: Machine,
    private readonly file: Uint8Array,
    readonly frameRoom: number,
    private readonly release: () => void,
  ) {
    const { kernels } = machine;
    this.top = machine.staticEnd;
    this.take(0);
    this.model = this.take(file.length);
    machine.bytes.set(file, this.model);
    const description = this.take(64);
    kernels.describe(this.model, description);
    this.words = machine.int32.slice(description / 4, description / 4 + 16);
    const rowBytes = this.outputSize * (this.isWide ? 4 : 2);
    this.frames = this.take(2 * this.frameSize * frameRoom);
    this.outBytes = (kernels.maxRows(this.model, frameRoom) >>> 0) * rowBytes;
    this.out = this.take(this.outBytes);
    this.blob = this.take(this.savedStateBytes + 16);
  }

  get arenaBytes(): number {
    return this.words[0]! >>> 0;
  }
  get stateBytes(): number {
    return this.words[1]! >>> 0;
  }
  get savedStateBytes(): number {
    return this.words[12]! >>> 0;
  }
  get frameSize(): number {
    return this.words[5]! & 0xffff;
  }
  get outputSize(): number {
    return this.words[5]! >>> 16;
  }
  get isWide(): boolean {
    return ((this.words[3]! >> 8) & 0xff) === 1;
  }

  take(bytes: number): number {
    const at = this.top;
    const end = at + bytes;
    this.top = pad16(end) + GUARD;
    if (this.top > this.machine.bytes.length) throw new RangeError(`test memory is too small for ${bytes} more bytes`);
    // up to the last byte: what pads a region to 16 is guarded too
    this.machine.bytes.fill(GUARD_BYTE, end, this.top);
    this.guards.push(end, this.top);
    return at;
  }

  createStream(): WasmStream {
    return new WasmStream(this);
  }

  damage(): string | undefined {
    const { bytes } = this.machine;
    if (!this.machine.tablesIntact()) return "constant tables were changed";
    if (Buffer.compare(bytes.subarray(this.model, this.model + this.file.length), this.file) !== 0) {
      return "the engine's copy of the model was changed";
    }
    for (let i = 0; i < this.guards.length; i += 2) {
      for (let at = this.guards[i]!; at < this.guards[i + 1]!; at++) {
        if (bytes[at] !== GUARD_BYTE) return `guard byte at ${at} was changed`;
      }
    }
    return undefined;
  }

  close(): void {
    this.release();
  }
}

export class WasmStream implements EngineStream {
  private readonly arena: number;

  constructor(private readonly owner: WasmModel) {
    this.arena = owner.take(owner.arenaBytes);
    const status = owner.machine.kernels.init(owner.model, this.arena, owner.arenaBytes);
    if (status !== 0) throw new Error(`init returned ${status}`);
  }

  step(frame: Int16Array) {
    return this.run(frame, 1);
  }

  /** Several frames in one call. */
  run(frames: Int16Array, count: number): { status: number; rows: Int32Array[] } {
    const { machine, model, frames: at, out, outBytes, outputSize, isWide } = this.owner;
    machine.int16.set(frames, at / 2);
    const answer = machine.kernels.run(model, this.arena, at, count, out, outBytes);
    if (answer < 0) return { status: answer, rows: [] };
    const memory = isWide ? machine.int32 : machine.int16;
    const first = out / (isWide ? 4 : 2);
    const rows = Array.from({ length: answer }, (_, row) =>
      Int32Array.from(memory.subarray(first + row * outputSize, first + (row + 1) * outputSize)),
    );
    return { status: 0, rows };
  }

  reset(): void {
    this.owner.machine.kernels.reset(this.owner.model, this.arena);
  }

  saveState(): Uint8Array {
    const { machine, model, blob, savedStateBytes } = this.owner;
    const bytes = machine.kernels.saveState(model, this.arena, blob, savedStateBytes);
    if (bytes !== savedStateBytes) throw new Error(`saveState returned ${bytes}`);
    return machine.bytes.slice(blob, blob + bytes);
  }

  restoreState(bytes: Uint8Array): number {
    const { machine, model, blob, savedStateBytes } = this.owner;
    machine.bytes.set(bytes.subarray(0, savedStateBytes + 16), blob);
    return machine.kernels.restoreState(model, this.arena, blob, bytes.length);
  }

  state(): Uint8Array {
    return this.owner.machine.bytes.slice(this.arena, this.arena + this.owner.stateBytes);
  }
}

/** A built-in WebAssembly engine for the suites that compare machines. */
export class WasmEngine implements Engine {
  readonly name: string;
  private readonly module: WebAssembly.Module;
  private readonly checker: Machine;
  private shared: Machine | undefined;

  constructor(readonly kind: EngineKind) {
    this.name = `wasm ${kind}`;
    this.module = new WebAssembly.Module(engineBytes(kind));
    this.checker = new Machine(this.module, SHARED_PAGES);
    this.shared = new Machine(this.module, SHARED_PAGES);
  }

  /** The file lies at the very end of memory: reading behind it traps. */
  check(bytes: Uint8Array): number {
    const needed = bytes.length + PAGE;
    const machine =
      needed <= this.checker.bytes.length ? this.checker : new Machine(this.module, Math.ceil(needed / PAGE));
    const at = machine.bytes.length - pad16(bytes.length);
    machine.bytes.set(bytes, at);
    return machine.kernels.check(at, bytes.length);
  }

  /** @param frameRoom frames that one `run` may take */
  open(bytes: Uint8Array, frameRoom = 1): WasmModel {
    const file = bytes.slice();
    const machine = this.shared;
    if (machine !== undefined) {
      this.shared = undefined;
      try {
        return new WasmModel(machine, file, frameRoom, () => {
          this.shared = machine;
        });
      } catch (error) {
        this.shared = machine;
        if (!(error instanceof RangeError)) throw error;
      }
    }
    const pages = Math.min(65536, Math.ceil(bytes.length / PAGE) + 4096);
    return new WasmModel(new Machine(this.module, pages), file, frameRoom, () => {});
  }
}

export const wasmEngines = (): WasmEngine[] => [new WasmEngine("scalar"), new WasmEngine("simd")];
