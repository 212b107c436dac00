import { isRecurrent, isWindowed, KERNEL_NAMES } from "../../../packages/converter/src/format/rules.js";
import * as S from "../../../packages/converter/src/format/schema.js";
import * as c from "./code.js";
import { header as h, need, onKernels, type Rule, record as r, set, type Value, word } from "./code.js";

const bad = (value: Value) => need("BAD_STATE", value);
const blob = c.fieldsOf("other", S.STATE);
const counters = c.fieldsOf("other", S.COUNTER);
const u32 = (offset: number, text: string) => c.at("other", offset, "u32", text);
const REGION = S.STATE_HEADER_BYTES;
const COUNTERS = REGION + S.STREAM_HEADER_BYTES;
const countersOf = (index: Value) => c.add(c.mul(index, S.COUNTER_BYTES), COUNTERS);
const frames = word("free");

/** FORMAT.md 8, the blob's header and the stream's: the other lies in the blob. `length` and `crc` are set. */
export const savedRules: readonly Rule[] = [
  bad(c.eq(blob.magic, S.STATE_MAGIC)),
  bad(c.eq(blob.version, S.STATE_VERSION)),
  bad(c.eq(blob.headerBytes, S.STATE_HEADER_BYTES)),
  bad(c.eq(blob.blobBytes, word("length"))),
  bad(c.eq(blob.crc32, word("crc"))),
  bad(c.eq(blob.modelCrc, h.crc32)),
  bad(c.eq(blob.stateBytes, h.stateBytes)),
  bad(c.isZero(c.or(u32(28, "reserved"), ...[32, 36, 40, 44].map((offset) => u32(offset, `reserved${offset}`))))),
  bad(c.eq(u32(REGION, "tag"), h.crc32)),
  set("free", u32(REGION + 4, "frames of the region")),
  bad(c.eq(blob.frames, frames)),
  bad(c.or(c.isZero(h.window), c.lt(frames, h.window))),
  // Counters end 8 bytes before the next multiple of 16.
  set("other", countersOf(h.recordCount)),
  bad(c.isZero(c.or(u32(0, "behind the counters"), u32(4, "padding")))),
];

const windowed = KERNEL_NAMES.filter(isWindowed);
const recurrent = KERNEL_NAMES.filter(isRecurrent);
const FIRST = ["INPUT", "EMBEDDING"] as const;
const except = (...names: S.KernelName[]) => KERNEL_NAMES.filter((name) => !names.includes(name));
const averages = c.eq(r.mode, S.POOL_MODE.AVERAGE);
const rowBytes = (values: Value) => c.mul(c.pad(values, 7), 2);

/** Counters of a record and, in `repeat` to `freeBytes`, where its state has values; all else of it is zero. */
export const savedRecordRules: readonly Rule[] = [
  set("selector", r.kernel),
  ...onKernels(FIRST, set("first", frames)),
  ...onKernels(except(...FIRST), set("other", countersOf(r.input0)), set("first", counters.emitted)),
  set("other", countersOf(word("index"))),
  bad(c.eq(counters.seen, c.mul(word("first"), c.isSet(h.window)))),
  ...onKernels(FIRST, bad(c.eq(counters.emitted, counters.seen))),
  bad(c.le(counters.emitted, r.rowsOut)),
  bad(c.isZero(c.or(counters.fresh, counters.masked))),
  ...onKernels(["CONV1D", "DEPTHWISE_CONV1D"], set("depth", c.add(c.mul(c.sub(r.taps, 1), r.dilation), 1))),
  ...onKernels(["POOL"], set("depth", r.taps)),
  ...onKernels(
    windowed,
    bad(counters.wait),
    bad(c.or(c.le(counters.wait, c.sub(word("depth"), r.padLeft)), c.le(counters.wait, r.stride))),
  ),
  ...onKernels(except(...windowed), bad(c.isZero(counters.wait))),
  ...onKernels(
    ["POOL"],
    set("second", c.mul(averages, r.taps)),
    bad(c.le(counters.front, word("second"))),
    bad(c.le(counters.real, c.sub(word("second"), counters.front))),
  ),
  ...onKernels(["FIFO"], bad(c.lt(counters.front, r.taps)), bad(c.le(counters.real, r.taps))),
  ...onKernels(except("POOL", "FIFO"), bad(c.isZero(c.or(counters.front, counters.real)))),
  set("repeat", c.isSet(r.stateBytes)),
  set("used", c.mul(r.inputSize, 2)),
  set("stride", rowBytes(r.inputSize)),
  set("flagsBytes", 0),
  set("freeBytes", 0),
  ...onKernels(recurrent, set("used", c.mul(r.outputSize, 2)), set("stride", rowBytes(r.outputSize))),
  ...onKernels(["LSTM"], set("repeat", 2)),
  ...onKernels(["CONV1D"], set("stride", c.mul(c.pad(r.inputSize, 1), 2))),
  ...onKernels(windowed, set("repeat", word("depth"))),
  ...onKernels(
    ["GLOBAL_POOL"],
    set("used", c.choose(averages, 4, word("used"))),
    set("stride", c.choose(averages, 16, word("stride"))),
    set("freeBytes", c.mul(c.mul(averages, 4), r.inputSize)),
    set("first", counters.seen),
    set("other", c.add(r.state, REGION)),
    bad(c.or(c.isZero(averages), c.le(u32(0, "count"), word("first")))),
  ),
  ...onKernels(["FIFO"], set("repeat", r.taps), set("flagsBytes", r.taps)),
  ...onKernels(["REVERSE"], set("repeat", r.rowsIn), set("flagsBytes", r.rowsIn)),
  ...onKernels(["RESHAPE"], set("repeat", 0), set("freeBytes", c.mul(c.mul(r.rowsIn, r.inputSize), 2))),
];
