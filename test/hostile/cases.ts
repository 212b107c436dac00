import {
  ACTIVATION,
  encodeModel,
  FLAG,
  KERNEL,
  KERNEL_NAMES,
  MERGE_MODE,
  POOL_MODE,
  SECTION,
  type StatusName,
} from "@gatelet/converter/format";
import { Random } from "../support/random.js";
import { SpecBuilder } from "../support/spec-builder.js";
import { Patch } from "./patch.js";

/** A broken file with one fault, and the status every engine gives it. */
export interface HostileCase {
  readonly name: string;
  readonly status: StatusName;
  readonly bytes: Uint8Array;
}

const build = (window: number, make: (builder: SpecBuilder) => void): Uint8Array => {
  const builder = new SpecBuilder(new Random(5), window, 0);
  make(builder);
  return encodeModel(builder.build());
};

/** Valid files that the cases break; the index of each record is its place in the name. */
export const BASES = {
  /** INPUT, LSTM, DENSE int32. */
  lstm: build(4, (b) => b.dense(b.recurrent("LSTM", b.input(3), 5, 8, true), 2, 8, true)),
  /** INPUT, CONV1D, POOL average, GLOBAL_POOL average. */
  conv: build(9, (b) =>
    b.globalPool(b.pool(b.conv1d(b.input(5), 4, 8, true), POOL_MODE.AVERAGE, true), POOL_MODE.AVERAGE),
  ),
  /** INPUT, DEPTHWISE, RESHAPE, RNN, REPEAT, REVERSE. */
  rows: build(4, (b) =>
    b.reverse(b.repeat(b.recurrent("RNN", b.reshape(b.depthwise(b.input(3), 2, true), 8), 3, 4, true), 3)),
  ),
  /** INPUT, DENSE, MERGE add, LAYER_NORM, SOFTMAX. */
  merge: build(3, (b) => b.softmax(b.layerNorm(b.merge(b.input(4), b.dense(0, 4, 8), MERGE_MODE.ADD)!))),
  /** INPUT, PRELU, ACTIVATION, AFFINE, MASK, GRU: a stream. */
  stream: build(0, (b) => b.recurrent("GRU", b.mask(b.affineLayer(b.activationLayer(b.prelu(b.input(3))))), 3, 8)),
  /** INPUT, MINIMAL_GRU: a stream. */
  minimal: build(0, (b) => b.recurrent("MINIMAL_GRU", b.input(3), 5, 8)),
  /** INPUT, FASTGRNN: a stream. */
  fast: build(0, (b) => b.recurrent("FASTGRNN", b.input(3), 5, 8)),
  /** EMBEDDING, GRU_RESET_AFTER: tokens. */
  tokens: build(3, (b) => b.recurrent("GRU_RESET_AFTER", b.embedding(7, 4), 5, 4)),
} as const;

const patch = (base: keyof typeof BASES) => new Patch(BASES[base]);

type Change = (patch: Patch) => unknown;

/** A sealed mutant. */
function sealed(status: StatusName, base: keyof typeof BASES, name: string, change: Change): HostileCase {
  const target = patch(base);
  change(target);
  return { name: `${base}: ${name}`, status, bytes: target.seal() };
}

function envelopeCases(): HostileCase[] {
  const raw = (status: StatusName, name: string, change: Change): HostileCase => {
    const target = patch("lstm");
    change(target);
    return { name, status, bytes: target.bytes };
  };
  return [
    { name: "empty file", status: "BAD_SIZE", bytes: new Uint8Array(0) },
    raw("BAD_SIZE", "79 bytes", (p) => p.resize(79)),
    raw("BAD_MAGIC", "wrong magic", (p) => p.header("magic", 0x45544148)),
    raw("BAD_VERSION", "format version 0", (p) => p.header("formatVersion", 0)),
    raw("BAD_VERSION", "format version 2", (p) => p.header("formatVersion", 2)),
    raw("BAD_HEADER", "header of 96 bytes", (p) => p.header("headerBytes", 96)),
    raw("BAD_SIZE", "truncated by 16 bytes", (p) => p.resize(p.bytes.length - 16)),
    raw("BAD_SIZE", "truncated to its header", (p) => p.resize(80)),
    raw("BAD_SIZE", "16 bytes too long", (p) => p.resize(p.bytes.length + 16)),
    raw("BAD_SIZE", "not a multiple of 16", (p) => {
      p.resize(p.bytes.length + 8);
      p.seal();
    }),
    raw("BAD_CRC", "one bit of the last weight", (p) => {
      p.bytes[p.bytes.length - 1]! ^= 1;
    }),
    raw("BAD_CRC", "one bit of the checksum", (p) => p.header("crc32", p.getHeader("crc32") ^ 1)),
  ];
}

