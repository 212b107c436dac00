import {
  ACTIVATION,
  affineBytes,
  averageBytes,
  FLAG,
  GATES,
  int16Bytes,
  KERNEL_RULES,
  type KernelName,
  layerNormBytes,
  MERGE_MODE,
  type ModelSpec,
  NO_INPUT,
  OUTPUT_TRANSFORM,
  POOL_MODE,
  packByteRows,
  packQuads,
  packRowParams,
  type QuadOrder,
  type RecordSpec,
  simulateSchedule,
} from "@gatelet/converter/format";
import type { Random } from "./random.js";

export type Fields = RecordSpec["fields"];
export type RecurrentKernel = "RNN" | "LSTM" | "GRU" | "GRU_RESET_AFTER" | "MINIMAL_GRU" | "FASTGRNN";

const ORDERS: Readonly<Record<RecurrentKernel, QuadOrder>> = {
  RNN: "plain",
  LSTM: "lstm",
  GRU: "gru",
  GRU_RESET_AFTER: "gruResetAfter",
  MINIMAL_GRU: "minimalGru",
  FASTGRNN: "plain",
};
const EXTREMES = [0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 30, -(2 ** 30)] as const;

/**
 * Builds valid specs record by record with random tensors and parameters. Everything drawn comes from the one seed.
 * `wild` records take weights, biases and multipliers from their whole range; the others stay where activations move.
 */
export class SpecBuilder {
  readonly records: RecordSpec[] = [];
  private wild = false;

  constructor(
    readonly random: Random,
    readonly window: number,
    private readonly wildness = 0.15,
  ) {}

  get last(): number {
    return this.records.length - 1;
  }
  field(index: number, name: keyof Fields): number {
    return this.records[index]!.fields[name] ?? 0;
  }
  /** Values in a row of a record. */
  size(index: number): number {
    return this.field(index, "outputSize");
  }
  /** Rows of a record in a window; 0 in a stream. */
  rows(index: number): number {
    return this.field(index, "rowsOut");
  }

  private push(kernel: KernelName, fields: Fields, tensors: Omit<RecordSpec, "kernel" | "fields"> = {}): number {
    this.records.push({ kernel, fields, ...tensors });
    return this.last;
  }

  /** Common fields of a record behind `input`; flags random among `optional`. */
  private behind(kernel: KernelName, input: number, outputSize: number, rowsOut: number, optional = 0): Fields {
    this.wild = this.random.chance(this.wildness);
    let flags = 0;
    for (const flag of [FLAG.MASK_PASS, FLAG.MASK_OBEY] as const) {
      if ((KERNEL_RULES[kernel].flags & flag & (optional | FLAG.MASK_PASS)) !== 0 && this.random.chance(0.6))
        flags |= flag;
    }
    return {
      flags,
      input0: input,
      inputSize: this.size(input),
      outputSize,
      rowsIn: this.rows(input),
      rowsOut: this.window === 0 ? 0 : rowsOut,
    };
  }

  private int32(): number {
    return this.random.chance(0.3) ? this.random.pick(EXTREMES) : this.random.bits() | 0;
  }

  private affine(count: number, shiftRange: readonly [number, number], magnitude: number): Uint8Array {
    const { random } = this;
    return affineBytes(
      Array.from({ length: count }, () => {
        if (this.wild) return { bias: random.int64(), multiplier: this.int32(), shift: random.int(0, 62) };
        const shift = random.int(...shiftRange);
        const multiplier = Math.round(random.signed() * magnitude * 2 ** shift);
        return {
          bias: BigInt(Math.round(random.signed() * 2 ** (shift + 11))) + (1n << BigInt(shift - 1)),
          multiplier,
          shift,
        };
      }),
    );
  }

