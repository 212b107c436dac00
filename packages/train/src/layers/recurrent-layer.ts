import type * as tfjs from "@tensorflow/tfjs";
import { type CellWeights, fusedCell, kernelsOf, namedWeights } from "../fused/fused-cell.js";
import { canHold, fusedSequence } from "../fused/fused-op.js";
import { orthogonalMatrix } from "./orthogonal.js";

type Tf = typeof tfjs;
type Layer = tfjs.layers.Layer;
type Config = tfjs.serialization.ConfigDict;
type Initializer = ReturnType<typeof tfjs.initializers.zeros>;

/** Options of all recurrent layers of our own; the names are those of tfjs and Keras. */
export interface CellOptions {
  readonly units: number;
  readonly returnSequences?: boolean;
  readonly name?: string;
  /** [time steps, features] where it is the first layer. */
  readonly inputShape?: readonly (number | null)[];
  /** Seed of the initializers; weights differ from run to run without it. */
  readonly seed?: number;
}

/** New h from a row of x W + b and the old h. */
export type CellStep = (row: tfjs.Tensor2D, hidden: tfjs.Tensor2D) => tfjs.Tensor2D;

/** A weight behind `kernel` and `recurrent_kernel`. */
export interface ExtraWeight {
  readonly name: string;
  readonly shape: readonly number[];
  /** Values of its rows (of the last axis), whose weights begin equal; `glorot`: random ones. */
  readonly initial: readonly number[] | "glorot";
}

/** What one kind of cell adds to the layer. */
export interface CellDefinition {
  readonly className: string;
  /** What messages call the layer, e.g. `gru`. */
  readonly word: string;
  /** Columns of both kernels, in units. */
  readonly gates: number;
  /** Keys of the saved config beside `units`, `return_sequences` and `seed`; from options as given or as saved. */
  config(options: CellOptions & Config): Config;
  extraWeights(units: number, config: Config): readonly ExtraWeight[];
  /** Columns of `kernel` and `recurrent_kernel` where they are factors of low rank. */
  ranks?(config: Config): { readonly kernel?: number; readonly recurrent?: number };
  /** Whole matrices in the place of factors: what the other functions get. */
  whole?(weights: readonly tfjs.Tensor[], config: Config): readonly tfjs.Tensor[];
  /** Kernel, recurrent kernel and one tensor for all that the kernels' operation calls bias, where those are not the first three. */
  fused?(weights: readonly tfjs.Tensor[]): readonly tfjs.Tensor[];
  /** What is added to x W for all steps at once; `weights` as the layer orders them. */
  inputBias(weights: readonly tfjs.Tensor[], config: Config): tfjs.Tensor1D | undefined;
  step(tf: Tf, weights: readonly tfjs.Tensor[], config: Config): CellStep;
}

type LayerOptions = CellOptions & Config & { return_sequences?: boolean };

const makers = new Map<string, WeakMap<object, (options: LayerOptions) => Layer>>();

/**
 * A layer of a cell of our own, whose class is registered in this tfjs so that saved models load again. The input product of all
 * time steps is one matrix product, and weights are sliced once a call where tfjs's own cells split them at every step.
 */
export function recurrentLayer(tf: Tf, definition: CellDefinition, options: CellOptions): Layer {
  const known = makers.get(definition.className) ?? new WeakMap<object, (options: LayerOptions) => Layer>();
  makers.set(definition.className, known);
  let make = known.get(tf.serialization);
  if (make === undefined) {
    const LayerClass = defineLayer(tf, definition);
    tf.serialization.registerClass(LayerClass);
    make = (layerOptions) => new LayerClass(layerOptions);
    known.set(tf.serialization, make);
  }
  return make(options as LayerOptions);
}

/** Whole weights of a cell as the kernels' operation takes them. */
export const fusedWeights = (definition: CellDefinition, weights: readonly tfjs.Tensor[]): CellWeights =>
  namedWeights(definition.fused?.(weights) ?? weights);

/** x W + b of every time step: one product, then rows [batch, width] by time. */
export function projectedRows(
  tf: Tf,
  x: tfjs.Tensor3D,
  kernel: tfjs.Tensor2D,
  bias: tfjs.Tensor1D | undefined,
): tfjs.Tensor2D[] {
  const [batch, steps, inputSize] = x.shape;
  const byTime = x.transpose<tfjs.Tensor3D>([1, 0, 2]).reshape<tfjs.Tensor2D>([steps * batch, inputSize]);
  const product = byTime.matMul(kernel) as tfjs.Tensor2D;
  const sum = bias === undefined ? product : product.add<tfjs.Tensor2D>(bias);
  return tf.unstack(sum.reshape([steps, batch, kernel.shape[1]])) as tfjs.Tensor2D[];
}