function headerCases(): HostileCase[] {
  const bad = (field: Parameters<Patch["header"]>[0], value: number, status: StatusName = "BAD_HEADER") =>
    sealed(status, "lstm", `${field} = ${value}`, (p) => p.header(field, value));
  const p = patch("lstm");
  return [
    bad("requiredKernels", p.getHeader("requiredKernels") | (1 << KERNEL.RNN)),
    bad("requiredKernels", p.getHeader("requiredKernels") & ~(1 << KERNEL.LSTM)),
    bad("requiredKernels", p.getHeader("requiredKernels") | (1 << KERNEL_NAMES.length), "UNKNOWN_KERNEL"),
    bad("sectionCount", 1),
    bad("sectionCount", 17),
    bad("recordStride", 80),
    bad("recordCount", 0),
    bad("recordCount", 257),
    bad("recordCount", 2, "BAD_SECTION"),
    bad("reserved26", 1),
    bad("reserved43", 1),
    bad("reserved60", 1),
    bad("reserved72", 1),
    bad("arenaBytes", p.getHeader("arenaBytes") + 16, "BAD_ARENA"),
    bad("arenaBytes", 2 ** 26 + 16, "BAD_ARENA"),
    bad("stateBytes", p.getHeader("stateBytes") + 8, "BAD_ARENA"),
    bad("scratchBytes", p.getHeader("scratchBytes") + 1, "BAD_ARENA"),
    bad("inputKind", 1),
    bad("inputKind", 2),
    bad("outputType", 0),
    bad("outputType", 2),
    bad("outputTransform", 3),
    bad("window", 65536),
    bad("window", 5, "BAD_RECORD"),
    bad("frameSize", 0),
    bad("frameSize", 2),
    bad("frameSize", 4097),
    bad("outputSize", 3),
    bad("maxOutputRows", 0),
    bad("maxOutputRows", 65536),
    bad("vocabularySize", 1),
    bad("outputScale", 0),
    sealed("BAD_HEADER", "lstm", "outputScale = -0", (q) => q.header("outputScale", -0)),
    bad("outputScale", -1),
    bad("outputScale", Number.POSITIVE_INFINITY),
    bad("outputScale", Number.NaN),
    sealed("BAD_ARENA", "lstm", "all sizes grown beyond 2^26 together", (q) => {
      q.header("stateBytes", 2 ** 26).header("arenaBytes", 2 ** 26 + q.getHeader("scratchBytes"));
    }),
    sealed("BAD_ARENA", "lstm", "state below the counters", (q) => {
      q.header("stateBytes", 48).header("arenaBytes", 48 + q.getHeader("scratchBytes"));
    }),
    sealed("BAD_ARENA", "lstm", "sizes that add up modulo 2^32 only", (q) => {
      q.header("stateBytes", 0xfffffff0).header("scratchBytes", 0x100).header("arenaBytes", 0xf0);
    }),
    sealed("BAD_HEADER", "tokens", "vocabularySize differs from the record", (q) => q.header("vocabularySize", 8)),
  ];
}

