import { DESCRIPTION_BYTES, type ModelDescription, readDescription } from "./description.js";
import { type EngineInstance, engineModule, instantiate, STATIC_BYTES, simdSupported } from "./engine.js";
import { KernelError, statusError } from "./errors.js";
import type { FrameValues } from "./input.js";
import { layOut, planStreams } from "./layout.js";
import { type Decision, decideRow, rowProbabilities, rowValues, type StepResult } from "./output.js";
import { Stream } from "./stream.js";
import { Workspace } from "./workspace.js";

export interface LoadOptions {
  /**
   * "auto": SIMD where the host has it. A compiled module (`@gatelet/kernels/scalar.wasm`, `simd.wasm`) serves hosts
   * that forbid compiling at run time.
   */
  readonly engine?: "auto" | "simd" | "scalar" | WebAssembly.Module;
  /** Streams that may live at once, the model's own one among them. Absent: up to 16, as far as 1 MiB goes. */
  readonly streams?: number;
  /** Refuse (OUT_OF_BUDGET) rather than ask for more memory than this. */
  readonly memoryLimitBytes?: number;
}

const FRAME_BUFFER_BYTES = 16384;
const OUTPUT_BUFFER_BYTES = 65536;
const pad16 = (n: number): number => Math.ceil(n / 16) * 16;

async function chooseEngine(engine: LoadOptions["engine"]): Promise<WebAssembly.Module> {
  if (engine instanceof WebAssembly.Module) return engine;
  if (engine === "scalar") return engineModule("scalar");
  if (engine === undefined || engine === "auto") return engineModule(simdSupported() ? "simd" : "scalar");
  if (engine !== "simd") throw new TypeError(`engine is ${String(engine)}, must be auto, simd, scalar or a module`);
  if (!simdSupported())
    throw new KernelError("NO_SIMD", "engine simd was asked for, but this host has no WebAssembly SIMD");
  return engineModule("simd");
}

/** Frames that pass through the buffer at once, and the bytes that they, their rows and a saved state take. */
function planBuffer(
  description: ModelDescription,
  maxRows: (frames: number) => number,
): { chunk: number; bytes: number } {
  const frameBytes = 2 * description.frameSize;
  const rowBytes = (description.outputType === "int32" ? 4 : 2) * description.outputSize;
  let chunk = Math.max(1, Math.floor(FRAME_BUFFER_BYTES / frameBytes));
  while (chunk > 1 && maxRows(chunk) * rowBytes > OUTPUT_BUFFER_BYTES) chunk >>= 1;
  const bytes = pad16(chunk * frameBytes) + pad16(maxRows(chunk) * rowBytes);
  return { chunk, bytes: Math.max(bytes, pad16(description.savedStateBytes)) };
}

interface Examined {
  readonly description: ModelDescription;
  readonly chunk: number;
  readonly bufferBytes: number;
  /** The file as it was checked: later changes of the caller's bytes cannot matter. */
  readonly file: Uint8Array;
}

/** Checks the file in a memory of its own, so that the real one can be made as large as the model says. */
async function examine(module: WebAssembly.Module, bytes: Uint8Array, limit: number | undefined): Promise<Examined> {
  const model = STATIC_BYTES + pad16(DESCRIPTION_BYTES);
  const needed = model + bytes.length;
  if (limit !== undefined && needed > limit) {
    throw new KernelError("OUT_OF_BUDGET", `model file needs ${needed} bytes of memory, limit is ${limit}`);
  }
  const engine: EngineInstance = await instantiate(module, needed);
  const memory = engine.memory.buffer;
  new Uint8Array(memory).set(bytes, model);
  const status = engine.kernels.check(model, bytes.length);
  if (status < 0) throw statusError(status, "model");
  engine.kernels.describe(model, STATIC_BYTES);
  const description = readDescription(memory as ArrayBuffer, STATIC_BYTES, model);
  const plan = planBuffer(description, (frames) => engine.kernels.maxRows(model, frames) >>> 0);
  const file = new Uint8Array(memory, model, bytes.length);
  return { description, chunk: plan.chunk, bufferBytes: plan.bytes, file };
}

/** A `.gate` file in an engine, with one stream of its own; `createStream` makes more. */
export class Model {
  private readonly free: number[];
  private readonly own: Stream;

  private constructor(private readonly workspace: Workspace) {
    this.free = [...workspace.layout.arenas].reverse();
    this.own = this.createStream();
  }

  /**
   * Checks a `.gate` file completely and makes it ready to run.
   * @throws KernelError with the status of the file's fault, OUT_OF_BUDGET, NO_SIMD
   */
  static async load(bytes: Uint8Array, options: LoadOptions = {}): Promise<Model> {
    if (!(bytes instanceof Uint8Array)) throw new TypeError("model must be a Uint8Array");
    const { streams, memoryLimitBytes } = options;
    if (streams !== undefined && !(Number.isInteger(streams) && streams >= 1)) {
      throw new RangeError(`streams is ${streams}, must be an integer of at least 1`);
    }
    const module = await chooseEngine(options.engine);
    const { description, chunk, bufferBytes, file } = await examine(module, bytes, memoryLimitBytes);
    const needs = { modelBytes: file.length, arenaBytes: description.arenaBytes, bufferBytes };
    const layout = layOut(needs, planStreams(needs, streams, memoryLimitBytes));
    const engine = await instantiate(module, layout.bytes);
    new Uint8Array(engine.memory.buffer).set(file, layout.model);
    return new Model(new Workspace(engine, layout, description, chunk));
  }

  /** What the model is: sizes, window, output scale, META. */
  get description(): ModelDescription {
    return this.workspace.description;
  }

  /** Bytes of the engine's memory; it never grows. */
  get memoryBytes(): number {
    return this.workspace.memory.buffer.byteLength;
  }

  /** One more stream over the same weights. @throws KernelError NO_FREE_STREAM */
  createStream(): Stream {
    const arena = this.free.pop();
    if (arena === undefined) {
      const all = this.workspace.layout.arenas.length;
      throw new KernelError(
        "NO_FREE_STREAM",
        `all ${all} streams are in use: free one, or load with { streams: ${all + 1} }`,
      );
    }
    return new Stream(this.workspace, (stream) => this.free.push(stream.address()), arena);
  }

  /** See Stream; these act on the model's own stream. */
  step(frame: FrameValues): StepResult {
    return this.own.step(frame);
  }
  run(frames: FrameValues): StepResult {
    return this.own.run(frames);
  }
  runRaw(frames: Int16Array, out: Int32Array): number {
    return this.own.runRaw(frames, out);
  }
  reset(): void {
    this.own.reset();
  }
  saveState(): Uint8Array {
    return this.own.saveState();
  }
  restoreState(blob: Uint8Array): void {
    this.own.restoreState(blob);
  }

  /** The most rows that `count` frames can yield: what `runRaw` must have room for. */
  maxRows(count: number): number {
    return this.workspace.maxRows(count);
  }

  /** The decision of one row (the last, unless said otherwise): argmax on the integers, and the class's name. */
  decide(result: StepResult, row?: number): Decision {
    return decideRow(this.description, result, row);
  }
  /** Probabilities of one row, by the model's outputTransform. */
  probabilities(result: StepResult, row?: number): Float64Array {
    return rowProbabilities(this.description, result, row);
  }
  /** Real values of one row. */
  values(result: StepResult, row?: number): Float64Array {
    return rowValues(this.description, result, row);
  }

  /** Whether nothing was ever written between the regions of memory; tests ask after every call. */
  guardsIntact(): boolean {
    return this.workspace.guardsIntact();
  }
}
