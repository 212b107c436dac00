import type * as tfjs from "@tensorflow/tfjs";
import { orthogonalMatrix } from "./orthogonal.js";

type Tf = typeof tfjs;
type Initializer = ReturnType<typeof tfjs.initializers.zeros>;

/** Options of {@link gru}; the names are those of tfjs and Keras. */
export interface GruOptions {
  readonly units: number;
  /** True (Keras default): the reset gate acts behind the recurrent product, which then has a bias of its own. */
  readonly resetAfter?: boolean;
  readonly returnSequences?: boolean;
  readonly name?: string;
  /** [time steps, features] where it is the first layer. */
  readonly inputShape?: readonly (number | null)[];
  /** Seed of the initializers; weights differ from run to run without it. */
  readonly seed?: number;
}

interface GruConfig {
  units: number;
  reset_after: boolean;
  return_sequences: boolean;
  activation: "tanh";
  recurrent_activation: "sigmoid";
  seed: number | null;
}

const CLASS_NAME = "GateletGRU";
const makers = new WeakMap<object, (options: GruOptions & { batchInputShape?: tfjs.Shape }) => tfjs.layers.Layer>();

/**
 * A GRU layer for tfjs that also knows reset after, which tfjs refuses, and that trains as fast as tfjs's LSTM: the input product of
 * all time steps is one matrix product, and the recurrent weights are sliced once a call where tfjs's own cell splits
 * them at every step (seconds a batch on the cpu back end).
 *
 * Gates z, r, h as Keras orders them; tanh and sigmoid; weights `kernel` [I, 3H], `recurrent_kernel` [H, 3H], `bias` [3H], or [2, 3H] with
 * `resetAfter`. Saved models load again once this function has been called, and the converter reads them as GRU.
 */
export function gru(tf: Tf, options: GruOptions): tfjs.layers.Layer {
  let make = makers.get(tf.serialization);
  if (make === undefined) {
    const GruLayer = defineGru(tf);
    tf.serialization.registerClass(GruLayer);
    make = (layerOptions) => new GruLayer(layerOptions);
    makers.set(tf.serialization, make);
  }
  return make(options);
}

/** Initializer seeds of the kernel and the recurrent kernel differ, or their columns would be related. */
const seedOf = (seed: number | null, offset: number): number | undefined =>
  seed === null ? undefined : seed * 1000 + offset;