function sectionCases(): HostileCase[] {
  const bad = (name: string, change: Change, status: StatusName = "BAD_SECTION") =>
    sealed(status, "lstm", name, change);
  const grow = (p: Patch) => p.resize(p.bytes.length + 32);
  /** Moves everything behind the table by 16 bytes and adds a third entry. */
  const third = (p: Patch, entry: Parameters<Patch["section"]>[1]) => {
    const tail = p.bytes.slice(112);
    p.resize(p.bytes.length + 16);
    p.bytes.set(tail, 128);
    for (const i of [0, 1]) p.section(i, { offset: p.sectionOffset(i) + 16 });
    p.bytes.fill(0, 112, 128);
    p.header("sectionCount", 3).section(2, { offset: p.bytes.length, bytes: 0, ...entry });
    for (let i = 0; i < 3; i++) {
      for (const field of ["weights", "rowParams", "aux"] as const) {
        if (p.getRecord(i, field) !== 0) p.record(i, field, p.getRecord(i, field) + 16);
      }
    }
  };
  return [
    bad("no RECORDS", (p) => p.section(0, { id: 9, flags: 0 })),
    bad("no TENSORS", (p) => p.section(1, { id: 9, flags: 0 })),
    bad("RECORDS twice", (p) => p.section(1, { id: SECTION.RECORDS })),
    bad("flags 2", (p) => p.section(0, { flags: 2 })),
    bad("reserved word", (p) => p.section(0, { reserved: 1 })),
    bad("offset not in 16s", (p) => p.section(1, { offset: p.sectionOffset(1) + 8, bytes: 8 })),
    bad("offset inside the table", (p) => p.section(0, { offset: 96 })),
    bad("sections overlap", (p) => p.section(1, { offset: p.sectionOffset(1) - 16 })),
    bad("section behind the end", (p) => p.section(1, { offset: p.bytes.length + 16, bytes: 0 })),
    bad("section ends behind the end", (p) => p.section(1, { bytes: p.sectionBytes(1) + 16 })),
    bad("section end wraps", (p) => p.section(1, { bytes: 0xffffffff })),
    bad("RECORDS one byte short", (p) => p.section(0, { bytes: p.sectionBytes(0) - 1 })),
    bad("RECORDS one record long", (p) => p.section(0, { bytes: p.sectionBytes(0) + 96, offset: 112 })),
    bad("table reaches behind the end", (p) => p.header("sectionCount", 16).header("recordCount", 1).resize(96)),
    bad("unknown required section", (p) => third(p, { id: 77, flags: 1 }), "UNKNOWN_SECTION"),
    bad("RECORDS again behind TENSORS", (p) => third(grow(p), { id: SECTION.RECORDS })),
    { ...bad("an unknown optional section is skipped", (p) => third(p, { id: 77, flags: 0 })), status: "OK" },
  ];
}

