import type { BuiltWasm } from "../../packages/cli/src/targets/build-wasm.js";
import { Code } from "../../packages/kernels-as/src/link/code.js";
import { EXPORT_KIND, encodeModule, I32, parseModule } from "../../packages/kernels-as/src/link/module.js";
import { LinkedStream } from "./linked-stream.js";

const FNV_OFFSET = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;
const PAGE_BYTES = 65536;
const pad16 = (n: number): number => Math.ceil(n / 16) * 16;

/** Exports of a recorder: both take all frames; `RECORD` keeps what came out, `CHECKSUM` also returns a checksum of it. */
export const RECORD = "record";
export const CHECKSUM = "conformance";

/** What a stream makes of frames: its rows, and its saved state after every so many frames and at the end. */
export interface Recording {
  readonly rows: Uint8Array;
  readonly states: Uint8Array;
}

/** A module that feeds itself, and where its memory has what came out. */
export interface Recorder {
  readonly bytes: Uint8Array;
  /** What came out, from the memory of an instance behind a call of `RECORD`; a negative status where a frame was refused. */
  recordingOf(memory: Uint8Array): Recording | number;
}

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

/** `copy(to, from, bytes)`, which returns the address behind the copy: bulk memory is off. */
function copyFunction(): Uint8Array {
  const [to, from, bytes] = [0, 1, 2];
  const code = new Code().block().loop().get(bytes).eqz().brIf(1);
  code.get(to).get(from).loadU8().store8().get(to).const(1).add().set(to).get(from).const(1).add().set(from);
  code.get(bytes).const(1).subtract().set(bytes).br(0).end().end();
  return code.get(to).toBody();
}

/** Where a recorder has its frames, and what came out: bytes of rows and of states (two words), the rows, the states. */
interface Areas {
  readonly frames: number;
  readonly framesEnd: number;
  readonly lengths: number;
  readonly rows: number;
  readonly states: number;
  readonly end: number;
}

function areasOf({ layout, facts }: BuiltWasm, frames: Int16Array, stateEvery: number): Areas {
  const count = frames.length / facts.frameSize;
  const rowBytes = facts.outputSize * facts.outputBytesEach;
  const first = pad16(layout.end);
  const lengths = pad16(first + frames.byteLength);
  const rows = lengths + 16;
  const states = pad16(rows + count * layout.outputRows * rowBytes);
  const end = pad16(states + (Math.floor(count / stateEvery) + 1) * (layout.end - layout.saved));
  return { frames: first, framesEnd: first + frames.byteLength, lengths, rows, states, end };
}

/** `play()`: all frames through `step`; returns 0 or the status that ended it, and fills the areas. */
function playFunction(built: BuiltWasm, areas: Areas, stateEvery: number, index: (name: string) => number): Uint8Array {
  const { layout, facts } = built;
  const frameBytes = 2 * facts.frameSize;
  const [frame, rows, states, left, added] = [0, 1, 2, 3, 4];
  const code = new Code(5).const(areas.frames).set(frame).const(areas.rows).set(rows).const(areas.states).set(states);
  const keepState = (): Code =>
    code.get(states).const(layout.saved).call(index("saveState")).call(index("copy")).set(states);
  code.const(stateEvery).set(left).loop();
  code.const(layout.frame).get(frame).const(frameBytes).call(index("copy")).drop();
  code.call(index("step")).tee(added).const(0).lessSigned().if().get(added).return().end();
  code
    .get(rows)
    .const(layout.output)
    .get(added)
    .const(facts.outputSize * facts.outputBytesEach);
  code.multiply().call(index("copy")).set(rows);
  code.get(left).const(1).subtract().tee(left).eqz().if();
  keepState().const(stateEvery).set(left).end();
  code.get(frame).const(frameBytes).add().tee(frame).const(areas.framesEnd).ne().brIf(0).end();
  keepState();
  code.const(areas.lengths).get(rows).const(areas.rows).subtract().store();
  code.const(areas.lengths).get(states).const(areas.states).subtract().store(4);
  return code.const(0).toBody();
}

