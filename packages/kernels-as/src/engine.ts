import { decodeBase64 } from "./base64.js";
import { KernelError } from "./errors.js";
import { SCALAR_BASE64 } from "./wasm/scalar.gen.js";
import { SIMD_BASE64 } from "./wasm/simd.gen.js";

export type EngineKind = "scalar" | "simd";

/** The kernels' exports (assembly/index.ts): addresses and sizes in bytes, statuses negative. */
export interface KernelExports {
  readonly __heap_base: WebAssembly.Global;
  check(model: number, bytes: number): number;
  describe(model: number, to: number): void;
  init(model: number, arena: number, bytes: number): number;
  reset(model: number, arena: number): number;
  step(model: number, arena: number, frame: number, out: number, outBytes: number): number;
  run(model: number, arena: number, frames: number, count: number, out: number, outBytes: number): number;
  maxRows(model: number, count: number): number;
  saveState(model: number, arena: number, blob: number, bytes: number): number;
  restoreState(model: number, arena: number, blob: number, bytes: number): number;
  frames(arena: number): number;
}

export const PAGE_BYTES = 65536;
/** Room kept at the bottom of memory for the kernels' static data. */
export const STATIC_BYTES = 4096;

/** (module (func (drop (v128.const 0)))): valid where SIMD is. */
const SIMD_PROBE = [
  0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10, 23, 1, 21, 0, 0xfd, 0x0c, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x1a, 0x0b,
];

let simd: boolean | undefined;

/** Whether this host runs 128-bit SIMD. */
export function simdSupported(): boolean {
  simd ??= WebAssembly.validate(Uint8Array.from(SIMD_PROBE));
  return simd;
}

/** Bytes of a built-in engine. */
export const engineBytes = (kind: EngineKind): Uint8Array<ArrayBuffer> =>
  decodeBase64(kind === "simd" ? SIMD_BASE64 : SCALAR_BASE64);

/** At once, since waiting for another thread takes longer than compiling 20 KB; hosts that forbid that get time. */
async function compile(bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
  try {
    return new WebAssembly.Module(bytes);
  } catch {
    return WebAssembly.compile(bytes);
  }
}

const compiled = new Map<EngineKind, Promise<WebAssembly.Module>>();

/** A built-in engine, compiled once. */
export function engineModule(kind: EngineKind): Promise<WebAssembly.Module> {
  let module = compiled.get(kind);
  if (module === undefined) {
    module = compile(engineBytes(kind));
    compiled.set(kind, module);
  }
  return module;
}

/** As `compile` does: at once where the host allows it. */
async function start(module: WebAssembly.Module, imports: WebAssembly.Imports): Promise<WebAssembly.Instance> {
  try {
    return new WebAssembly.Instance(module, imports);
  } catch {
    return WebAssembly.instantiate(module, imports);
  }
}

/** An instance of the kernels in a memory that can never grow. */
export interface EngineInstance {
  readonly kernels: KernelExports;
  readonly memory: WebAssembly.Memory;
}

/** Instantiates the kernels in a memory of minimum = maximum = `bytes`, rounded up to pages. */
export async function instantiate(module: WebAssembly.Module, bytes: number): Promise<EngineInstance> {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  let memory: WebAssembly.Memory;
  try {
    memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  } catch (cause) {
    throw new KernelError("OUT_OF_BUDGET", `host cannot give ${pages * PAGE_BYTES} bytes of memory`, { cause });
  }
  let instance: WebAssembly.Instance;
  try {
    instance = await start(module, { env: { memory } });
  } catch (cause) {
    throw new KernelError("BAD_ENGINE", "engine module cannot be instantiated with one imported memory", { cause });
  }
  const kernels = instance.exports as unknown as KernelExports;
  const end = Number(kernels.__heap_base?.value ?? Number.POSITIVE_INFINITY);
  if (typeof kernels.run !== "function" || end > STATIC_BYTES) {
    throw new KernelError("BAD_ENGINE", `engine module has no kernels, or static data up to ${end} > ${STATIC_BYTES}`);
  }
  return { kernels, memory };
}
