import {
  type GateModel,
  INPUT_KIND,
  KERNEL_NAMES,
  type KernelName,
  MERGE_MODE,
  type ModelSpec,
  POOL_MODE,
} from "@gatelet/converter/format";
import { Random } from "./random.js";
import { type RecurrentKernel, SpecBuilder } from "./spec-builder.js";

/** Raise it when the drawn models change: vectors name it. */
export const GENERATOR_VERSION = 1;

/** Sizes that meet every tail of quads, vectors and padding. */
export const SIZES = [1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33] as const;
const RECURRENT: readonly RecurrentKernel[] = ["RNN", "LSTM", "GRU", "GRU_RESET_AFTER", "MINIMAL_GRU", "FASTGRNN"];

export interface RandomModelOptions {
  /** Largest row; default 33. */
  readonly maxSize?: number;
  /** Longest window; default 12. */
  readonly maxWindow?: number;
  /** Layers besides the input; default 1..7. */
  readonly maxLayers?: number;
  /** Probability of a record with extreme parameters; default 0.15. */
  readonly wildness?: number;
}

const modes = Object.values(MERGE_MODE);

class Drawer {
  readonly builder: SpecBuilder;
  private readonly sizes: readonly number[];

  constructor(
    readonly random: Random,
    options: RandomModelOptions,
    window: number,
  ) {
    this.builder = new SpecBuilder(random, window, options.wildness);
    this.sizes = SIZES.filter((size) => size <= (options.maxSize ?? 33));
  }

  size(): number {
    return this.random.pick(this.sizes);
  }
  bits(): 8 | 4 {
    return this.random.pick([8, 4] as const);
  }

  first(): void {
    const { random, builder } = this;
    if (random.chance(0.2)) builder.embedding(random.pick([1, 2, 5, 17, 40]), this.size());
    else builder.input(this.size(), random.chance(0.4) ? "set" : "none");
  }

  /** A layer behind `input` that yields as many rows as it takes. */
  steady(input: number): number {
    const { builder, random } = this;
    const n = builder.size(input);
    const choices: (() => number)[] = [
      () => builder.recurrent(random.pick(RECURRENT), input, this.size(), this.bits()),
      () => builder.recurrent(random.pick(RECURRENT), input, this.size(), this.bits()),
      () => builder.dense(input, this.size(), this.bits()),
      () => builder.conv1d(input, this.size(), this.bits(), true),
      () => builder.depthwise(input, n <= 9 ? random.pick([1, 2, 3]) : 1, true),
      () => builder.pool(input, random.pick([POOL_MODE.MAX, POOL_MODE.AVERAGE]), true),
      () => builder.affineLayer(input),
      () => builder.activationLayer(input),
      () => builder.prelu(input),
      () => builder.layerNorm(input),
      () => builder.softmax(input),
      () => builder.mask(input),
    ];
    if (builder.window > 0) choices.push(() => builder.reverse(input));
    return random.pick(choices)();
  }

  /** A layer that changes the number of rows (in a stream: the rate). */
  changing(input: number): number {
    const { builder, random } = this;
    const rows = builder.rows(input);
    const values = rows * builder.size(input);
    const mode = random.pick([POOL_MODE.MAX, POOL_MODE.AVERAGE]);
    const choices: (() => number)[] = [
      () => builder.conv1d(input, this.size(), this.bits()),
      () => builder.depthwise(input, 1),
      () => builder.pool(input, mode),
    ];
    if (builder.window > 0) {
      const divisors = Array.from({ length: values }, (_, i) => i + 1).filter(
        (d) => values % d === 0 && values / d <= 40,
      );
      choices.push(
        () => builder.globalPool(input, mode),
        () => builder.recurrent(random.pick(RECURRENT), input, this.size(), this.bits(), true),
        () => builder.reshape(input, random.pick(divisors)),
      );
      if (rows === 1) choices.push(() => builder.repeat(input, random.int(1, 9)));
    }
    return random.pick(choices)();
  }

  /** Two branches from `input` that meet again. */
  branches(input: number): number {
    const { builder, random } = this;
    let left = input;
    let right = input;
    for (let i = random.int(0, 2); i > 0; i--) left = this.steady(left);
    for (let i = random.int(1, 2); i > 0; i--) right = this.steady(right);
    if (random.chance(0.5)) [left, right] = [right, left];
    const same = builder.size(left) === builder.size(right);
    return builder.merge(left, right, same ? random.pick(modes) : MERGE_MODE.CONCAT) ?? builder.last;
  }
}

/** A valid model drawn from a seed: any kernels in any order, windows and streams, branches with FIFOs, tokens, masks. */
export function randomModel(seed: number, options: RandomModelOptions = {}): ModelSpec {
  const random = new Random(seed);
  const window = random.chance(0.3) ? 0 : random.int(1, options.maxWindow ?? 12);
  const drawer = new Drawer(random, options, window);
  const { builder } = drawer;
  drawer.first();
  const layers = random.int(1, options.maxLayers ?? 7);
  let at = builder.last;
  for (let i = 0; i < layers; i++) {
    const kind = random.int(0, 9);
    at = kind < 5 ? drawer.steady(at) : kind < 8 ? drawer.changing(at) : drawer.branches(at);
    if (builder.rows(at) > 200) break;
  }
  if (random.chance(0.4)) builder.dense(at, drawer.size(), drawer.bits(), random.chance(0.7));
  return builder.build();
}

