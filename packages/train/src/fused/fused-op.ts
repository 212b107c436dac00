import type { Tensor, Tensor2D, Tensor3D } from "@tensorflow/tfjs";
import type { Tf } from "../tf/load-tf.js";
import type { CellWeights } from "./fused-cell.js";
import type { SequenceKernels } from "./kernels.js";
import { type FusedCell, type SequenceGradients, SequenceRun } from "./sequence-run.js";

/** Tensors of a call; shapes as `SequenceInputs` says. */
export interface FusedInputs extends CellWeights {
  readonly x: Tensor3D;
  readonly states?: readonly Tensor2D[];
}

export interface FusedOutputs {
  /** [B, T, H], or [B, H] without `all`; gradients go through it to all inputs. */
  readonly output: Tensor;
  /** States behind the last step; no gradients go through them. */
  states(): Tensor2D[];
}

/** Longer sequences, or more of them, are left to tfjs. */
const MOST_BYTES = 2 ** 30;

/** Whether a call of this cell on x has room in the kernels' memory. */
export function canHold({ units }: FusedCell, { shape: [batch, steps, inputs] }: Tensor3D): boolean {
  // Gates, states and what else is kept of each step, for the largest cell, and the slopes on the way back.
  return 4 * batch * steps * (10 * (units + 3) + 3 * inputs) < MOST_BYTES;
}

/** Gives back the memory of runs whose way back nobody took. */
const forgotten = new FinalizationRegistry<SequenceRun>((run) => run.release());

/** A cell over whole sequences as one operation of tfjs with gradients of its own. */
export function fusedSequence(
  tf: Tf,
  kernels: SequenceKernels,
  cell: FusedCell,
  inputs: FusedInputs,
  all: boolean,
): FusedOutputs {
  const [batch, steps, size] = inputs.x.shape;
  const values = (tensor: Tensor) => tensor.dataSync() as Float32Array;
  const { x, kernel, recurrent, bias, states } = inputs;
  const run = new SequenceRun(kernels, cell, {
    x: values(x),
    shape: [batch, steps, size],
    kernel: values(kernel),
    recurrent: values(recurrent),
    ...(bias === undefined ? {} : { bias: values(bias) }),
    ...(states === undefined ? {} : { states: states.map(values) }),
  });
  const last = run.finalStates();
  const shape = all ? [batch, steps, cell.units] : [batch, cell.units];
  const forward = (): Tensor => tf.tensor(all ? run.output(true) : last[0], shape);
  const finalStates = () => last.map((state) => tf.tensor2d(state, [batch, cell.units]));
  if (!tf.engine().isTapeOn()) {
    const output = forward();
    run.release();
    return { output, states: finalStates };
  }
  const arguments_ = [x, kernel, recurrent, ...(bias === undefined ? [] : [bias]), ...(states ?? [])];
  const operation = tf.customGrad(() => {
    const gradFunc = (slopes: Tensor): Tensor[] => {
      const gradients = run.backward(values(slopes), all);
      forgotten.unregister(gradFunc);
      return inOrder(gradients, inputs).map((gradient, i) => tf.tensor(gradient, arguments_[i].shape));
    };
    forgotten.register(gradFunc, run, gradFunc);
    return { value: forward(), gradFunc };
  });
  return { output: operation(...arguments_), states: finalStates };
}

function inOrder(gradients: SequenceGradients, { bias, states }: FusedInputs): Float32Array[] {
  const { x, kernel, recurrent } = gradients;
  return [
    x,
    kernel,
    recurrent,
    ...(bias === undefined ? [] : [gradients.bias]),
    ...(states === undefined ? [] : gradients.states),
  ];
}
