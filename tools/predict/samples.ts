import {
  ACTIVATION,
  encodeModel,
  FLAG,
  int16Bytes,
  KERNEL_NAMES,
  type KernelName,
  MERGE_MODE,
  POOL_MODE,
  type RecordSpec,
} from "@gatelet/converter/format";
import { Random } from "../../test/support/random.js";
import { SpecBuilder } from "../../test/support/spec-builder.js";

/** A value that frames never have: rows that are looked at for masks never match. */
const CODE = 12345;

/** Sizes around multiples of a batch come often: their tails are paths of their own. */
const EDGES = [15, 16, 17, 31, 32, 33, 48, 49, 64, 65] as const;

function sizeOf(random: Random): number {
  if (random.chance(0.2)) return random.pick(EDGES);
  return random.chance(0.3) ? random.int(1, 9) : random.int(1, 72);
}

/** Adds one record of `kernel` behind `at`; whether that was possible. */
function addKernel(builder: SpecBuilder, random: Random, kernel: KernelName, at: number): boolean {
  const bits = random.pick([8, 4] as const);
  const mode = random.pick([POOL_MODE.MAX, POOL_MODE.AVERAGE]);
  const windowed = builder.window > 0;
  const rows = builder.rows(at);
  switch (kernel) {
    case "INPUT":
    case "EMBEDDING":
      return true;
    case "RNN":
    case "LSTM":
    case "GRU":
    case "GRU_RESET_AFTER":
    case "MINIMAL_GRU":
    case "FASTGRNN":
      builder.recurrent(kernel, at, sizeOf(random), bits, windowed && random.chance(0.4));
      return true;
    case "DENSE":
      builder.dense(at, sizeOf(random), bits);
      return true;
    case "CONV1D":
      builder.conv1d(at, sizeOf(random), bits, random.chance(0.5));
      return true;
    case "DEPTHWISE_CONV1D":
      builder.depthwise(at, random.int(1, 3), random.chance(0.5));
      return true;
    case "POOL":
      builder.pool(at, mode, random.chance(0.5));
      return true;
    case "GLOBAL_POOL":
      if (windowed) builder.globalPool(at, mode);
      return windowed;
    case "AFFINE":
      builder.affineLayer(at);
      return true;
    case "ACTIVATION":
      builder.activationLayer(at);
      return true;
    case "PRELU":
      builder.prelu(at);
      return true;
    case "LAYER_NORM":
      builder.layerNorm(at);
      return true;
    case "SOFTMAX":
      builder.softmax(at);
      return true;
    case "MASK":
      builder.mask(at);
      return true;
    case "REVERSE":
      if (windowed) builder.reverse(at);
      return windowed;
    case "RESHAPE": {
      if (!windowed) return false;
      const values = rows * builder.size(at);
      const sizes = Array.from({ length: 80 }, (_, i) => i + 1).filter((n) => values % n === 0 && values / n <= 24);
      if (sizes.length > 0) builder.reshape(at, random.pick(sizes));
      return sizes.length > 0;
    }
    case "REPEAT": {
      if (!windowed) return false;
      builder.repeat(rows === 1 ? at : builder.recurrent("RNN", at, sizeOf(random), bits, true), random.int(1, 9));
      return true;
    }
    case "MERGE":
    case "FIFO": {
      const mergeMode = random.pick(Object.values(MERGE_MODE));
      const size = mergeMode === MERGE_MODE.CONCAT ? sizeOf(random) : builder.size(at);
      const other = kernel === "FIFO" ? builder.conv1d(at, size, bits, true) : builder.dense(at, size, bits);
      return builder.merge(at, other, mergeMode) !== undefined;
    }
  }
}

/** The usual activations in half of the gated records: they have code of their own. */
function withUsualGates(record: RecordSpec, random: Random): RecordSpec {
  if (record.fields.gateActivation === undefined || record.kernel === "RNN" || random.chance(0.5)) return record;
  const gateActivation = ACTIVATION.SIGMOID;
  const activation = random.chance(0.7) ? ACTIVATION.TANH : record.fields.activation;
  const table = activation === ACTIVATION.TANH ? undefined : record.table;
  const activationParam = activation === ACTIVATION.TANH ? 0 : record.fields.activationParam;
  return {
    ...record,
    fields: { ...record.fields, gateActivation, activation, activationParam },
    table,
    gateTable: undefined,
  };
}

/** Codes that nothing matches in place of zeros. */
function withoutMatches(record: RecordSpec): RecordSpec {
  const n = record.fields.outputSize ?? 0;
  const sets =
    record.kernel === "MASK" || (record.kernel === "INPUT" && ((record.fields.flags ?? 0) & FLAG.MASK_SET) !== 0);
  if (!sets || record.aux === undefined) return record;
  const codes = int16Bytes(new Int16Array(n).fill(CODE));
  const aux = new Uint8Array(record.aux);
  aux.set(codes, record.kernel === "MASK" ? 0 : 16 * n);
  return { ...record, aux };
}

/** A random model with a record of `kernel`, and frames for it that mask nothing. */
export function sampleModel(
  kernel: KernelName,
  seed: number,
): { model: Uint8Array; frames: Int16Array; steps: number; frameSize: number } {
  for (let attempt = 0; ; attempt++) {
    const random = new Random(Math.imul(seed + 1, 0x9e3779b1) ^ (KERNEL_NAMES.indexOf(kernel) << 8) ^ (attempt << 20));
    const window = random.chance(0.25) ? 0 : random.int(1, 9);
    const builder = new SpecBuilder(random, window, 0);
    const tokens = kernel === "EMBEDDING" || random.chance(0.1);
    const vocabulary = random.int(2, 40);
    if (tokens) builder.embedding(vocabulary, sizeOf(random));
    else builder.input(sizeOf(random), random.chance(0.5) ? "set" : "none");
    // Rows that come late, rarely, or not at all in some ticks: what idling costs.
    if (random.chance(0.4)) {
      const mode = random.pick([POOL_MODE.MAX, POOL_MODE.AVERAGE]);
      if (window > 0 && random.chance(0.3)) builder.globalPool(builder.last, mode);
      else builder.pool(builder.last, mode);
    }
    if (!addKernel(builder, random, kernel, builder.last)) continue;
    // What comes behind decides whether the record is the last one.
    if (random.chance(0.7))
      builder.dense(builder.last, sizeOf(random), random.pick([8, 4] as const), random.chance(0.5));
    const spec = builder.build();
    const model = encodeModel({
      ...spec,
      records: spec.records.map((record) => withUsualGates(withoutMatches(record), random)),
    });
    const steps = window > 0 ? window + random.int(0, 3) : random.int(3, 10);
    const { frameSize } = spec;
    const frames = Int16Array.from({ length: steps * frameSize }, () =>
      tokens ? random.int(1, vocabulary - 1) : random.int(1, 12000),
    );
    return { model, frames, steps, frameSize };
  }
}