  private activation(kinds: readonly number[]): { fields: Fields; table: Int16Array | undefined } {
    const kind = this.random.pick(kinds);
    const { RELU, LEAKY, TABLE } = ACTIVATION;
    const clip = this.random.chance(0.5) ? 32767 : this.random.int(0, 32767);
    const activationParam = kind === RELU ? clip : kind === LEAKY ? this.random.int(0, 32767) : 0;
    return { fields: { activation: kind, activationParam }, table: kind === TABLE ? this.table() : undefined };
  }

  private table(): Int16Array {
    const { random } = this;
    if (this.wild) return random.int16s(257);
    const [scale, bend] = [random.signed(), random.int(1, 8)];
    return Int16Array.from({ length: 257 }, (_, i) => Math.round(32767 * scale * Math.tanh(((i - 128) * bend) / 128)));
  }

  private weights(bits: 8 | 4, rows: number, columns: number) {
    const most = bits === 8 ? 128 : 8;
    const reach = this.wild ? most : this.random.int(1, most - 1);
    const weights = this.random.int8s(rows * columns, -reach, this.wild ? most - 1 : reach);
    if (this.wild && this.random.chance(0.3)) weights.fill(this.random.pick([-most, most - 1]));
    return { weights, columns, reach };
  }

  /** Bias and multiplier of rows whose accumulators have about this deviation. */
  private rowParams(order: QuadOrder, units: number, deviation: number): Int32Array {
    const count = GATES[order].params * units;
    const { random } = this;
    const draw = (make: () => number) => Int32Array.from({ length: count }, () => (this.wild ? this.int32() : make()));
    const bias = draw(() => Math.round(random.signed() * deviation));
    const target = 2 ** random.int(9, 14);
    const multiplier = draw(() =>
      Math.min(2 ** 31 - 1, Math.round((2 ** 32 * target * (0.5 + Math.abs(random.signed()))) / deviation)),
    );
    return packRowParams(order, units, bias, multiplier);
  }

  private deviation(columns: number, reach: number): number {
    return Math.sqrt(columns) * reach * 0.58 * 12000;
  }

  input(size: number, mask: "none" | "set" = "none"): number {
    const { random, window } = this;
    this.wild = random.chance(this.wildness);
    let flags = 0;
    if (mask === "set") {
      flags = FLAG.MASK_SET | (random.chance(0.5) ? FLAG.MASK_ZERO : 0) | (random.chance(0.2) ? FLAG.MASK_ANY : 0);
    }
    const entries = this.affine(size, [4, 16], 2);
    const aux = new Uint8Array([...entries, ...(flags & FLAG.MASK_SET ? int16Bytes(new Int16Array(size)) : [])]);
    return this.push("INPUT", { flags, inputSize: size, outputSize: size, rowsIn: window, rowsOut: window }, { aux });
  }

  embedding(vocabulary: number, size: number): number {
    const { random, window } = this;
    const flags = random.chance(0.5) ? FLAG.MASK_SET : 0;
    return this.push(
      "EMBEDDING",
      { flags, inputSize: 1, outputSize: size, rowsIn: window, rowsOut: window, bits: 8, vocabulary },
      {
        weights: packByteRows(random.int8s(vocabulary * size), vocabulary, size),
        aux: int16Bytes(random.int16s(vocabulary, -300, 300)),
      },
    );
  }