/** Where a frame was refused its status takes the place of the first length. */
function recordFunction(areas: Areas, play: number): Uint8Array {
  const status = 0;
  const code = new Code(1).call(play).tee(status).if();
  return code.const(areas.lengths).get(status).store().end().toBody();
}

function checksumFunction(areas: Areas, play: number, hash: number): Uint8Array {
  const status = 0;
  const code = new Code(1).call(play).tee(status).if().get(status).return().end();
  code.const(areas.states).const(areas.lengths).load(4);
  code.const(areas.rows).const(areas.lengths).load().const(FNV_OFFSET).call(hash);
  return code.call(hash).toBody();
}

/**
 * A self-contained module with frames in its memory, room for all that comes out, and two more exports: for engines whose command
 * line can call an export, but neither write nor read memory.
 * @param built made for one frame a call
 * @param stateEvery frames after which the saved state is kept too
 */
export function makeRecorder(built: BuiltWasm, frames: Int16Array, stateEvery: number): Recorder {
  const module = parseModule(built.bytes);
  const areas = areasOf(built, frames, stateEvery);
  const bytes = new Uint8Array(frames.buffer, frames.byteOffset, frames.byteLength).slice();
  module.data.push({ offset: areas.frames, bytes });
  const pages = Math.ceil(areas.end / PAGE_BYTES);
  module.memory = { minimum: pages, maximum: pages };
  const names = new Map(module.exports.map(({ name, index }) => [name, index]));
  const index = (name: string): number => names.get(name)!;
  module.globals[index("__heap_base")].value = areas.end;
  const add = (name: string, type: readonly number[], body: Uint8Array): void => {
    names.set(name, module.functions.push({ type: module.types.push(Uint8Array.from(type)) - 1, body }) - 1);
  };
  add("hash", [0x60, 3, I32, I32, I32, 1, I32], hashFunction());
  add("copy", [0x60, 3, I32, I32, I32, 1, I32], copyFunction());
  add("play", [0x60, 0, 1, I32], playFunction(built, areas, stateEvery, index));
  add(RECORD, [0x60, 0, 0], recordFunction(areas, index("play")));
  add(CHECKSUM, [0x60, 0, 1, I32], checksumFunction(areas, index("play"), index("hash")));
  for (const name of [RECORD, CHECKSUM]) module.exports.push({ name, kind: EXPORT_KIND.FUNCTION, index: index(name) });
  return { bytes: encodeModule(module), recordingOf: (memory) => readRecording(memory, areas) };
}

function readRecording(memory: Uint8Array, areas: Areas): Recording | number {
  const view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength);
  const rowBytes = view.getInt32(areas.lengths, true);
  if (rowBytes < 0) return rowBytes;
  const stateBytes = view.getInt32(areas.lengths + 4, true);
  return {
    rows: memory.slice(areas.rows, areas.rows + rowBytes),
    states: memory.slice(areas.states, areas.states + stateBytes),
  };
}

/** What a recorder must have recorded: rows and states of the same model in Node, which is fed from outside. */
export async function expectedRecording(
  gate: Uint8Array,
  frames: Int16Array,
  stateEvery: number,
): Promise<Recording | number> {
  const stream = await LinkedStream.open(gate);
  const { frameSize, outputBytesEach } = stream.built.facts;
  const values = outputBytesEach === 4 ? Int32Array : Int16Array;
  const rows: number[] = [];
  const states: Uint8Array[] = [];
  for (let at = 0; at < frames.length / frameSize; at++) {
    const added = stream.run(frames.subarray(at * frameSize, (at + 1) * frameSize), 1);
    if (typeof added === "number") return added;
    rows.push(...added);
    if ((at + 1) % stateEvery === 0) states.push(stream.saveState());
  }
  states.push(stream.saveState());
  return { rows: new Uint8Array(values.from(rows).buffer), states: new Uint8Array(Buffer.concat(states)) };
}

/** What `CHECKSUM` returns for a recording. */
export const checksumOf = (recording: Recording | number): number =>
  typeof recording === "number" ? recording : fnv(recording.states, fnv(recording.rows));
