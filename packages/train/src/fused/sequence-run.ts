import { type Block, type CellKind, EMPTY_RECORD, type SequenceKernels, type SequenceRecord } from "./kernels.js";

/** A recurrent layer as the kernels know it. */
export interface FusedCell {
  readonly kind: CellKind;
  readonly units: number;
  /** Numbers of `ACTIVATIONS`; a SimpleRNN has no gates. */
  readonly activation: number;
  readonly gateActivation: number;
}

/**
 * Values of a call, as tfjs orders them: x [B, T, I], kernel [I, W], recurrent [H, W], bias [W], states [B, H]. The bias of a GRU with
 * reset after is [2, W], that of FastGRNN both its biases and its factors behind their sigmoids, [2 H + 2].
 */
export interface SequenceInputs {
  readonly x: Float32Array;
  readonly shape: readonly [batch: number, steps: number, inputs: number];
  readonly kernel: Float32Array;
  readonly recurrent: Float32Array;
  readonly bias?: Float32Array;
  /** Hidden state, and for an LSTM the cell state, in front of the first step; default: zeros. */
  readonly states?: readonly Float32Array[];
}

/** Slopes, shaped as the inputs; those of the states always, whether states were given or not. */
export interface SequenceGradients {
  readonly x: Float32Array;
  readonly kernel: Float32Array;
  readonly recurrent: Float32Array;
  readonly bias: Float32Array;
  readonly states: readonly Float32Array[];
}

const GATES: Readonly<Record<CellKind, number>> = {
  simpleRnn: 1,
  lstm: 4,
  gruBefore: 3,
  gruAfter: 3,
  minimalGru: 2,
  fastGrnn: 1,
};
/** Of FastGRNN, behind its biases. */
const FACTORS = 2;

type Part = keyof SequenceRecord | "staging";

/** Places for parts of so many floats in one block. */
function place(kernels: SequenceKernels, sizes: Partial<Record<Part, number>>) {
  const rounded = Object.entries(sizes).map(([part, floats]) => [part, 16 * Math.ceil(floats / 4)] as const);
  const block = kernels.allocate(rounded.reduce((sum, [, bytes]) => sum + bytes, 0));
  let at = block.at;
  const places = Object.fromEntries(rounded.map(([part, bytes]) => [part, (at += bytes) - bytes]));
  return { block, places: places as Partial<Record<Part, number>> };
}

/**
 * One pass of a cell over a batch of sequences: forward when it is made, backward at most once. It holds memory of the kernels until
 * {@link backward} or {@link release}.
 */
export class SequenceRun {
  readonly #kernels: SequenceKernels;
  readonly #cell: FusedCell;
  readonly #shape: SequenceInputs["shape"];
  /** Units rounded up to whole vectors. */
  readonly #units: number;
  readonly #gates: number;
  readonly #record: SequenceRecord;
  #block: Block | undefined;

  constructor(kernels: SequenceKernels, cell: FusedCell, inputs: SequenceInputs) {
    this.#kernels = kernels;
    this.#cell = cell;
    this.#shape = inputs.shape;
    this.#units = 4 * Math.ceil(cell.units / 4);
    this.#gates = GATES[cell.kind];
    const { block, places } = place(kernels, this.#keptSizes());
    this.#block = block;
    const [batch, steps, size] = inputs.shape;
    const { activation, gateActivation } = cell;
    const sizes = { batch, steps, inputs: size, units: this.#units, width: this.#width };
    this.#record = { ...EMPTY_RECORD, ...sizes, activation, gateActivation, ...places };
    this.#withScratch({}, (record, staging) => {
      this.#load(inputs, staging);
      kernels.run(`${cell.kind}Forward`, record);
    });
  }