  recurrent(kernel: RecurrentKernel, input: number, units: number, bits: 8 | 4, last = false): number {
    const { random } = this;
    const order = ORDERS[kernel];
    const fields = this.behind(kernel, input, units, last ? 1 : this.rows(input), FLAG.MASK_OBEY);
    const { TANH, SIGMOID, HARD_SIGMOID, RELU, TABLE, LINEAR, LEAKY } = ACTIVATION;
    const act = this.activation([TANH, TANH, TANH, SIGMOID, HARD_SIGMOID, RELU, TABLE, LINEAR, LEAKY]);
    const gate = kernel === "RNN" ? 0 : random.pick([SIGMOID, SIGMOID, HARD_SIGMOID, TANH, TABLE]);
    const recurrentFirst = random.chance(0.5);
    const rows = GATES[order].weights * units;
    const parts = { input: this.weights(bits, rows, this.size(input)), recurrent: this.weights(bits, rows, units) };
    const alignShift = random.int(0, this.wild ? 15 : 2);
    const cellBits = random.int(10, 15);
    const tanhLike = act.fields.activation === TANH;
    const own: Fields =
      kernel === "FASTGRNN"
        ? this.fastGrnnFields()
        : kernel === "LSTM"
          ? {
              shift: this.wild ? random.int(0, 15) : 15 - cellBits,
              multiplier: this.wild ? this.int32() : 2 ** (tanhLike ? 28 - cellBits : 16),
            }
          : {};
    const deviation = this.deviation(this.size(input) + units, parts.input.reach * 2 ** alignShift);
    return this.push(
      kernel,
      {
        ...fields,
        flags: (fields.flags ?? 0) | (last ? FLAG.LAST : 0),
        ...act.fields,
        ...own,
        gateActivation: gate,
        bits,
        recurrentFirst: recurrentFirst ? 1 : 0,
        alignShift,
      },
      {
        weights: packQuads({ order, bits, hiddenSize: units, recurrentFirst, ...parts }),
        rowParams: this.rowParams(order, units, deviation),
        table: act.table,
        gateTable: gate === TABLE ? this.table() : undefined,
        ...(kernel === "FASTGRNN" ? { aux: int16Bytes(random.int16s(units, ...this.differences())) } : {}),
      },
    );
  }

  private fastGrnnFields(): Fields {
    const { random, wild } = this;
    const factor = () => (wild ? random.int(-32768, 32767) : random.int(0, 16000));
    const multiplier = wild ? this.int32() : random.pick([2 ** 15, 2 ** 16, 40_000]);
    return { multiplier, multiplierA: factor(), multiplierB: factor() };
  }

  private differences(): readonly [number, number] {
    return this.wild ? [-32768, 32767] : [-3000, 3000];
  }

  dense(input: number, units: number, bits: 8 | 4, out32 = false): number {
    const fields = this.behind("DENSE", input, units, this.rows(input));
    const { LINEAR, RELU } = ACTIVATION;
    const act = this.activation(out32 ? [LINEAR, RELU] : Object.values(ACTIVATION));
    const columns = this.size(input);
    const weights = this.weights(bits, units, columns);
    return this.push(
      "DENSE",
      { ...fields, flags: (fields.flags ?? 0) | (out32 ? FLAG.OUT32 : 0), ...act.fields, bits },
      {
        weights: packQuads({ order: "plain", bits, hiddenSize: units, input: weights }),
        rowParams: this.rowParams("plain", units, this.deviation(columns, weights.reach)),
        table: act.table,
      },
    );
  }

  /** Padding and rows of a windowed kernel; `keepRows`: as many rows as come in. */
  private windowing(
    input: number,
    history: number,
    keepRows: boolean,
  ): { stride: number; padLeft: number; rowsOut: number } {
    const { random } = this;
    const stride = keepRows ? 1 : random.pick([1, 1, 2, 3]);
    const padLeft = random.pick([0, history - 1, (history - 1) >> 1, random.int(0, history - 1)]);
    const rowsIn = this.rows(input);
    if (this.window === 0) return { stride, padLeft, rowsOut: 0 };
    if (keepRows) return { stride, padLeft, rowsOut: rowsIn };
    const most = Math.floor((rowsIn - 1 + padLeft) / stride) + 1;
    const valid = Math.floor((rowsIn - history + padLeft) / stride) + 1;
    const rowsOut = random.pick([
      most,
      Math.max(1, valid),
      Math.min(most, Math.ceil(rowsIn / stride)),
      random.int(1, most),
    ]);
    return { stride, padLeft, rowsOut: Math.min(Math.max(1, rowsOut), most) };
  }

