import type { KernelName } from "@gatelet/converter/format";

/** One measured layer of another runtime: its size and what it took. */
interface Figure {
  /** Multiply-accumulates of one evaluation. */
  readonly macs: number;
  /** Cycles a MAC by a cycle model of Cortex-M4, 0 wait states, of counted instructions. */
  readonly cycles: number;
}

interface Runtime {
  readonly name: string;
  readonly layers: Partial<Record<KernelName, readonly Figure[]>>;
  /** Kernels that the runtime has, but of which nobody has counted a layer for this table. */
  readonly uncounted: readonly KernelName[];
}

/** Shapes that were counted: LSTM and GRU 6 -> 128, 128 -> 64, 64 -> 32; SimpleRNN 6 -> 256, 256 -> 128, 128 -> 64. */
const shapes = (gates: number, sizes: readonly (readonly [number, number])[], cycles: readonly number[]): Figure[] =>
  sizes.map(([inputs, units], i) => ({ macs: gates * units * (inputs + units), cycles: cycles[i]! }));
const GATED = [
  [6, 128],
  [128, 64],
  [64, 32],
] as const;
const SIMPLE = [
  [6, 256],
  [256, 128],
  [128, 64],
] as const;

/** Shapes that were counted: Dense 128 -> 128 and 64 -> 10. */
const dense = (cycles: readonly [number, number]): Figure[] => [
  { macs: 128 * 128, cycles: cycles[0] },
  { macs: 64 * 10, cycles: cycles[1] },
];

/** Shapes that were counted: Conv1D of 3 taps 64 -> 64, of 5 taps 16 -> 32 and 6 -> 16, of 3 taps 6 -> 16. */
const conv1d = (cycles: readonly [number, number, number, number]): Figure[] =>
  [64 * 64 * 3, 16 * 32 * 5, 6 * 16 * 5, 6 * 16 * 3].map((macs, i) => ({ macs, cycles: cycles[i]! }));

/**
 * Where every figure of the table comes from: recurrent layers and CMSIS-NN by instructions counted in QEMU, Dense and Conv1D
 * of the other two by the built-in board (-O2, the kernel's own call alone).
 */
export const OTHER_RUNTIMES_SOURCE =
  "instructions counted in QEMU or the built-in board, gcc 12.2 for cortex-m4, documented instruction timings, 0 wait states; CMSIS-NN 99f736a6 -Ofast, TensorFlow Lite Micro 90b983c2 reference kernels, NNoM 4d1d8fc0 with its own C kernels";

const RUNTIMES: readonly Runtime[] = [
  {
    name: "CMSIS-NN s8",
    layers: {
      LSTM: shapes(4, GATED, [3.88, 3.46, 4.53]),
      DENSE: dense([2.81, 3.6]),
      CONV1D: conv1d([2.3, 2.9, 5.16, 6.8]),
    },
    uncounted: ["DEPTHWISE_CONV1D"],
  },
  {
    name: "TFLM ref.",
    layers: {
      LSTM: shapes(4, GATED, [16.96, 16.42, 18.03]),
      DENSE: dense([9.43, 9.88]),
      CONV1D: conv1d([11.88, 13.91, 18.81, 20.46]),
    },
    uncounted: ["DEPTHWISE_CONV1D"],
  },
  {
    name: "NNoM",
    layers: {
      LSTM: shapes(4, GATED, [7.55, 7.25, 8.04]),
      GRU_RESET_AFTER: shapes(3, GATED, [7.59, 7.29, 8.12]),
      RNN: shapes(1, SIMPLE, [4.25, 4.1, 4.59]),
      DENSE: dense([3.92, 5.11]),
      CONV1D: conv1d([8.83, 10.29, 14.1, 16.83]),
    },
    uncounted: ["DEPTHWISE_CONV1D"],
  },
];

/** A layer with weights: what it does in the counted steps and in one evaluation. */
export interface WeightedLayer {
  readonly record: number;
  readonly name: string;
  readonly kernel: KernelName;
  readonly macs: number;
  readonly rowMacs: number;
  /** Our own cycles in the ticks in which it has something to do; null without the cycle model. */
  readonly workCycles: number | null;
}

export interface RuntimeEstimate {
  /** Estimated cycles over the counted steps; null without a figure. */
  readonly cycles: number | null;
  readonly offered: boolean;
}

export interface OtherRuntime {
  readonly name: string;
  readonly layers: readonly RuntimeEstimate[];
}

/** What other runtimes would take: estimates from counted layers of the nearest size, never runs. */
export interface OtherRuntimes {
  readonly basis: string;
  readonly layers: readonly Pick<WeightedLayer, "record" | "name" | "workCycles">[];
  readonly runtimes: readonly OtherRuntime[];
}

/** Estimates for the layers that have weights; an embedding is a look-up and none. */
export function otherRuntimes(layers: readonly WeightedLayer[]): OtherRuntimes {
  const weighted = layers.filter(({ macs }) => macs > 0);
  return {
    basis: `estimated from counted instructions a MAC of the layer nearest in size: ${OTHER_RUNTIMES_SOURCE}`,
    layers: weighted.map(({ record, name, workCycles }) => ({ record, name, workCycles })),
    runtimes: RUNTIMES.map((runtime) => ({
      name: runtime.name,
      layers: weighted.map((layer) => estimate(runtime, layer)),
    })),
  };
}

function estimate({ layers, uncounted }: Runtime, { kernel, macs, rowMacs }: WeightedLayer): RuntimeEstimate {
  const figures = layers[kernel];
  if (figures === undefined) return { cycles: null, offered: uncounted.includes(kernel) };
  const distance = (figure: Figure): number => Math.abs(Math.log(figure.macs / rowMacs));
  const nearest = figures.reduce((best, figure) => (distance(figure) < distance(best) ? figure : best));
  return { cycles: macs * nearest.cycles, offered: true };
}
