import { Model } from "@gatelet/kernels";

/** The two builds of the kernels, compiled by the host in the way that it allows. */
export interface KernelModules {
  readonly simd: WebAssembly.Module;
  readonly scalar: WebAssembly.Module;
}

/** What a job's header says; offsets and sizes in bytes from the job's beginning. */
export interface JobHeader {
  /** "check": outputs and states of every window; "time": the same windows, only the last output; "echo": nothing, for a control. */
  readonly mode: "check" | "time" | "echo";
  readonly engine: "simd" | "scalar";
  readonly gateAt: number;
  readonly gateBytes: number;
  readonly framesAt: number;
  readonly windows: number;
  /** int16 values in one window, and in its first half (after which the state is saved). */
  readonly windowValues: number;
  readonly halfValues: number;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (let i = 0; i < bytes.length; i++) crc = CRC_TABLE[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8);
  return ~crc;
}

/**
 * Runs one job: u32 length of the JSON header, header, .gate file, raw frames (int16, little-endian).
 * @returns int32 values; "check": for every window rows of its halves, their integers, CRC-32 of the state saved between them
 */
export async function runJob(job: ArrayBuffer, modules: KernelModules): Promise<Int32Array> {
  const headerBytes = new DataView(job).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(job, 4, headerBytes))) as JobHeader;
  if (header.mode === "echo") return new Int32Array(1);
  const frames = new Int16Array(job, header.framesAt, header.windows * header.windowValues);
  const file = new Uint8Array(job, header.gateAt, header.gateBytes);
  const model = await Model.load(file, { engine: modules[header.engine] });
  return header.mode === "check" ? check(model, frames, header) : time(model, frames, header);
}

function check(model: Model, frames: Int16Array, { windows, windowValues, halfValues }: JobHeader): Int32Array {
  const results: number[] = [];
  for (let i = 0; i < windows; i++) {
    const window = frames.subarray(i * windowValues, (i + 1) * windowValues);
    const first = model.run(window.subarray(0, halfValues));
    const state = crc32(model.saveState());
    const second = model.run(window.subarray(halfValues));
    results.push(first.rows, ...first.outputs, second.rows, ...second.outputs, state);
  }
  return Int32Array.from(results);
}

function time(model: Model, frames: Int16Array, { windows, windowValues }: JobHeader): Int32Array {
  const { frameSize, outputSize } = model.description;
  const out = new Int32Array(model.maxRows(windowValues / frameSize) * outputSize);
  for (let i = 0; i < windows; i++) model.runRaw(frames.subarray(i * windowValues, (i + 1) * windowValues), out);
  return out;
}

/** A host's request handler: GET answers at once, POST runs a job. */
export async function handle(request: Request, modules: KernelModules): Promise<Response> {
  if (request.method !== "POST") return new Response("ready");
  const result = await runJob(await request.arrayBuffer(), modules);
  return new Response(new Uint8Array(result.buffer, result.byteOffset, result.byteLength) as Uint8Array<ArrayBuffer>);
}
