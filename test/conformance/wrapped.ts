import type { BuiltWasm } from "../../packages/cli/src/targets/build-wasm.js";
import { Code } from "../../packages/kernels-as/src/link/code.js";
import { EXPORT_KIND, encodeModule, I32, parseModule } from "../../packages/kernels-as/src/link/module.js";
import { LinkedStream } from "./linked-stream.js";

const FNV_OFFSET = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;
const PAGE_BYTES = 65536;
const pad16 = (n: number): number => Math.ceil(n / 16) * 16;
/** Export of a wrapped module: takes all frames and returns the checksum of all rows and of the state at the end. */
export const WRAPPED_EXPORT = "conformance";

/** FNV-1a of 32 bits: a checksum that takes ten instructions of WebAssembly. */
function fnv(bytes: Uint8Array, start = FNV_OFFSET): number {
  let hash = start;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, FNV_PRIME);
  return hash;
}

/** `hash(at, bytes, start)`: `fnv` of memory. */
function hashFunction(): Uint8Array {
  const [at, bytes, hash] = [0, 1, 2];
  const code = new Code().block().loop().get(bytes).eqz().brIf(1);
  code.get(hash).get(at).loadU8().xor().const(FNV_PRIME).multiply().set(hash);
  code.get(at).const(1).add().set(at).get(bytes).const(1).subtract().set(bytes).br(0).end().end();
  return code.get(hash).toBody();
}

/**
 * A self-contained module with frames in its memory and one more export, so that an engine's command line, which can call
 * an export and print a number, but neither write nor read memory, tells whether all bytes are right.
 * @param built made for one frame a call
 */
export function wrapModule(built: BuiltWasm, frames: Int16Array): Uint8Array {
  const module = parseModule(built.bytes);
  const { layout, facts } = built;
  const data = new Uint8Array(frames.buffer, frames.byteOffset, frames.byteLength).slice();
  const first = pad16(layout.end);
  const end = pad16(first + data.length);
  module.data.push({ offset: first, bytes: data });
  module.memory = { minimum: Math.ceil(end / PAGE_BYTES), maximum: Math.ceil(end / PAGE_BYTES) };
  const exported = (name: string) => module.exports.find((entry) => entry.name === name)!.index;
  module.globals[exported("__heap_base")].value = end;
  const add = (type: readonly number[], body: Uint8Array): number =>
    module.functions.push({ type: module.types.push(Uint8Array.from(type)) - 1, body }) - 1;
  const hash = add([0x60, 3, I32, I32, I32, 1, I32], hashFunction());

  const [frame, sum, rows, copied] = [0, 1, 2, 3];
  const frameBytes = 2 * facts.frameSize;
  const code = new Code(4).const(first).set(frame).const(FNV_OFFSET).set(sum).loop();
  // whole words: the buffer is padded, and behind the last frame there is room
  code.const(0).set(copied).loop().get(copied).get(copied).get(frame).add().load().store(layout.frame);
  code.get(copied).const(4).add().tee(copied).const(frameBytes).lessSigned().brIf(0).end();
  code.call(exported("step")).tee(rows).const(0).lessSigned().if().get(rows).return().end();
  code
    .const(layout.output)
    .get(rows)
    .const(facts.outputSize * facts.outputBytesEach)
    .multiply();
  code.get(sum).call(hash).set(sum);
  code
    .get(frame)
    .const(frameBytes)
    .add()
    .tee(frame)
    .const(first + data.length)
    .ne()
    .brIf(0)
    .end();
  code.const(layout.saved).call(exported("saveState")).get(sum).call(hash);
  module.exports.push({
    name: WRAPPED_EXPORT,
    kind: EXPORT_KIND.FUNCTION,
    index: add([0x60, 0, 1, I32], code.toBody()),
  });
  return encodeModule(module);
}

/** What a wrapped module must return, from the rows and the state of the same model in Node. */
export async function expectedChecksum(gate: Uint8Array, frames: Int16Array): Promise<number> {
  const stream = await LinkedStream.open(gate);
  const { frameSize, outputBytesEach } = stream.built.facts;
  const values = outputBytesEach === 4 ? Int32Array : Int16Array;
  let sum = FNV_OFFSET;
  for (let at = 0; at < frames.length; at += frameSize) {
    const rows = stream.run(frames.subarray(at, at + frameSize), 1);
    if (typeof rows === "number") return rows;
    sum = fnv(new Uint8Array(new values(rows).buffer), sum);
  }
  return fnv(stream.saveState(), sum);
}