function defineGru(tf: Tf) {
  return class GateletGru extends tf.layers.Layer {
    static className = CLASS_NAME;
    readonly config: GruConfig;
    #kernel!: tfjs.LayerVariable;
    #recurrentKernel!: tfjs.LayerVariable;
    #bias!: tfjs.LayerVariable;

    constructor(options: GruOptions & Partial<GruConfig>) {
      super(options as ConstructorParameters<typeof tf.layers.Layer>[0]);
      this.config = {
        units: options.units,
        reset_after: options.resetAfter ?? options.reset_after ?? true,
        return_sequences: options.returnSequences ?? options.return_sequences ?? false,
        activation: "tanh",
        recurrent_activation: "sigmoid",
        seed: options.seed ?? null,
      };
      if (!Number.isInteger(options.units) || options.units < 1) {
        throw new RangeError(`gru has ${options.units} units, at least 1 needed`);
      }
    }

    override build(inputShape: tfjs.Shape | tfjs.Shape[]): void {
      const [, , inputSize] = inputShape as number[];
      const { units, reset_after, seed } = this.config;
      const glorot = tf.initializers.glorotUniform({ seed: seedOf(seed, 1) });
      const orthogonal = this.#orthogonal(seedOf(seed, 2) ?? Math.floor(Math.random() * 2 ** 31));
      this.#kernel = this.addWeight("kernel", [inputSize, 3 * units], "float32", glorot);
      this.#recurrentKernel = this.addWeight("recurrent_kernel", [units, 3 * units], "float32", orthogonal);
      this.#bias = this.addWeight(
        "bias",
        reset_after ? [2, 3 * units] : [3 * units],
        "float32",
        tf.initializers.zeros(),
      );
      this.built = true;
    }

    #orthogonal(seed: number): Initializer {
      const apply = ([rows, cols]: tfjs.Shape): tfjs.Tensor =>
        tf.tensor2d(orthogonalMatrix(rows as number, cols as number, seed), [rows as number, cols as number]);
      return { apply } as Initializer;
    }

    override computeOutputShape(inputShape: tfjs.Shape): tfjs.Shape {
      const [batch, steps] = inputShape;
      const { units, return_sequences } = this.config;
      return return_sequences ? [batch, steps, units] : [batch, units];
    }

    override call(inputs: tfjs.Tensor | tfjs.Tensor[]): tfjs.Tensor {
      return tf.tidy(() => {
        const x = (Array.isArray(inputs) ? inputs[0] : inputs) as tfjs.Tensor3D;
        const projected = this.#project(x);
        const step = this.config.reset_after ? this.#resetAfterStep() : this.#resetBeforeStep();
        let hidden: tfjs.Tensor2D = tf.zeros([x.shape[0], this.config.units]);
        const rows: tfjs.Tensor2D[] = [];
        for (const row of projected) {
          hidden = step(row, hidden);
          if (this.config.return_sequences) rows.push(hidden);
        }
        return this.config.return_sequences ? tf.stack(rows, 1) : hidden;
      });
    }

    /** x W + b of every time step: one product, then rows [batch, 3 units] by time. */
    #project(x: tfjs.Tensor3D): tfjs.Tensor2D[] {
      const [batch, steps, inputSize] = x.shape;
      const width = 3 * this.config.units;
      const bias = this.#bias.read();
      const inputBias = this.config.reset_after ? bias.slice([0, 0], [1, width]).reshape([width]) : bias;
      const byTime = x.transpose<tfjs.Tensor3D>([1, 0, 2]).reshape<tfjs.Tensor2D>([steps * batch, inputSize]);
      const product = byTime.matMul<tfjs.Tensor2D>(this.#kernel.read() as tfjs.Tensor2D).add(inputBias);
      return tf.unstack(product.reshape([steps, batch, width])) as tfjs.Tensor2D[];
    }

    #resetAfterStep(): (row: tfjs.Tensor2D, hidden: tfjs.Tensor2D) => tfjs.Tensor2D {
      const { units } = this.config;
      const weights = this.#recurrentKernel.read() as tfjs.Tensor2D;
      const bias = this.#bias
        .read()
        .slice([1, 0], [1, 3 * units])
        .reshape([3 * units]);
      return (row, hidden) => {
        const batch = row.shape[0];
        const recurrent = hidden.matMul<tfjs.Tensor2D>(weights).add<tfjs.Tensor2D>(bias);
        const gates = row
          .slice([0, 0], [batch, 2 * units])
          .add(recurrent.slice([0, 0], [batch, 2 * units]))
          .sigmoid();
        const [z, r] = tf.split(gates, 2, 1) as tfjs.Tensor2D[];
        const candidate = row
          .slice([0, 2 * units], [batch, units])
          .add<tfjs.Tensor2D>(r.mul(recurrent.slice([0, 2 * units], [batch, units])))
          .tanh();
        return candidate.add(z.mul(hidden.sub(candidate)));
      };
    }

    #resetBeforeStep(): (row: tfjs.Tensor2D, hidden: tfjs.Tensor2D) => tfjs.Tensor2D {
      const { units } = this.config;
      const weights = this.#recurrentKernel.read() as tfjs.Tensor2D;
      const gateWeights = weights.slice([0, 0], [units, 2 * units]);
      const candidateWeights = weights.slice([0, 2 * units], [units, units]);
      return (row, hidden) => {
        const batch = row.shape[0];
        const gates = row
          .slice([0, 0], [batch, 2 * units])
          .add(hidden.matMul(gateWeights))
          .sigmoid();
        const [z, r] = tf.split(gates, 2, 1) as tfjs.Tensor2D[];
        const candidate = row
          .slice([0, 2 * units], [batch, units])
          .add<tfjs.Tensor2D>(r.mul<tfjs.Tensor2D>(hidden).matMul(candidateWeights))
          .tanh();
        return candidate.add(z.mul(hidden.sub(candidate)));
      };
    }

    override getConfig(): tfjs.serialization.ConfigDict {
      return { ...super.getConfig(), ...this.config };
    }
  };
}