/**
 * A small model about one kernel: the seed walks through sizes, bit widths, flags and modes.
 * The kernel under test is the last record or feeds a small int32 Dense.
 */
export function kernelModel(kernel: KernelName, seed: number, options: RandomModelOptions = {}): ModelSpec {
  const random = new Random(Math.imul(seed, 0x9e3779b1) ^ KERNEL_NAMES.indexOf(kernel));
  const streams = !["GLOBAL_POOL", "REVERSE", "RESHAPE", "REPEAT"].includes(kernel);
  const window = streams && random.chance(0.3) ? 0 : random.int(1, options.maxWindow ?? 12);
  const drawer = new Drawer(random, options, window);
  const { builder } = drawer;
  const sizes = SIZES.filter((size) => size <= (options.maxSize ?? 33));
  const inputSize = sizes[seed % sizes.length]!;
  const outputSize = sizes[Math.floor(seed / sizes.length) % sizes.length]!;
  const bits = random.pick([8, 4] as const);
  const tokens = kernel === "EMBEDDING";
  let at = tokens
    ? builder.embedding(random.pick([1, 3, 40]), outputSize)
    : builder.input(inputSize, kernel === "INPUT" || random.chance(0.5) ? "set" : "none");
  const mode = random.int(0, 1);
  switch (kernel) {
    case "RNN":
    case "LSTM":
    case "GRU":
    case "GRU_RESET_AFTER":
    case "MINIMAL_GRU":
    case "FASTGRNN":
      at = builder.recurrent(kernel, at, outputSize, bits, window > 0 && random.chance(0.3));
      break;
    case "DENSE":
      at = builder.dense(at, outputSize, bits, random.chance(0.4));
      return builder.build();
    case "CONV1D":
      at = builder.conv1d(at, outputSize, bits);
      break;
    case "DEPTHWISE_CONV1D":
      at = builder.depthwise(at, random.int(1, 3));
      break;
    case "POOL":
      at = builder.pool(at, mode);
      break;
    case "GLOBAL_POOL":
      at = builder.globalPool(at, mode);
      break;
    case "AFFINE":
      at = builder.affineLayer(at);
      break;
    case "ACTIVATION":
      at = builder.activationLayer(at);
      break;
    case "PRELU":
      at = builder.prelu(at);
      break;
    case "LAYER_NORM":
      at = builder.layerNorm(at);
      break;
    case "SOFTMAX":
      at = builder.softmax(at);
      break;
    case "MASK":
      at = builder.mask(builder.activationLayer(at));
      at = builder.recurrent("RNN", at, 3, 8);
      break;
    case "REVERSE":
      at = builder.reverse(at);
      break;
    case "RESHAPE": {
      const values = window * inputSize;
      at = builder.reshape(at, random.pick([1, inputSize, values].filter((d) => values % d === 0 && values / d < 400)));
      break;
    }
    case "REPEAT":
      at = builder.recurrent("RNN", at, outputSize, bits, true);
      at = builder.repeat(at, random.int(1, 9));
      break;
    case "MERGE": {
      const mergeMode = random.pick(modes);
      const other = builder.dense(at, mergeMode === MERGE_MODE.CONCAT ? outputSize : inputSize, bits);
      at = builder.merge(at, other, mergeMode)!;
      break;
    }
    case "FIFO": {
      let late = builder.conv1d(at, inputSize, bits, true);
      late = builder.pool(late, mode, true);
      at = builder.merge(at, late, random.pick(modes)) ?? late;
      break;
    }
    case "INPUT":
    case "EMBEDDING":
      break;
  }
  if (random.chance(0.3)) builder.dense(at, drawer.size(), bits, random.chance(0.5));
  return builder.build();
}

type FrameShape = Pick<GateModel["header"], "inputKind" | "frameSize" | "vocabularySize">;

/** Frames for a model: random, small, extreme, saturating, constant, all zero (which masks), ramps; valid tokens. */
export function randomFrames(seed: number, shape: FrameShape, count: number): Int16Array[] {
  const random = new Random(seed);
  if (shape.inputKind === INPUT_KIND.TOKENS) {
    return Array.from({ length: count }, () =>
      Int16Array.of(random.chance(0.2) ? 0 : random.int(0, shape.vocabularySize - 1)),
    );
  }
  const n = shape.frameSize;
  const makers: (() => Int16Array)[] = [
    () => random.int16s(n),
    () => random.int16s(n, -4000, 4000),
    () => random.int16s(n, -50, 50),
    () => new Int16Array(n),
    () => new Int16Array(n).fill(random.pick([32767, -32768, 1, -1])),
    () => Int16Array.from({ length: n }, () => random.pick([32767, -32768, 0])),
    () => Int16Array.from({ length: n }, (_, i) => (i * 977 + random.bits()) & 0x3fff),
  ];
  return Array.from({ length: count }, () => random.pick(makers)());
}
