import { FLAG, KERNEL, type KernelName, type RecordField } from "./schema.js";

/**
 * Which record fields a kernel uses (FORMAT.md 5): all others are zero. One bit per group of fields; `tools/generate`
 * may write the AssemblyScript and C copies. Always in use: kernel, flags, input0, sizes, rows, output.
 * state, scratch, weights, rowParams, table, gateTable and aux follow from the sizes (sizes.ts).
 */
export const FIELD_GROUP = {
  INPUT1: 1,
  ACTIVATION: 2,
  GATE: 4,
  BITS: 8,
  PARTS: 16,
  SHIFT: 32,
  MULTIPLIER: 64,
  TAPS: 128,
  STRIDE: 256,
  DILATION: 512,
  FACTORS: 1024,
  DEPTH_MULTIPLIER: 2048,
  MODE: 4096,
  VOCABULARY: 8192,
} as const;
export type FieldGroup = keyof typeof FIELD_GROUP;

/** Fields of each group. `table` and `gateTable` go with ACTIVATION and GATE by value, see sizes.ts. */
export const GROUP_FIELDS: Readonly<Record<FieldGroup, readonly RecordField[]>> = {
  INPUT1: ["input1"],
  ACTIVATION: ["activation", "activationParam"],
  GATE: ["gateActivation"],
  BITS: ["bits"],
  PARTS: ["recurrentFirst", "alignShift"],
  SHIFT: ["shift"],
  MULTIPLIER: ["multiplier"],
  TAPS: ["taps"],
  STRIDE: ["stride", "padLeft"],
  DILATION: ["dilation"],
  FACTORS: ["multiplierA", "multiplierB"],
  DEPTH_MULTIPLIER: ["depthMultiplier"],
  MODE: ["mode"],
  VOCABULARY: ["vocabulary"],
};

export interface KernelRule {
  /** Flags that may be set. */
  readonly flags: number;
  /** Field groups in use. */
  readonly groups: number;
}

const G = FIELD_GROUP;
const RECURRENT_FLAGS = FLAG.LAST | FLAG.MASK_OBEY | FLAG.MASK_PASS;
const RECURRENT = G.ACTIVATION | G.BITS | G.PARTS;
const PASS = FLAG.MASK_PASS;
const SETS = FLAG.MASK_ZERO | FLAG.MASK_ANY;

export const KERNEL_RULES: Readonly<Record<KernelName, KernelRule>> = {
  INPUT: { flags: FLAG.MASK_SET | SETS, groups: 0 },
  EMBEDDING: { flags: FLAG.MASK_SET, groups: G.BITS | G.VOCABULARY },
  RNN: { flags: RECURRENT_FLAGS, groups: RECURRENT },
  LSTM: { flags: RECURRENT_FLAGS, groups: RECURRENT | G.GATE | G.SHIFT | G.MULTIPLIER },
  GRU: { flags: RECURRENT_FLAGS, groups: RECURRENT | G.GATE },
  GRU_RESET_AFTER: { flags: RECURRENT_FLAGS, groups: RECURRENT | G.GATE },
  DENSE: { flags: PASS | FLAG.OUT32, groups: G.ACTIVATION | G.BITS },
  CONV1D: { flags: PASS, groups: G.ACTIVATION | G.BITS | G.TAPS | G.STRIDE | G.DILATION },
  DEPTHWISE_CONV1D: {
    flags: PASS,
    groups: G.ACTIVATION | G.BITS | G.TAPS | G.STRIDE | G.DILATION | G.DEPTH_MULTIPLIER,
  },
  POOL: { flags: PASS, groups: G.TAPS | G.STRIDE | G.MODE },
  GLOBAL_POOL: { flags: PASS | FLAG.MASK_OBEY, groups: G.MODE | G.MULTIPLIER },
  AFFINE: { flags: PASS, groups: 0 },
  ACTIVATION: { flags: PASS, groups: G.ACTIVATION | G.MULTIPLIER },
  PRELU: { flags: PASS, groups: G.SHIFT },
  LAYER_NORM: { flags: PASS, groups: 0 },
  SOFTMAX: { flags: PASS, groups: G.MULTIPLIER },
  MERGE: {
    flags: PASS,
    groups: G.INPUT1 | G.SHIFT | G.MULTIPLIER | G.FACTORS | G.DEPTH_MULTIPLIER | G.MODE,
  },
  FIFO: { flags: PASS, groups: G.INPUT1 | G.TAPS },
  REVERSE: { flags: PASS, groups: 0 },
  RESHAPE: { flags: PASS, groups: 0 },
  REPEAT: { flags: PASS, groups: 0 },
  MASK: { flags: PASS | SETS, groups: 0 },
  MINIMAL_GRU: { flags: RECURRENT_FLAGS, groups: RECURRENT | G.GATE },
  FASTGRNN: { flags: RECURRENT_FLAGS, groups: RECURRENT | G.GATE | G.MULTIPLIER | G.FACTORS },
};

export const KERNEL_NAMES = Object.keys(KERNEL) as readonly KernelName[];

const is = (...names: KernelName[]) => {
  const set = new Set<KernelName>(names);
  return (kernel: KernelName): boolean => set.has(kernel);
};
const RECURRENT_KERNELS = ["RNN", "LSTM", "GRU", "GRU_RESET_AFTER", "MINIMAL_GRU", "FASTGRNN"] as const;
export const isRecurrent = is(...RECURRENT_KERNELS);
/** Kernels whose output row is their state. */
export const isStateOutput = is(...RECURRENT_KERNELS, "REPEAT");
/** Kernels with a history of rows and `wait`. */
export const isWindowed = is("CONV1D", "DEPTHWISE_CONV1D", "POOL");
export const isDrainable = is("CONV1D", "DEPTHWISE_CONV1D", "POOL", "REVERSE", "RESHAPE", "REPEAT");
export const hasQuads = is(...RECURRENT_KERNELS, "DENSE", "CONV1D");
