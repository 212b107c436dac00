import type { LayersModel, Tensor, Tensor2D, Tensor3D } from "@tensorflow/tfjs";
import { type Random, shuffledIndices } from "../data/random.js";
import type { Tf } from "../tf/load-tf.js";
import { TrainError } from "./errors.js";
import type { Forward } from "./predict.js";
import { type StatefulCell, statefulCell } from "./stateful-cells.js";

/** Layers that treat every step alike and so need no state. */
const POINTWISE = ["InputLayer", "Dense", "Dropout", "Activation", "ReLU", "Softmax", "TimeDistributed"];

/**
 * A network whose recurrent layers begin a piece of a recording in the state in which they left the piece before it:
 * what truncated back-propagation through time needs. Gradients stop at the beginning of a piece.
 */
export class StatefulNetwork {
  readonly #tf: Tf;
  readonly #model: LayersModel;
  readonly #cells: readonly (StatefulCell | undefined)[];
  readonly #sizes: readonly number[];
  /** Final states of a piece, one row a state tensor, until the piece behind it has taken them. */
  readonly #states = new Map<number, readonly Float32Array[]>();
  #pending: { indices: ArrayLike<number>; state: Tensor2D[] } | undefined;

  /** Throws `TOPOLOGY_INVALID` for a network that is not a chain of recurrent layers and layers without memory. */
  constructor(tf: Tf, model: LayersModel) {
    this.#tf = tf;
    this.#model = model;
    this.#cells = model.layers.map((layer) => statefulCell(tf, layer));
    this.#sizes = this.#cells.flatMap((cell) => cell?.sizes ?? []);
    const other = model.layers.find((layer, i) => {
      return this.#cells[i] === undefined && !POINTWISE.includes(layer.getClassName());
    });
    if (model.getClassName() === "Sequential" && other === undefined && this.#sizes.length > 0) return;
    const what = other === undefined ? "a chain with recurrent layers is needed" : `not with ${other.getClassName()}`;
    throw new TrainError("TOPOLOGY_INVALID", `model ${model.name} cannot be trained on streams: ${what}`);
  }

  /** Forgets all states. */
  begin(): void {
    this.#states.clear();
  }

  /**
   * The forward pass of pieces; call {@link finish} behind it.
   * @param previous piece in front of each piece of the set, -1 for none
   */
  forward(indices: ArrayLike<number>, previous: Int32Array, training: boolean): Forward {
    return (inputs) => {
      const tf = this.#tf;
      const first = this.#initial(indices, previous);
      const left: Tensor2D[] = [];
      let x = inputs;
      this.#model.layers.forEach((layer, i) => {
        const cell = this.#cells[i];
        if (cell === undefined) {
          if (layer.getClassName() !== "InputLayer") x = layer.apply(x, { training }) as Tensor;
          return;
        }
        const { rows, state } = cell.run(x as Tensor3D, first.slice(left.length, left.length + cell.sizes.length));
        left.push(...state.map((each) => tf.keep(each.clone())));
        x = rows;
      });
      this.#pending = { indices, state: left };
      return x;
    };
  }

  /** Takes over the states in which the last forward pass ended. */
  finish(previous: Int32Array): void {
    if (this.#pending === undefined) return;
    const { indices, state } = this.#pending;
    const values = state.map((each) => each.dataSync() as Float32Array);
    for (let i = 0; i < indices.length; i++) {
      this.#states.delete(previous[indices[i]]);
      const rows = values.map((all, part) => all.slice(i * this.#sizes[part], (i + 1) * this.#sizes[part]));
      this.#states.set(indices[i], rows);
    }
    this.#tf.dispose(state);
    this.#pending = undefined;
  }

  #initial(indices: ArrayLike<number>, previous: Int32Array): Tensor2D[] {
    return this.#sizes.map((size, part) => {
      const values = new Float32Array(indices.length * size);
      for (let i = 0; i < indices.length; i++) {
        const before = previous[indices[i]];
        if (before < 0) continue;
        const state = this.#states.get(before);
        if (state === undefined) throw new Error(`piece ${indices[i]} runs before piece ${before}`);
        values.set(state[part], i * size);
      }
      return this.#tf.tensor2d(values, [indices.length, size]);
    });
  }
}

/**
 * Batches in which every piece comes after the piece in front of it: recordings are dealt to `lanes`, the longest lane
 * last, and batch k holds the k-th piece of every lane.
 * @param random order of the recordings; absent: as they are
 */
export function streamBatches(previous: Int32Array, lanes: number, random?: Random): Uint32Array[] {
  const recordings: number[][] = [];
  const place = new Int32Array(previous.length);
  previous.forEach((before, piece) => {
    if (before < 0) place[piece] = recordings.push([piece]) - 1;
    else {
      place[piece] = place[before];
      recordings[place[piece]].push(piece);
    }
  });
  const order = random === undefined ? recordings.keys() : shuffledIndices(recordings.length, random);
  const filled: number[][] = Array.from({ length: Math.min(lanes, recordings.length) }, () => []);
  for (const index of order) {
    const shortest = filled.reduce((a, b) => (b.length < a.length ? b : a));
    shortest.push(...recordings[index]);
  }
  const length = filled.reduce((most, lane) => Math.max(most, lane.length), 0);
  return Array.from({ length }, (_, k) =>
    Uint32Array.from(filled.flatMap((lane) => (k < lane.length ? [lane[k]] : []))),
  );
}
