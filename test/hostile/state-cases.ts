import {
  COUNTER,
  COUNTER_BYTES,
  crc32,
  encodeModel,
  MERGE_MODE,
  POOL_MODE,
  STATE,
  STATE_HEADER_BYTES,
  STREAM_HEADER_BYTES,
  writeField,
} from "@gatelet/converter/format";
import { ReferenceModel } from "../reference/index.js";
import { Random } from "../support/random.js";
import { randomFrames } from "../support/random-models.js";
import { SpecBuilder } from "../support/spec-builder.js";
import { BASES } from "./cases.js";
import { Patch } from "./patch.js";

/** A forged saved state and whether it is a valid one all the same. */
export interface StateCase {
  readonly name: string;
  readonly model: Uint8Array;
  readonly blob: Uint8Array;
  readonly accepted: boolean;
}

/** INPUT, CONV1D, FIFO, MERGE: a branch that waits. */
const fifoModel = (): Uint8Array => {
  for (let seed = 1; ; seed++) {
    const builder = new SpecBuilder(new Random(seed), 9, 0);
    const late = builder.conv1d(builder.input(3), 3, 8, true);
    builder.merge(0, late, MERGE_MODE.ADD);
    const spec = builder.build();
    if (spec.records.some(({ kernel, fields }) => kernel === "FIFO" && (fields.taps ?? 0) >= 3))
      return encodeModel(spec);
  }
};
const poolModel = (): Uint8Array => {
  const builder = new SpecBuilder(new Random(3), 9, 0);
  builder.pool(builder.input(3), POOL_MODE.AVERAGE, true);
  return encodeModel(builder.build());
};

class Forgery {
  readonly view: DataView;

