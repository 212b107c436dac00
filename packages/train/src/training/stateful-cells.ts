import type { layers, serialization, Tensor, Tensor1D, Tensor2D, Tensor3D } from "@tensorflow/tfjs";
import { fusedCell, kernelsOf, namedWeights } from "../fused/fused-cell.js";
import { canHold, fusedSequence } from "../fused/fused-op.js";
import { ownCell } from "../layers/own-layers.js";
import { fusedWeights, projectedRows } from "../layers/recurrent-layer.js";
import type { Tf } from "../tf/load-tf.js";
import { TrainError } from "./errors.js";

/** A recurrent layer that is given its state and gives it back: [batch, steps, features] to [batch, steps, units]. */
export interface StatefulCell {
  /** Sizes of the state tensors: hidden, and for an LSTM the cell. */
  readonly sizes: readonly number[];
  run(x: Tensor3D, state: readonly Tensor2D[]): { rows: Tensor3D; state: readonly Tensor2D[] };
}

interface CellConfig {
  readonly units: number;
  readonly activation?: string;
  readonly recurrentActivation?: string;
  readonly recurrent_activation?: string;
  readonly goBackwards?: boolean;
  readonly returnSequences?: boolean;
  readonly return_sequences?: boolean;
}

type Pointwise = (x: Tensor2D) => Tensor2D;
type Step = (row: Tensor2D, state: readonly Tensor2D[]) => readonly Tensor2D[];

const RECURRENT = ["SimpleRNN", "LSTM", "GRU"];

/**
 * The cell of a layer, computing with the layer's own variables; undefined for a layer without a state. Throws
 * `TOPOLOGY_INVALID` for one whose state cannot be kept, naming it.
 */
export function statefulCell(tf: Tf, layer: layers.Layer): StatefulCell | undefined {
  const kind = layer.getClassName();
  const own = ownCell(kind);
  if (own === undefined && !RECURRENT.includes(kind)) return undefined;
  const config = layer.getConfig() as unknown as CellConfig;
  const refuse = (why: string) =>
    new TrainError("TOPOLOGY_INVALID", `layer ${layer.name} (${kind}) cannot be trained on streams: ${why}`);
  if (config.goBackwards === true) throw refuse("it runs backwards");
  if (!(config.returnSequences ?? config.return_sequences)) throw refuse("it gives no answer a step (returnSequences)");
  const act = pointwise(tf, config.activation ?? "tanh", refuse);
  const gate = pointwise(tf, config.recurrentActivation ?? config.recurrent_activation ?? "hardSigmoid", refuse);
  const { units } = config;
  const stored = layer.weights.map((weight) => weight.read());
  const [, recurrent, bias] = stored;
  const column = (x: Tensor2D, place: number) => x.slice([0, place * units], [x.shape[0], units]) as Tensor2D;
  const product = (hidden: Tensor2D, weights: Tensor) => hidden.matMul(weights as Tensor2D) as Tensor2D;
  const steps: Record<string, () => Step> = {
    SimpleRNN:
      () =>
      (row, [hidden]) => [act(row.add<Tensor2D>(product(hidden, recurrent)))],
    LSTM:
      () =>
      (row, [hidden, cell]) => {
        const sum = row.add<Tensor2D>(product(hidden, recurrent));
        const [input, forget, output] = [0, 1, 3].map((place) => gate(column(sum, place)));
        const next = forget.mul(cell).add<Tensor2D>(input.mul(act(column(sum, 2))));
        return [output.mul(act(next)), next];
      },
    GRU: () => gruResetBefore(),
  };
  const gruResetBefore = (): Step => {
    const gates: Tensor = recurrent.slice([0, 0], [units, 2 * units]);
    const last: Tensor = recurrent.slice([0, 2 * units], [units, units]);
    return (row, [hidden]) => {
      const sum = product(hidden, gates);
      const [z, r] = [0, 1].map((place) => gate(column(row, place).add<Tensor2D>(column(sum, place))));
      const candidate = act(column(row, 2).add<Tensor2D>(product(r.mul<Tensor2D>(hidden), last)));
      return [candidate.add(z.mul<Tensor2D>(hidden.sub(candidate)))];
    };
  };
  const ownConfig = config as unknown as serialization.ConfigDict;
  const fused = fusedCell(kind, ownConfig);
  return {
    sizes: kind === "LSTM" ? [units, units] : [units],
    run: (x, state) => {
      // Factors of low rank are multiplied where gradients see it.
      const weights = own?.whole?.(stored, ownConfig) ?? stored;
      const kernels = kernelsOf(tf);
      if (fused !== undefined && kernels !== undefined && canHold(fused, x)) {
        const named = own === undefined ? namedWeights(weights) : fusedWeights(own, weights);
        const { output, states } = fusedSequence(tf, kernels, fused, { x, ...named, states: state }, true);
        return { rows: output as Tensor3D, state: states() };
      }
      const ownStep = own?.step(tf, weights, ownConfig);
      const step: Step = ownStep === undefined ? steps[kind]() : (row, [hidden]) => [ownStep(row, hidden)];
      const inputBias = own === undefined ? (bias as Tensor1D | undefined) : own.inputBias(weights, ownConfig);
      let now = state;
      const rows: Tensor2D[] = [];
      for (const row of projectedRows(tf, x, weights[0] as Tensor2D, inputBias)) {
        now = step(row, now);
        rows.push(now[0]);
      }
      return { rows: tf.stack(rows, 1) as Tensor3D, state: now };
    },
  };
}

function pointwise(tf: Tf, name: string, refuse: (why: string) => TrainError): Pointwise {
  switch (name.replaceAll("_", "").toLowerCase()) {
    case "tanh":
      return (x) => x.tanh();
    case "sigmoid":
      return (x) => x.sigmoid();
    case "relu":
      return (x) => x.relu();
    case "linear":
      return (x) => x;
    case "hardsigmoid":
      return (x) => tf.clipByValue(x.mul(0.2).add(0.5), 0, 1);
    default:
      throw refuse(`activation ${name} is not known here`);
  }
}