  get #width(): number {
    return this.#gates * this.#units;
  }

  /** Rows of one step of the hidden state, in floats. */
  get #stateSize(): number {
    return this.#shape[0] * this.#units;
  }

  #keptSizes(): Partial<Record<Part, number>> {
    const [batch, steps, inputs] = this.#shape;
    const state = this.#stateSize;
    const { kind } = this.#cell;
    return {
      x: steps * batch * inputs,
      kernel: inputs * this.#width,
      recurrent: this.#units * this.#width,
      bias: this.#width,
      recurrentBias: Math.max(this.#width, 2 * this.#units + FACTORS),
      gates: steps * batch * this.#width,
      hidden: (steps + 1) * state,
      ...(kind === "lstm" ? { cell: (steps + 1) * state } : {}),
      ...(kind === "simpleRnn" ? {} : { extra: steps * state }),
    };
  }

  /** Runs `work` with panels, scratch, a staging area, and more parts of so many floats, which go back behind it. */
  #withScratch<Result>(
    more: Partial<Record<Part, number>>,
    work: (record: SequenceRecord, staging: number) => Result,
  ): Result {
    const [batch, steps, inputs] = this.#shape;
    const kernels = this.#kernels;
    const widest = Math.max(inputs, this.#units);
    // Panels of the gates' and of the candidate's part each have columns rounded up.
    const panels =
      2 * Math.max(kernels.packedBytes(this.#units, this.#width), kernels.packedBytes(this.#width, this.#units));
    const { block, places } = place(kernels, {
      ...more,
      panels: panels / 4,
      scratch: kernels.productScratchBytes(Math.max(inputs, this.#width)) / 4,
      staging: Math.max(batch * steps * widest, widest * this.#width, 2 * this.#width),
    });
    const { staging = 0, ...fields } = places;
    try {
      return work({ ...this.#record, ...fields }, staging);
    } finally {
      kernels.release(block);
    }
  }

  #load({ x, kernel, recurrent, bias, states }: SequenceInputs, staging: number): void {
    const [batch, steps, inputs] = this.#shape;
    const units = this.#units;
    const gates = this.#gates;
    const record = this.#record;
    this.#put(x, record.x, staging, batch, steps, inputs, inputs);
    this.#put(kernel, record.kernel, staging, 1, inputs * gates, this.#cell.units, units);
    this.#clear(record.recurrent, units * this.#width);
    this.#put(recurrent, record.recurrent, staging, 1, this.#cell.units * gates, this.#cell.units, units);
    this.#loadBias(bias, staging);
    [record.hidden, record.cell].forEach((to, i) => {
      if (to === 0) return;
      if (states === undefined) this.#clear(to, this.#stateSize);
      else this.#put(states[i], to, staging, 1, batch, this.#cell.units, units);
    });
  }

  #loadBias(bias: Float32Array | undefined, staging: number): void {
    const { units } = this.#cell;
    const record = this.#record;
    this.#clear(record.bias, this.#width);
    this.#clear(record.recurrentBias, Math.max(this.#width, 2 * this.#units + FACTORS));
    if (bias === undefined) return;
    const rows = (values: Float32Array, to: number) =>
      this.#put(values, to, staging, 1, values.length / units, units, this.#units);
    if (this.#cell.kind === "fastGrnn") {
      rows(bias.subarray(0, 2 * units), record.recurrentBias);
      this.#kernels.floats.set(bias.subarray(2 * units), record.recurrentBias / 4 + 2 * this.#units);
      return;
    }
    const width = this.#gates * units;
    rows(bias.subarray(0, width), record.bias);
    rows(bias.subarray(width), record.recurrentBias);
  }

  #clear(at: number, floats: number): void {
    this.#kernels.floats.fill(0, at / 4, at / 4 + floats);
  }

  #put(
    values: ArrayLike<number>,
    to: number,
    staging: number,
    outer: number,
    inner: number,
    width: number,
    toWidth: number,
  ): void {
    this.#kernels.floats.set(values, staging / 4);
    this.#kernels.permute(staging, to, outer, inner, width, toWidth);
  }

  #get(from: number, staging: number, outer: number, inner: number, width: number, toWidth: number): Float32Array {
    this.#kernels.permute(from, staging, outer, inner, width, toWidth);
    return this.#kernels.floats.slice(staging / 4, staging / 4 + outer * inner * toWidth);
  }

  /** Hidden states of all steps [B, T, H], or of the last one [B, H]. */
  output(all: boolean): Float32Array {
    const [batch, steps] = this.#shape;
    if (!all) return this.#state(this.#record.hidden, steps);
    const bytes = 4 * this.#stateSize;
    return this.#withScratch({}, (record, staging) =>
      this.#get(record.hidden + bytes, staging, steps, batch, this.#units, this.#cell.units),
    );
  }

  /** Hidden state, and of an LSTM the cell state, behind the last step. */
  finalStates(): Float32Array[] {
    const { hidden, cell } = this.#record;
    return (cell === 0 ? [hidden] : [hidden, cell]).map((from) => this.#state(from, this.#shape[1]));
  }

  #state(from: number, step: number): Float32Array {
    const start = from + 4 * step * this.#stateSize;
    return this.#withScratch({}, (_, staging) =>
      this.#get(start, staging, 1, this.#shape[0], this.#units, this.#cell.units),
    );
  }

  /** Slopes of a loss from those of {@link output}, asked for with the same `all`. */
  backward(slopes: Float32Array, all: boolean): SequenceGradients {
    if (this.#block === undefined) throw new Error("a sequence has one way back");
    const [batch, steps, inputs] = this.#shape;
    const state = this.#stateSize;
    const sizes = {
      ...(all ? { stateSlopes: steps * state } : {}),
      hiddenSlope: state,
      cellSlope: state,
      resetSlope: state,
      kernelSlope: inputs * this.#width,
      recurrentSlope: this.#units * this.#width,
      biasSlope: this.#width,
      recurrentBiasSlope: Math.max(this.#width, 2 * this.#units + 4 * FACTORS),
      xSlope: steps * batch * inputs,
    };
    const gradients = this.#withScratch(sizes, (record, staging) => {
      const { units } = this.#cell;
      this.#clear(record.hiddenSlope, state);
      this.#clear(record.cellSlope, state);
      this.#clear(record.recurrentBiasSlope, sizes.recurrentBiasSlope);
      if (all) this.#put(slopes, record.stateSlopes, staging, batch, steps, units, this.#units);
      else this.#put(slopes, record.hiddenSlope, staging, 1, batch, units, this.#units);
      this.#kernels.run(`${this.#cell.kind}Backward`, record);
      return this.#gradients(record, staging);
    });
    this.release();
    return gradients;
  }

  #gradients(record: SequenceRecord, staging: number): SequenceGradients {
    const [batch, steps, inputs] = this.#shape;
    const { units, kind } = this.#cell;
    const rows = (from: number, count: number) => this.#get(from, staging, 1, count, this.#units, units);
    const gates = this.#gates;
    return {
      x: this.#get(record.xSlope, staging, steps, batch, inputs, inputs),
      kernel: rows(record.kernelSlope, inputs * gates),
      recurrent: rows(record.recurrentSlope, units * gates),
      bias: this.#biasSlopes(record, rows),
      states: [record.hiddenSlope, ...(kind === "lstm" ? [record.cellSlope] : [])].map((from) => rows(from, batch)),
    };
  }

  #biasSlopes(record: SequenceRecord, rows: (from: number, count: number) => Float32Array): Float32Array {
    const { kind } = this.#cell;
    if (kind === "fastGrnn") {
      const partial = record.recurrentBiasSlope / 4 + 2 * this.#units;
      const factors = Array.from({ length: FACTORS }, (_, i) => {
        const four = this.#kernels.floats.subarray(partial + 4 * i, partial + 4 * i + 4);
        return four.reduce((sum, value) => sum + value, 0);
      });
      return Float32Array.of(...rows(record.recurrentBiasSlope, 2), ...factors);
    }
    const bias = rows(record.biasSlope, this.#gates);
    return kind === "gruAfter" ? Float32Array.of(...bias, ...rows(record.recurrentBiasSlope, this.#gates)) : bias;
  }

  /** Gives the memory back; what was given out stays. */
  release(): void {
    if (this.#block !== undefined) this.#kernels.release(this.#block);
    this.#block = undefined;
  }
}
