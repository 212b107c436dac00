import type { LayersModel, Tensor, Variable } from "@tensorflow/tfjs";
import { gatesOf, type Network } from "../prune/network.js";
import type { Tf } from "../tf/load-tf.js";
import { TrainError } from "../training/errors.js";
import type { Forward } from "../training/predict.js";
import { sat16 } from "./integer-math.js";
import { simulateFastGrnn } from "./simulated-fastgrnn.js";
import type { Rows, SimulatedLayer } from "./simulated-layer.js";
import { simulateMatrix } from "./simulated-matrix.js";
import { simulateRecurrent } from "./simulated-recurrent.js";
import { simulateShape } from "./simulated-shape.js";
import type { NetworkGrids } from "./weight-grid.js";

const SYNCHRONOUS = ["wasm", "cpu", "tensorflow"];

/**
 * A network in the integer arithmetic of docs/KERNELS.md: the same weights, scales, tables and roundings as the `.gate`
 * file made from weights that lie on the grids, within float64 (a requantization may differ where it falls within
 * 2^-23 of a tie). Sums are exact: see `exactProduct`. Needs a back end that answers synchronously.
 */
export class IntegerSimulation {
  #layers: SimulatedLayer[] = [];

  constructor(
    readonly tf: Tf,
    readonly network: Network,
    readonly grids: NetworkGrids,
  ) {
    if (!SYNCHRONOUS.includes(tf.getBackend())) {
      throw new TrainError(
        "TRAIN_OPTION",
        `back end ${tf.getBackend()} cannot train quantized, choose ${SYNCHRONOUS.slice(0, 2).join(" or ")}`,
      );
    }
  }

  /**
   * Takes over weights, in the network's order.
   * @returns the class of the first layer that is not simulated; undefined: all are
   */
  load(weights: readonly Float32Array[]): string | undefined {
    this.#layers = [];
    let at = 0;
    const { layers } = this.network;
    for (const [index, layer] of layers.entries()) {
      const own = weights.slice(at, at + layer.weights.length);
      at += layer.weights.length;
      const grid = this.grids.layers[index];
      let simulated: SimulatedLayer | undefined;
      if (grid === undefined) simulated = simulateShape(layer, this.grids.scales[index]);
      else if (layer.className === "FastGRNN") simulated = simulateFastGrnn(this.tf, layer, grid, own);
      else if (gatesOf(layer) !== undefined) simulated = simulateRecurrent(this.tf, layer, grid, own);
      else simulated = simulateMatrix(this.tf, layer, grid, own, index === layers.length - 1);
      if (simulated === undefined) return layer.className;
      this.#layers.push(simulated);
    }
    return undefined;
  }

  /** Integer answers to integer input rows; logits of 32 bits behind a last Dense layer. */
  run(input: Rows): Rows {
    return this.#layers.reduce((rows, layer) => layer.forward(rows), input);
  }

  /** Slopes with respect to the real answers to those with respect to the weights. */
  #backward(slopes: Float32Array): Float32Array[] {
    const all: Float32Array[] = [];
    let given = slopes;
    for (const layer of [...this.#layers].reverse()) {
      const { input, weights } = layer.backward(given);
      all.unshift(...weights);
      given = input;
    }
    return all;
  }

  /** A forward pass for `trainModel` through the model's variables. Throws where a layer is not simulated. */
  forward(model: LayersModel): Forward {
    const { tf } = this;
    const variables = model.trainableWeights.map((weight) => weight.read() as Variable);
    const answer = tf.customGrad((...tensors) => {
      // Behind the tensors stands what saves some for the gradient: not needed.
      const [x, ...weights] = tensors.slice(0, -1) as Tensor[];
      const missing = this.load(weights.map((weight) => weight.dataSync() as Float32Array));
      if (missing !== undefined) throw new TrainError("TRAIN_OPTION", `layer ${missing} is not simulated in integers`);
      const rows = this.run(this.#rows(x));
      const real = Float32Array.from(rows.logits ?? rows.values, (value) => value * rows.scale);
      const { batch, steps, columns } = rows;
      const value = tf.tensor(real, this.#isSequence ? [batch, steps, columns] : [batch, columns]);
      const gradFunc = (slopes: Tensor) => {
        const gradients = this.#backward(slopes.dataSync() as Float32Array);
        return [tf.zerosLike(x), ...gradients.map((values, i) => tf.tensor(values, weights[i].shape))];
      };
      return { value, gradFunc };
    });
    return (inputs) => this.#finish(answer(inputs, ...variables));
  }

  get #isSequence(): boolean {
    return this.network.layers[this.network.layers.length - 1].outputShape.length > 1;
  }

  /** What the host does with the logits. */
  #finish(logits: Tensor): Tensor {
    const activation = String(this.network.layers[this.network.layers.length - 1].config["activation"] ?? "linear");
    if (activation === "softmax") return logits.softmax();
    if (activation === "sigmoid") return logits.sigmoid();
    if (activation === "relu") return logits.relu();
    if (activation === "linear") return logits;
    throw new TrainError("TRAIN_OPTION", `a last layer with ${activation} is not simulated in integers`);
  }

  /** Normalized inputs as the device rounds them. */
  #rows(x: Tensor): Rows {
    const [batch, ...shape] = x.shape;
    const [steps, columns] = shape.length > 1 ? shape : [1, shape[0]];
    const scale = this.grids.inputScale;
    const values = Float32Array.from(x.dataSync());
    for (let i = 0; i < values.length; i++) values[i] = sat16(Math.floor(values[i] / scale + 0.5));
    return { values, batch, steps, columns, scale };
  }
}