  conv1d(input: number, filters: number, bits: 8 | 4, keepRows = false): number {
    const { random } = this;
    const taps = random.pick([1, 2, 3, 4, 5]);
    const dilation = random.pick([1, 1, 2, 3]);
    const { rowsOut, ...window } = this.windowing(input, (taps - 1) * dilation + 1, keepRows);
    const fields = this.behind("CONV1D", input, filters, rowsOut);
    const act = this.activation(Object.values(ACTIVATION));
    const channels = this.size(input) + (this.size(input) & 1);
    const weights = this.weights(bits, filters, taps * channels);
    return this.push(
      "CONV1D",
      { ...fields, ...window, ...act.fields, bits, taps, dilation },
      {
        weights: packQuads({ order: "plain", bits, hiddenSize: filters, input: weights }),
        rowParams: this.rowParams("plain", filters, this.deviation(taps * channels, weights.reach)),
        table: act.table,
      },
    );
  }

  depthwise(input: number, depthMultiplier: number, keepRows = false): number {
    const { random } = this;
    const taps = random.pick([1, 2, 3, 4, 5]);
    const dilation = random.pick([1, 1, 2, 3]);
    const { rowsOut, ...window } = this.windowing(input, (taps - 1) * dilation + 1, keepRows);
    const size = this.size(input) * depthMultiplier;
    const fields = this.behind("DEPTHWISE_CONV1D", input, size, rowsOut);
    const act = this.activation(Object.values(ACTIVATION));
    const { weights, reach } = this.weights(8, taps, size);
    return this.push(
      "DEPTHWISE_CONV1D",
      { ...fields, ...window, ...act.fields, bits: 8, taps, dilation, depthMultiplier },
      {
        weights: packByteRows(weights, taps, size),
        rowParams: this.rowParams("plain", size, this.deviation(taps, reach)),
        table: act.table,
      },
    );
  }

  pool(input: number, mode: number, keepRows = false): number {
    const taps = this.random.int(1, 5);
    const { rowsOut, ...window } = this.windowing(input, taps, keepRows);
    const aux = mode === POOL_MODE.AVERAGE ? averageBytes(taps) : undefined;
    return this.push(
      "POOL",
      { ...this.behind("POOL", input, this.size(input), rowsOut), ...window, taps, mode },
      { aux },
    );
  }

  globalPool(input: number, mode: number): number {
    const average = mode === POOL_MODE.AVERAGE;
    const fields = this.behind("GLOBAL_POOL", input, this.size(input), 1, average ? FLAG.MASK_OBEY : 0);
    const obey = ((fields.flags ?? 0) & FLAG.MASK_OBEY) !== 0;
    const multiplier = average && !obey ? Math.round(2 ** 30 / this.rows(input)) : 0;
    return this.push(
      "GLOBAL_POOL",
      { ...fields, mode, multiplier },
      { aux: obey ? averageBytes(this.rows(input)) : undefined },
    );
  }

  affineLayer(input: number): number {
    const fields = this.behind("AFFINE", input, this.size(input), this.rows(input));
    return this.push("AFFINE", fields, { aux: this.affine(this.size(input), [4, 16], 2) });
  }

  activationLayer(input: number): number {
    const fields = this.behind("ACTIVATION", input, this.size(input), this.rows(input));
    const act = this.activation(Object.values(ACTIVATION));
    const multiplier = this.wild ? this.int32() : Math.round(this.random.signed() * 2 ** 18);
    return this.push("ACTIVATION", { ...fields, ...act.fields, multiplier }, { table: act.table });
  }

  prelu(input: number): number {
    const fields = this.behind("PRELU", input, this.size(input), this.rows(input));
    const shift = this.random.int(0, this.wild ? 30 : 15);
    return this.push("PRELU", { ...fields, shift }, { aux: int16Bytes(this.random.int16s(this.size(input))) });
  }

  layerNorm(input: number): number {
    const fields = this.behind("LAYER_NORM", input, this.size(input), this.rows(input));
    const epsilon = this.random.pick([1n, 2n, 1n << 20n, 1n << 40n, 1n << 61n, BigInt(this.random.bits()) + 1n]);
    const entries = this.affine(this.size(input), [18, 24], 2 ** -8);
    const aux = layerNormBytes(epsilon, []);
    return this.push("LAYER_NORM", fields, { aux: new Uint8Array([...aux, ...entries]) });
  }

