import type { serialization, Tensor } from "@tensorflow/tfjs";
import type { Tf } from "../tf/load-tf.js";
import { ACTIVATIONS, type CellKind, type SequenceKernels } from "./kernels.js";
import type { FusedCell } from "./sequence-run.js";

/** Where recurrent layers compute: in our kernels for whole sequences, or in tfjs's operations step by step. */
export const RECURRENT_PATHS = ["fused", "tfjs"] as const;
export type RecurrentPath = (typeof RECURRENT_PATHS)[number];

const enabled = new WeakMap<object, SequenceKernels>();

/** Kernels for the recurrent layers of this tfjs from now on; undefined: its own operations. */
export function useKernels(tf: Tf, kernels: SequenceKernels | undefined): void {
  if (kernels === undefined) enabled.delete(tf.serialization);
  else enabled.set(tf.serialization, kernels);
}

/** What {@link useKernels} set, where tensors lie in this process's memory now. */
export function kernelsOf(tf: Tf): SequenceKernels | undefined {
  const backend = tf.getBackend();
  return backend === "wasm" || backend === "cpu" ? enabled.get(tf.serialization) : undefined;
}

/** Class names of layers, as saved, that kernels know. */
function kindOf(className: string, config: serialization.ConfigDict): CellKind | undefined {
  switch (className) {
    case "SimpleRNN":
      return "simpleRnn";
    case "LSTM":
      return "lstm";
    case "GRU":
      return "gruBefore";
    case "GateletGRU":
      return config["reset_after"] === false ? "gruBefore" : "gruAfter";
    case "MinimalGRU":
      return "minimalGru";
    case "FastGRNN":
      return "fastGrnn";
    default:
      return undefined;
  }
}

/** The cell of a layer by its saved configuration; undefined where kernels lack it or one of its activations. */
export function fusedCell(className: string, config: serialization.ConfigDict): FusedCell | undefined {
  const kind = kindOf(className, config);
  if (kind === undefined) return undefined;
  const activation = activationNumber(config["activation"] ?? "tanh");
  const gates = config["recurrentActivation"] ?? config["recurrent_activation"] ?? "hardSigmoid";
  const gateActivation = kind === "simpleRnn" ? activation : activationNumber(gates);
  if (activation === undefined || gateActivation === undefined) return undefined;
  return { kind, units: Number(config["units"]), activation, gateActivation };
}

function activationNumber(name: unknown): number | undefined {
  const plain = String(name).replaceAll("_", "").toLowerCase();
  return Object.entries(ACTIVATIONS).find(([known]) => known.toLowerCase() === plain)?.[1];
}

/** Weights of a call of the operation; shapes as `SequenceInputs` says. */
export interface CellWeights {
  readonly kernel: Tensor;
  readonly recurrent: Tensor;
  readonly bias?: Tensor;
}

/** A layer's tensors as the operation wants them. The type is written out: one that tsc infers names tfjs where no comment can excuse it. */
export function namedWeights([kernel, recurrent, bias]: readonly Tensor[]): CellWeights {
  return { kernel, recurrent, ...(bias === undefined ? {} : { bias }) };
}
