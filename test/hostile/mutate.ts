import {
  COUNTER,
  COUNTER_BYTES,
  crc32,
  HEADER,
  RECORD,
  type RecordField,
  readField,
  STATE,
  STATE_HEADER_BYTES,
  STREAM_HEADER_BYTES,
  writeField,
} from "@gatelet/converter/format";
import type { Random } from "../support/random.js";
import { type HeaderField, Patch } from "./patch.js";

const HEADER_FIELDS = Object.keys(HEADER) as HeaderField[];
const RECORD_FIELDS = Object.keys(RECORD) as RecordField[];
const OFFSETS: readonly RecordField[] = [
  "output",
  "state",
  "scratch",
  "weights",
  "rowParams",
  "table",
  "gateTable",
  "aux",
];
const EDGES = [
  0,
  1,
  2,
  3,
  4,
  7,
  8,
  15,
  16,
  17,
  32,
  127,
  128,
  255,
  256,
  4095,
  4096,
  4097,
  16383,
  32767,
  32768,
  65535,
  65536,
  2 ** 20,
  2 ** 26,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 16,
  2 ** 32 - 1,
] as const;

/** A number near another, at an edge, or any. */
function interesting(random: Random, current: number): number {
  switch (random.int(0, 4)) {
    case 0:
      return current + random.pick([-1, 1, -2, 2, -8, 8, -16, 16, -96, 96]);
    case 1:
      return random.pick([current * 2, Math.floor(current / 2), -current, current ^ (1 << random.int(0, 31))]);
    case 2:
      return random.bits();
    default:
      return random.pick(EDGES);
  }
}

type Mutation = (patch: Patch, random: Random, corpus: readonly Uint8Array[]) => void;

const anyRecord = (patch: Patch, random: Random): number =>
  random.int(0, Math.max(0, patch.getHeader("recordCount") - 1));
const anyByte = (patch: Patch, random: Random, from = 16): number => random.int(from, patch.bytes.length - 1);

const flipBits: Mutation = (patch, random) => {
  for (let i = random.int(1, 8); i > 0; i--) patch.bytes[anyByte(patch, random, 0)]! ^= 1 << random.int(0, 7);
};
const headerField: Mutation = (patch, random) => {
  const field = random.pick(HEADER_FIELDS);
  if (field === "reserved72") patch.view.setUint32(HEADER.reserved72[0], random.bits(), true);
  else patch.header(field, interesting(random, patch.getHeader(field)));
};
const recordField: Mutation = (patch, random) => {
  const i = anyRecord(patch, random);
  const field = random.pick(RECORD_FIELDS);
  patch.record(i, field, interesting(random, patch.getRecord(i, field)));
};
/** The same value in a field and in the fields that must agree with it, so that deeper checks are reached. */
const agreeingSizes: Mutation = (patch, random) => {
  const i = anyRecord(patch, random);
  const [own, next] = random.pick([
    ["outputSize", "inputSize"],
    ["rowsOut", "rowsIn"],
  ] as const);
  const value = random.int(1, random.pick([2, 40, 5000]));
  patch.record(i, own, value);
  for (let j = i + 1; j < patch.getHeader("recordCount"); j++) {
    if (patch.getRecord(j, "input0") === i) patch.record(j, next, value);
    if (random.chance(0.5) && patch.getRecord(j, next) === value) patch.record(j, own, value);
  }
};
const offsets: Mutation = (patch, random) => {
  const i = anyRecord(patch, random);
  const field = random.pick(OFFSETS);
  const other = patch.getRecord(anyRecord(patch, random), random.pick(OFFSETS));
  const moved = patch.getRecord(i, field) + 16 * random.int(-40, 40);
  const value = random.pick([
    other,
    moved,
    patch.bytes.length - 16 * random.int(0, 6),
    patch.getHeader("stateBytes"),
    0,
  ]);
  patch.record(i, field, value);
  if (field === "state" && random.chance(0.7)) patch.record(i, "output", value);
};
const rewire: Mutation = (patch, random) => {
  patch.record(anyRecord(patch, random), random.pick(["input0", "input1"] as const), random.int(0, 6));
};
const sectionTable: Mutation = (patch, random) => {
  const i = random.int(0, Math.min(15, patch.getHeader("sectionCount")));
  if (patch.entry(i + 1) > patch.bytes.length) return;
  const [field, current] = random.pick([
    ["id", i + 1],
    ["flags", 1],
    ["offset", patch.sectionOffset(i)],
    ["bytes", patch.sectionBytes(i)],
    ["reserved", 0],
  ] as const);
  patch.section(i, { [field]: interesting(random, current) });
};
const duplicateSection: Mutation = (patch, random) => {
  const count = patch.getHeader("sectionCount");
  const from = patch.entry(random.int(0, 1));
  if (patch.entry(count + 1) > patch.bytes.length) return;
  patch.bytes.copyWithin(patch.entry(random.pick([0, 1, count])), from, from + 16);
  if (random.chance(0.5)) patch.header("sectionCount", count + 1);
};
const swapRecords: Mutation = (patch, random) => {
  const [a, b] = [patch.recordAt(anyRecord(patch, random)), patch.recordAt(anyRecord(patch, random))];
  const kept = patch.bytes.slice(a, a + 96);
  patch.bytes.copyWithin(a, b, b + 96);
  if (random.chance(0.7)) patch.bytes.set(kept, b);
};
const resize: Mutation = (patch, random) => {
  const { length } = patch.bytes;
  const target = random.pick([length - 16, length + 16, length - 1, length + 1, random.int(0, length), 80, 96, 112]);
  patch.resize(Math.max(0, target));
};
const splice: Mutation = (patch, random, corpus) => {
  const other = random.pick(corpus);
  const from = random.int(0, Math.min(other.length, patch.bytes.length) - 1);
  const part = other.subarray(from, from + random.pick([16, 96, 256, 100_000]));
  patch.bytes.set(part.subarray(0, patch.bytes.length - from), from);
};
/** Tensor contents: always accepted (but for E of LAYER_NORM), so hostile numbers reach the kernels. */
const tensorBytes: Mutation = (patch, random) => {
  const start = patch.sectionOffset(1);
  const end = start + patch.sectionBytes(1);
  const fill = random.pick([undefined, 0, 0x7f, 0x80, 0xff]);
  const from = random.int(start, end - 1);
  const to = Math.min(end, from + random.pick([1, 4, 16, 64, 100_000]));
  for (let i = from; i < to; i++) patch.bytes[i] = fill ?? random.bits();
};