/** Initializer seeds of the kernel and the recurrent kernel differ, or their columns would be related. */
const seedOf = (seed: number | null, offset: number): number | undefined =>
  seed === null ? undefined : seed * 1000 + offset;

function defineLayer(tf: Tf, definition: CellDefinition) {
  return class RecurrentLayer extends tf.layers.Layer {
    static className = definition.className;
    readonly config: Config & { units: number; return_sequences: boolean; seed: number | null };
    #kernels: tfjs.LayerVariable[] = [];

    constructor(options: LayerOptions) {
      super(options as ConstructorParameters<typeof tf.layers.Layer>[0]);
      const { units } = options;
      if (!Number.isInteger(units) || units < 1) {
        throw new RangeError(`${definition.word} has ${units} units, at least 1 needed`);
      }
      this.config = {
        units,
        ...definition.config(options),
        return_sequences: options.returnSequences ?? options.return_sequences ?? false,
        seed: options.seed ?? null,
      };
    }

    override build(inputShape: tfjs.Shape | tfjs.Shape[]): void {
      const [, , inputSize] = inputShape as number[];
      const { units, seed } = this.config;
      const width = definition.gates * units;
      const ranks = definition.ranks?.(this.config) ?? {};
      const glorot = tf.initializers.glorotUniform({ seed: seedOf(seed, 1) });
      const orthogonal = this.#orthogonal(seedOf(seed, 2) ?? Math.floor(Math.random() * 2 ** 31));
      this.#kernels = [
        this.addWeight("kernel", [inputSize, ranks.kernel ?? width], "float32", glorot),
        this.addWeight("recurrent_kernel", [units, ranks.recurrent ?? width], "float32", orthogonal),
        ...definition
          .extraWeights(units, this.config)
          .map(({ name, shape, initial }, i) =>
            this.addWeight(name, [...shape], "float32", this.#initializer(initial, seedOf(seed, 3 + i))),
          ),
      ];
      this.built = true;
    }

    #orthogonal(seed: number): Initializer {
      const apply = ([rows, cols]: tfjs.Shape): tfjs.Tensor =>
        tf.tensor2d(orthogonalMatrix(rows as number, cols as number, seed), [rows as number, cols as number]);
      return { apply } as Initializer;
    }

    #initializer(initial: ExtraWeight["initial"], seed: number | undefined): Initializer {
      if (initial === "glorot") return tf.initializers.glorotUniform({ seed });
      const apply = (shape: tfjs.Shape): tfjs.Tensor => {
        const count = (shape as number[]).reduce((product, size) => product * size, 1);
        const width = count / initial.length;
        return tf.tensor(
          Float32Array.from({ length: count }, (_, i) => initial[Math.floor(i / width)]),
          shape as number[],
        );
      };
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
        const own = this.#kernels.map((weight) => weight.read());
        const weights = definition.whole?.(own, this.config) ?? own;
        const fused = this.#fused(x, weights);
        if (fused !== undefined) return fused;
        const bias = definition.inputBias(weights, this.config);
        const step = definition.step(tf, weights, this.config);
        let hidden: tfjs.Tensor2D = tf.zeros([x.shape[0], this.config.units]);
        const rows: tfjs.Tensor2D[] = [];
        for (const row of projectedRows(tf, x, weights[0] as tfjs.Tensor2D, bias)) {
          hidden = step(row, hidden);
          if (this.config.return_sequences) rows.push(hidden);
        }
        return this.config.return_sequences ? tf.stack(rows, 1) : hidden;
      });
    }

    /** All steps in one operation, where there are kernels for this cell. */
    #fused(x: tfjs.Tensor3D, weights: readonly tfjs.Tensor[]): tfjs.Tensor | undefined {
      const kernels = kernelsOf(tf);
      const cell = fusedCell(definition.className, this.config);
      if (kernels === undefined || cell === undefined || !canHold(cell, x)) return undefined;
      return fusedSequence(tf, kernels, cell, { x, ...fusedWeights(definition, weights) }, this.config.return_sequences)
        .output;
    }

    override getConfig(): Config {
      return { ...super.getConfig(), ...this.config };
    }
  };
}