  softmax(input: number): number {
    const fields = this.behind("SOFTMAX", input, this.size(input), this.rows(input));
    const multiplier = this.wild ? this.int32() & 0x7fffffff : this.random.int(0, 2 ** 20);
    return this.push("SOFTMAX", { ...fields, multiplier });
  }

  mask(input: number): number {
    const fields = this.behind("MASK", input, this.size(input), this.rows(input));
    const { random } = this;
    const flags =
      (fields.flags ?? 0) | (random.chance(0.5) ? FLAG.MASK_ZERO : 0) | (random.chance(0.5) ? FLAG.MASK_ANY : 0);
    return this.push("MASK", { ...fields, flags }, { aux: int16Bytes(new Int16Array(this.size(input))) });
  }

  reverse(input: number): number {
    return this.push("REVERSE", this.behind("REVERSE", input, this.size(input), this.rows(input)));
  }

  reshape(input: number, outputSize: number): number {
    const rowsOut = (this.rows(input) * this.size(input)) / outputSize;
    return this.push("RESHAPE", this.behind("RESHAPE", input, outputSize, rowsOut));
  }

  repeat(input: number, rowsOut: number): number {
    return this.push("REPEAT", this.behind("REPEAT", input, this.size(input), rowsOut));
  }

  fifo(input: number, partner: number, taps: number): number {
    const fields = this.behind("FIFO", input, this.size(input), this.rows(input));
    return this.push("FIFO", { ...fields, input1: partner, taps });
  }

  /** MERGE of two records with, where needed, a FIFO before it; undefined (and nothing added) where their rows never meet. */
  merge(a: number, b: number, mode: number): number | undefined {
    const sizes = [this.size(a), this.size(b)] as const;
    if (this.rows(a) !== this.rows(b) || (mode !== MERGE_MODE.CONCAT && sizes[0] !== sizes[1])) return undefined;
    const outputSize = mode === MERGE_MODE.CONCAT ? sizes[0] + sizes[1] : sizes[0];
    const fields: Fields = {
      ...this.behind("MERGE", a, outputSize, this.rows(a)),
      input1: b,
      depthMultiplier: sizes[1],
      mode,
    };
    const trial: RecordSpec = { kernel: "MERGE", fields };
    const timing = simulateSchedule([...this.records, trial], this.window).merges.at(-1)!;
    if (timing.ahead === "both" || timing.unmatched > 0 || timing.capacity > 64) return undefined;
    let [first, second] = [a, b];
    const spare = this.random.pick([0, 0, 1, 3]);
    if (timing.ahead === "first") first = this.fifo(a, b, timing.capacity + spare);
    if (timing.ahead === "second") second = this.fifo(b, a, timing.capacity + spare);
    const { random } = this;
    const factor = () => (this.wild ? random.int(-32768, 32767) : random.int(-2000, 2000));
    return this.push("MERGE", {
      ...fields,
      input0: first,
      input1: second,
      multiplier: this.wild ? this.int32() : Math.round(random.signed() * 2 ** 18),
      multiplierA: factor(),
      multiplierB: factor(),
      shift: this.wild ? random.int(0, 30) : random.int(8, 12),
    });
  }

  build(): ModelSpec {
    const first = this.records[0]!;
    const tokens = first.kernel === "EMBEDDING";
    const transforms = Object.keys(OUTPUT_TRANSFORM).map((name) =>
      name.toLowerCase(),
    ) as ModelSpec["outputTransform"][];
    return {
      inputKind: tokens ? "tokens" : "frames",
      outputTransform: this.random.pick(transforms),
      window: this.window,
      frameSize: first.fields.inputSize ?? NO_INPUT,
      vocabularySize: first.fields.vocabulary ?? 0,
      outputScale: 2 ** -this.random.int(0, 20),
      records: this.records,
    };
  }
}