  constructor(readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  field(name: keyof typeof STATE, value: number): void {
    writeField(this.view, STATE[name][0], STATE[name][1], value);
  }
  counter(record: number, name: keyof typeof COUNTER, value: number): void {
    const at = STATE_HEADER_BYTES + STREAM_HEADER_BYTES + COUNTER_BYTES * record;
    writeField(this.view, at + COUNTER[name][0], COUNTER[name][1], value);
  }
  /** int16 in the state region at arena offset `at`. */
  int16(at: number, value: number): void {
    this.view.setInt16(STATE_HEADER_BYTES + at, value, true);
  }
  region32(at: number, value: number): void {
    this.view.setUint32(STATE_HEADER_BYTES + at, value, true);
  }
  seal(): Uint8Array {
    this.field("crc32", crc32(this.bytes, STATE.modelCrc[0]));
    return this.bytes;
  }
}

/** State of a model after `steps` honest frames. */
function honest(model: Uint8Array, steps: number): Uint8Array {
  const reference = new ReferenceModel(model);
  const stream = reference.createStream();
  for (const frame of randomFrames(11, reference.gate.header, steps)) stream.step(frame);
  return stream.saveState();
}

/** Named forged states: each rule of FORMAT.md 8 broken once, and values that any state may have. */
export function hostileStates(): StateCase[] {
  const cases: StateCase[] = [];
  const models = { ...BASES, fifo: fifoModel(), pool: poolModel() };
  const add = (base: keyof typeof models, name: string, change: (f: Forgery, p: Patch) => void, accepted = false) => {
    const model = models[base];
    const forgery = new Forgery(honest(model, 2));
    change(forgery, new Patch(model));
    cases.push({ name: `${base}: ${name}`, model, blob: forgery.seal(), accepted });
  };
  const raw = (name: string, change: (blob: Uint8Array) => Uint8Array) => {
    cases.push({ name, model: BASES.lstm, blob: change(honest(BASES.lstm, 2)), accepted: false });
  };
  raw("empty blob", () => new Uint8Array(0));
  raw("header only", (blob) => blob.slice(0, STATE_HEADER_BYTES));
  raw("one byte short", (blob) => blob.slice(0, -1));
  raw("one byte long", (blob) => Uint8Array.of(...blob, 0));
  raw("state of another model", () => honest(BASES.merge, 2));
  raw("checksum", (blob) => {
    blob[blob.length - 1]! ^= 1;
    return blob;
  });
  add("lstm", "honest", () => {}, true);
  add("lstm", "magic", (f) => f.field("magic", 1));
  add("lstm", "version 2", (f) => f.field("version", 2));
  add("lstm", "headerBytes 64", (f) => f.field("headerBytes", 64));
  add("lstm", "blobBytes", (f) => f.field("blobBytes", f.bytes.length + 16));
  add("lstm", "modelCrc", (f) => f.field("modelCrc", 1));
  add("lstm", "stateBytes", (f) => f.field("stateBytes", f.bytes.length));
  add("lstm", "reserved byte", (f) => f.view.setUint8(47, 1));
  add("lstm", "tag", (f) => f.region32(0, 1));
  add("lstm", "frames differ", (f) => f.field("frames", 3));
  add("lstm", "frames = window", (f) => {
    f.field("frames", 4);
    f.region32(4, 4);
    for (const name of ["seen", "emitted"] as const) f.counter(0, name, 4);
    f.counter(1, "seen", 4);
  });
  add(
    "lstm",
    "another frame number, counters with it",
    (f) => {
      f.field("frames", 3);
      f.region32(4, 3);
      for (const name of ["seen", "emitted"] as const) f.counter(0, name, 3);
      f.counter(1, "seen", 3);
    },
    true,
  );
  add("lstm", "record 0 has seen more than frames", (f) => f.counter(0, "seen", 3));
  add("lstm", "record 0 has emitted more than frames", (f) => {
    f.counter(0, "emitted", 3);
    f.counter(1, "seen", 3);
  });
  add("lstm", "seen is not what input0 emitted", (f) => f.counter(1, "seen", 1));
  add("lstm", "emitted above rowsOut", (f) => {
    f.counter(1, "emitted", 2);
    f.counter(2, "seen", 2);
  });
  add(
    "lstm",
    "LAST emitted early",
    (f) => {
      f.counter(1, "emitted", 1);
      f.counter(2, "seen", 1);
    },
    true,
  );
  add("lstm", "fresh", (f) => f.counter(1, "fresh", 1));
  add("lstm", "masked", (f) => f.counter(1, "masked", 1));
  add("lstm", "wait without a window", (f) => f.counter(1, "wait", 1));
  add("lstm", "front without a queue", (f) => f.counter(1, "front", 1));
  add("lstm", "real without a queue", (f) => f.counter(1, "real", 1));
  add("lstm", "bytes behind the counters", (f) => f.region32(56, 1));
  add(
    "lstm",
    "extreme h and c",
    (f, p) => {
      const at = p.getRecord(1, "state");
      for (let unit = 0; unit < 5; unit++) {
        f.int16(at + 2 * unit, unit % 2 ? 32767 : -32768);
        f.int16(at + 16 + 2 * unit, unit % 2 ? -32768 : 32767);
      }
    },
    true,
  );
  add("lstm", "padding of h", (f, p) => f.int16(p.getRecord(1, "state") + 10, 1));
  add("lstm", "padding of c", (f, p) => f.int16(p.getRecord(1, "state") + 30, 1));
  add("conv", "wait 0", (f) => f.counter(1, "wait", 0));
  add("conv", "wait above its limit", (f) => f.counter(1, "wait", 5000));
  add("conv", "odd channel of the history", (f, p) => f.int16(p.getRecord(1, "state") + 10, 1));
  add("conv", "count above seen", (f, p) => f.region32(p.getRecord(3, "state"), 9));
  add("conv", "bytes behind the count", (f, p) => f.region32(p.getRecord(3, "state") + 4, 1));
  add("conv", "any sums", (f, p) => f.region32(p.getRecord(3, "state") + 16, 0x7fffffff), true);
  add("pool", "front above taps", (f, p) => f.counter(1, "front", p.getRecord(1, "taps") + 1));
  add("pool", "front and real above taps", (f, p) => {
    f.counter(1, "front", p.getRecord(1, "taps"));
    f.counter(1, "real", 1);
  });
  add(
    "pool",
    "no real row",
    (f) => {
      f.counter(1, "front", 0);
      f.counter(1, "real", 0);
    },
    true,
  );
  add("fifo", "head = taps", (f, p) => f.counter(2, "front", p.getRecord(2, "taps")));
  add("fifo", "count above taps", (f, p) => f.counter(2, "real", p.getRecord(2, "taps") + 1));
  add("fifo", "a full queue: SCHEDULE in the next step", (f, p) => f.counter(2, "real", p.getRecord(2, "taps")), true);
  const masks = (p: Patch) => p.getRecord(2, "state") + 16 * p.getRecord(2, "taps");
  add("fifo", "mask byte 2", (f, p) => f.view.setUint8(STATE_HEADER_BYTES + masks(p), 2));
  add("fifo", "byte behind the mask bytes", (f, p) => f.view.setUint8(STATE_HEADER_BYTES + masks(p) + 15, 1));
  add("fifo", "padding of a row", (f, p) => f.int16(p.getRecord(2, "state") + 6, 1));
  add("rows", "padding of a stored row", (f, p) => f.int16(p.getRecord(5, "state") + 14, 1));
  add("rows", "padding of a kept row", (f, p) => f.int16(p.getRecord(4, "state") + 14, 1));
  add("stream", "seen in a stream", (f) => f.counter(1, "seen", 1));
  add("stream", "emitted in a stream", (f) => f.counter(5, "emitted", 1));
  add(
    "stream",
    "any frame number",
    (f) => {
      f.field("frames", 0xffffffff);
      f.region32(4, 0xffffffff);
    },
    true,
  );
  return cases;
}