function recordCases(): HostileCase[] {
  const bad = (
    base: keyof typeof BASES,
    i: number,
    field: Parameters<Patch["record"]>[1],
    value: number,
    status: StatusName = "BAD_RECORD",
  ) => sealed(status, base, `record ${i} ${field} = ${value}`, (p) => p.record(i, field, value));
  const flag = (base: keyof typeof BASES, i: number, bit: number) =>
    sealed("BAD_RECORD", base, `record ${i} with flag ${bit}`, (p) =>
      p.record(i, "flags", p.getRecord(i, "flags") | bit),
    );
  return [
    bad("lstm", 1, "kernel", KERNEL_NAMES.length, "UNKNOWN_KERNEL"),
    bad("lstm", 0, "kernel", KERNEL.DENSE),
    bad("lstm", 1, "kernel", KERNEL.INPUT),
    flag("lstm", 1, 128),
    flag("lstm", 1, FLAG.OUT32),
    flag("lstm", 2, FLAG.LAST),
    flag("lstm", 2, FLAG.MASK_OBEY),
    flag("stream", 5, FLAG.LAST),
    flag("minimal", 1, FLAG.LAST),
    flag("minimal", 1, FLAG.OUT32),
    bad("minimal", 1, "outputSize", 4097),
    bad("minimal", 1, "gateActivation", ACTIVATION.LINEAR),
    bad("minimal", 1, "bits", 2),
    bad("minimal", 1, "shift", 1),
    bad("minimal", 1, "multiplierA", 1),
    bad("minimal", 1, "aux", 400),
    bad("minimal", 1, "scratchBytes", 16),
    flag("fast", 1, FLAG.LAST),
    bad("fast", 1, "outputSize", 4097),
    bad("fast", 1, "gateActivation", ACTIVATION.RELU),
    bad("fast", 1, "multiplierA", 32768),
    bad("fast", 1, "multiplierA", -32769),
    bad("fast", 1, "multiplierB", 32768),
    bad("fast", 1, "shift", 1),
    bad("fast", 1, "scratchBytes", 32),
    bad("fast", 1, "aux", 0, "BAD_TENSOR"),
    bad("minimal", 1, "scratchBytes", 48),
    bad("lstm", 1, "activation", 7),
    bad("lstm", 1, "gateActivation", ACTIVATION.LINEAR),
    bad("lstm", 1, "gateActivation", ACTIVATION.RELU),
    bad("lstm", 1, "gateActivation", 6),
    bad("lstm", 2, "activation", ACTIVATION.TANH),
    bad("lstm", 0, "input0", 0),
    bad("lstm", 1, "input0", 1),
    bad("lstm", 1, "input0", 0xffff),
    bad("lstm", 1, "input1", 0),
    bad("merge", 2, "input1", 2),
    bad("merge", 2, "input1", 0xffff),
    bad("lstm", 1, "inputSize", 4),
    bad("lstm", 0, "inputSize", 0),
    bad("lstm", 2, "outputSize", 0),
    bad("lstm", 2, "outputSize", 4097),
    bad("lstm", 1, "rowsIn", 3),
    bad("lstm", 1, "rowsOut", 4),
    bad("lstm", 2, "rowsOut", 0),
    bad("lstm", 2, "rowsOut", 65536),
    bad("stream", 1, "rowsOut", 1),
    bad("lstm", 1, "stateBytes", 16),
    bad("lstm", 1, "scratchBytes", 32),
    bad("lstm", 2, "state", 64),
    bad("lstm", 2, "stateBytes", 16),
    bad("lstm", 2, "scratch", 64),
    bad("lstm", 2, "table", 112),
    bad("lstm", 2, "aux", 400),
    bad("lstm", 1, "activationParam", 1),
    bad("lstm", 1, "gateParam", 1),
    bad("lstm", 1, "bits", 0),
    bad("lstm", 1, "bits", 16),
    bad("tokens", 0, "bits", 4),
    bad("stream", 1, "bits", 8),
    bad("lstm", 1, "recurrentFirst", 2),
    bad("lstm", 1, "alignShift", 16),
    bad("lstm", 2, "alignShift", 1),
    bad("lstm", 1, "shift", 16),
    bad("stream", 1, "shift", 31),
    bad("merge", 2, "shift", 31),
    bad("merge", 4, "multiplier", -1),
    bad("lstm", 2, "multiplier", 1),
    bad("conv", 1, "taps", 0),
    bad("conv", 1, "taps", 4097),
    bad("lstm", 1, "taps", 1),
    bad("conv", 1, "stride", 0),
    bad("conv", 1, "stride", 4097),
    bad("conv", 1, "dilation", 0),
    bad("conv", 1, "dilation", 4097),
    bad("conv", 2, "dilation", 1),
    bad("conv", 1, "padLeft", 60000),
    bad("conv", 2, "padLeft", 200),
    bad("merge", 2, "multiplierA", 32768),
    bad("merge", 2, "multiplierB", -32769),
    bad("merge", 2, "depthMultiplier", 3),
    bad("merge", 2, "mode", 5),
    bad("conv", 2, "mode", 2),
    bad("rows", 1, "depthMultiplier", 3),
    bad("lstm", 1, "mode", 1),
    bad("lstm", 1, "reserved91", 1),
    bad("tokens", 0, "vocabulary", 0),
    bad("tokens", 0, "vocabulary", 65537),
    bad("lstm", 1, "vocabulary", 1),
    sealed("BAD_RECORD", "conv", "history of more than 2^18 values", (p) =>
      p.record(1, "taps", 4096).record(1, "dilation", 16),
    ),
    sealed("BAD_RECORD", "conv", "history of more than 65535 rows", (p) =>
      p.record(1, "taps", 4096).record(1, "dilation", 4096),
    ),
    sealed("BAD_RECORD", "conv", "last window behind the last real row", (p) =>
      p.record(1, "rowsOut", 60000).record(2, "rowsIn", 60000).record(2, "rowsOut", 60000).record(3, "rowsIn", 60000),
    ),
    sealed("BAD_RECORD", "rows", "reshape to more values than it takes", (p) =>
      p.record(2, "rowsOut", 4).record(3, "rowsIn", 4),
    ),
    sealed("BAD_RECORD", "merge", "concat with the wrong size", (p) => p.record(2, "mode", MERGE_MODE.CONCAT)),
    sealed("BAD_RECORD", "conv", "a maximum that obeys masks", (p) =>
      p.record(3, "mode", POOL_MODE.MAX).record(3, "flags", FLAG.MASK_OBEY),
    ),
    sealed("BAD_RECORD", "lstm", "more than 2^20 rows in all", (p) => {
      p.header("window", 65535);
      for (const i of [0, 1]) p.record(i, "rowsIn", 65535);
      p.record(0, "rowsOut", 65535);
      return p.record(2, "rowsOut", 65535);
    }),
  ];
}