const MUTATIONS: readonly (readonly [weight: number, mutation: Mutation])[] = [
  [3, flipBits],
  [3, headerField],
  [6, recordField],
  [2, agreeingSizes],
  [4, offsets],
  [1, rewire],
  [2, sectionTable],
  [1, duplicateSection],
  [1, swapRecords],
  [1, resize],
  [2, splice],
  [3, tensorBytes],
];
const WHEEL = MUTATIONS.flatMap(([weight, mutation]) => Array.from({ length: weight }, () => mutation));

/** A mutant of a file, with its size and checksum repaired (in 1 of 50 cases not). */
export function mutateModel(original: Uint8Array, random: Random, corpus: readonly Uint8Array[]): Uint8Array {
  const patch = new Patch(original);
  try {
    for (let i = random.pick([1, 1, 1, 2, 3]); i > 0; i--) random.pick(WHEEL)(patch, random, corpus);
  } catch (error) {
    // A header that no longer tells where things are ends the series: field-aware mutations miss their fields.
    if (!(error instanceof RangeError)) throw error;
  }
  if (random.chance(0.02)) return patch.bytes;
  return patch.seal();
}

const STATE_FIELDS = Object.values(STATE);
const COUNTER_FIELDS = Object.values(COUNTER);

/** A mutant of a saved state of a model with so many records, checksum repaired (in 1 of 50 cases not). */
export function mutateState(original: Uint8Array, recordCount: number, random: Random): Uint8Array {
  let blob = original.slice();
  const view = new DataView(blob.buffer);
  const change = (at: number, type: (typeof STATE_FIELDS)[number][1] | "u8") => {
    writeField(view, at, type, interesting(random, readField(view, at, type)));
  };
  const counter = () => STATE_HEADER_BYTES + STREAM_HEADER_BYTES + COUNTER_BYTES * random.int(0, recordCount - 1);
  for (let i = random.int(1, 3); i > 0; i--) {
    switch (random.int(0, 6)) {
      case 0:
        {
          const [offset, type] = random.pick(STATE_FIELDS);
          change(offset, type);
        }
        break;
      case 1:
      case 2: {
        const [offset, type] = random.pick(COUNTER_FIELDS);
        change(counter() + offset, type);
        break;
      }
      case 3: {
        // Frames in all three places, and the counters of the first record with them.
        const frames = random.int(0, 14);
        view.setUint32(STATE.frames[0], frames, true);
        view.setUint32(STATE_HEADER_BYTES + 4, frames, true);
        for (const at of [0, 4]) view.setUint32(STATE_HEADER_BYTES + STREAM_HEADER_BYTES + at, frames, true);
        break;
      }
      case 4: {
        const from = random.int(STATE_HEADER_BYTES, blob.length - 1);
        const to = Math.min(blob.length, from + random.pick([1, 2, 16, 100_000]));
        for (let at = from; at < to; at++) blob[at] = random.bits();
        break;
      }
      default: {
        // Values only: behind the counters, an int16 at a time.
        const first = STATE_HEADER_BYTES + STREAM_HEADER_BYTES + COUNTER_BYTES * recordCount;
        if (first + 1 >= blob.length) break;
        const at = random.int(first, blob.length - 2) & ~1;
        view.setInt16(at, random.pick([random.bits(), 32767, -32768, 0]), true);
      }
    }
  }
  if (random.chance(0.03)) blob = blob.slice(0, random.int(0, blob.length));
  if (blob.length < STATE_HEADER_BYTES || random.chance(0.02)) return blob;
  new DataView(blob.buffer).setUint32(STATE.crc32[0], crc32(blob, STATE.modelCrc[0]), true);
  return blob;
}