function placeCases(): HostileCase[] {
  const bad = (base: keyof typeof BASES, name: string, status: StatusName, change: Change) =>
    sealed(status, base, name, change);
  const tensorEnd = (p: Patch) => p.sectionOffset(1) + p.sectionBytes(1);
  return [
    bad("lstm", "weights before TENSORS", "BAD_TENSOR", (p) => p.record(1, "weights", p.sectionOffset(1) - 16)),
    bad("lstm", "weights 0", "BAD_TENSOR", (p) => p.record(1, "weights", 0)),
    bad("lstm", "weights misaligned", "BAD_TENSOR", (p) => p.record(1, "weights", p.getRecord(1, "weights") + 8)),
    bad("lstm", "weights end behind TENSORS", "BAD_TENSOR", (p) => p.record(1, "weights", tensorEnd(p) - 16)),
    bad("lstm", "weights offset wraps", "BAD_TENSOR", (p) => p.record(1, "weights", 0xfffffff0)),
    bad("lstm", "rowParams end behind TENSORS", "BAD_TENSOR", (p) => p.record(1, "rowParams", tensorEnd(p) - 16)),
    bad("lstm", "affine entries end behind TENSORS", "BAD_TENSOR", (p) => p.record(0, "aux", tensorEnd(p) - 16)),
    bad("merge", "layer norm with E = 0", "BAD_TENSOR", (p) =>
      p.bytes.fill(0, p.getRecord(3, "aux"), p.getRecord(3, "aux") + 8),
    ),
    bad("merge", "layer norm with E < 0", "BAD_TENSOR", (p) => p.view.setBigInt64(p.getRecord(3, "aux"), -1n, true)),
    bad("merge", "layer norm with E > 2^61", "BAD_TENSOR", (p) =>
      p.view.setBigInt64(p.getRecord(3, "aux"), (1n << 61n) + 1n, true),
    ),
    bad("lstm", "state misaligned", "BAD_ARENA", (p) => p.record(1, "state", p.getRecord(1, "state") + 8)),
    bad("lstm", "state in the counters", "BAD_ARENA", (p) => p.record(1, "state", 48).record(1, "output", 48)),
    bad("lstm", "state behind stateBytes", "BAD_ARENA", (p) => {
      const at = p.getHeader("stateBytes") - 16;
      p.record(1, "state", at).record(1, "output", at);
    }),
    bad("lstm", "state offset wraps", "BAD_ARENA", (p) =>
      p.record(1, "state", 0xfffffff0).record(1, "output", 0xfffffff0),
    ),
    bad("conv", "states overlap", "BAD_OVERLAP", (p) => p.record(2, "state", p.getRecord(1, "state"))),
    bad("rows", "states out of order", "BAD_OVERLAP", (p) => {
      p.header("stateBytes", p.getHeader("stateBytes") + 4096).header("arenaBytes", p.getHeader("arenaBytes") + 4096);
      for (let i = 0; i < p.getHeader("recordCount"); i++) {
        for (const field of ["output", "scratch"] as const) {
          if (p.getRecord(i, field) >= p.getHeader("stateBytes") - 4096)
            p.record(i, field, p.getRecord(i, field) + 4096);
        }
      }
      p.record(1, "state", p.getHeader("stateBytes") - 2048);
    }),
    bad("lstm", "output of a recurrent record is not its state", "BAD_ARENA", (p) =>
      p.record(1, "output", p.getHeader("stateBytes")),
    ),
    bad("lstm", "output in the state", "BAD_ARENA", (p) => p.record(2, "output", p.getHeader("stateBytes") - 16)),
    bad("lstm", "output misaligned", "BAD_ARENA", (p) => p.record(2, "output", p.getHeader("stateBytes") + 8)),
    bad("lstm", "output behind the arena", "BAD_ARENA", (p) => p.record(2, "output", p.getHeader("arenaBytes"))),
    bad("lstm", "scratch behind the arena", "BAD_ARENA", (p) => p.record(1, "scratch", p.getHeader("arenaBytes"))),
    bad("lstm", "scratch offset wraps", "BAD_ARENA", (p) => p.record(1, "scratch", 0xfffffff0)),
    bad("lstm", "scratch on the row it reads", "BAD_OVERLAP", (p) => p.record(1, "scratch", p.getRecord(0, "output"))),
    bad("merge", "output on a row read later", "BAD_OVERLAP", (p) => p.record(1, "output", p.getRecord(0, "output"))),
    bad("merge", "output on the row it reads", "BAD_OVERLAP", (p) => p.record(3, "output", p.getRecord(2, "output"))),
    bad("merge", "scratch on its own output", "BAD_OVERLAP", (p) => p.record(4, "scratch", p.getRecord(4, "output"))),
  ];
}

/** Named broken files for every rejection of FORMAT.md (alignment of the file itself and budgets are engine arguments). */
export const hostileCases = (): HostileCase[] => [
  ...envelopeCases(),
  ...headerCases(),
  ...sectionCases(),
  ...recordCases(),
  ...placeCases(),
];
