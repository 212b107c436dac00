import type { LayersModel, layers } from "@tensorflow/tfjs";
import { fastGrnn } from "../layers/fastgrnn.js";
import { gru } from "../layers/gru.js";
import { minimalGru } from "../layers/minimal-gru.js";
import { orthogonalMatrix } from "../layers/orthogonal.js";
import type { Tf } from "../tf/load-tf.js";
import { TrainError } from "../training/errors.js";

export const PRESETS = ["mlp", "cnn", "rnn", "lstm", "gru", "mgu", "fastgrnn", "convgru"] as const;
export type PresetName = (typeof PRESETS)[number];

export interface PresetOptions {
  readonly steps: number;
  readonly channels: number;
  readonly outputs: number;
  /** Sizes of the layers of the preset's kind, from below; default: one of 32 (cnn: 16 filters; convgru: 24 and 24). */
  readonly units?: readonly number[];
  /** Sizes of ReLU layers in front of the last. */
  readonly dense?: readonly number[];
  readonly dropout?: number;
  /** `softmax` for classes, `linear` for regression. */
  readonly head?: "softmax" | "linear";
  /** An answer at every step. */
  readonly stream?: boolean;
  readonly seed?: number;
}

type Layer = layers.Layer;

const CNN_TAPS = 3;
const CONVGRU_TAPS = 5;

const DEFAULT_UNITS: Readonly<Record<PresetName, readonly number[]>> = {
  mlp: [32],
  cnn: [16],
  rnn: [32],
  lstm: [32],
  gru: [32],
  mgu: [32],
  fastgrnn: [32],
  convgru: [24, 24],
};

/**
 * A network of one of the usual shapes, with seeded weights. GRU is Keras's (reset after), MGU a minimal GRU. Throws `TRAIN_OPTION`.
 */
export function buildPreset(tf: Tf, name: PresetName, options: PresetOptions): LayersModel {
  const { steps, channels, outputs, dense = [], dropout = 0, head = "softmax", stream = false, seed = 1 } = options;
  if (!PRESETS.includes(name)) {
    throw new TrainError("TRAIN_OPTION", `preset ${name} is not known, choose ${PRESETS.join(", ")}`);
  }
  const units = options.units ?? DEFAULT_UNITS[name];
  if (units.length === 0 || [...units, ...dense].some((size) => !(Number.isInteger(size) && size >= 1))) {
    throw new TrainError("TRAIN_OPTION", `units are ${[...units, ...dense].join(", ")}, expected whole numbers >= 1`);
  }
  if (stream && (name === "mlp" || name === "cnn" || name === "convgru")) {
    throw new TrainError(
      "TRAIN_OPTION",
      `preset ${name} gives one answer a window: take rnn, lstm, gru, mgu or fastgrnn for streams`,
    );
  }
  const taps = framesTaken(name, units);
  if (steps < taps)
    throw new TrainError("TRAIN_OPTION", `preset ${name} of this size takes ${taps} frames, not ${steps}`);
  let used = 0;
  const glorot = () => tf.initializers.glorotUniform({ seed: seed * 100 + used++ });
  const list: Layer[] = bodyOf(tf, name, { ...options, units, glorot, seed, stream });
  if (dropout > 0) list.push(tf.layers.dropout({ rate: dropout }));
  for (const size of dense) {
    list.push(tf.layers.dense({ units: size, activation: "relu", kernelInitializer: glorot() }));
  }
  list.push(tf.layers.dense({ units: outputs, activation: head, kernelInitializer: glorot() }));
  const model = tf.sequential({ name: `${name}${units.join("-")}` });
  list.unshift(tf.layers.inputLayer({ inputShape: [steps, channels] }));
  for (const layer of list) model.add(layer);
  makeOrthogonal(tf, model, seed);
  return model;
}

/** Frames that a window must have for one row behind the convolutions. */
function framesTaken(name: PresetName, units: readonly number[]): number {
  if (name === "cnn") return 1 + (CNN_TAPS - 1) * units.length;
  return name === "convgru" ? CONVGRU_TAPS : 1;
}

interface BodyOptions extends PresetOptions {
  readonly units: readonly number[];
  readonly glorot: () => ReturnType<Tf["initializers"]["glorotUniform"]>;
  readonly seed: number;
  readonly stream: boolean;
}

function bodyOf(tf: Tf, name: PresetName, options: BodyOptions): Layer[] {
  const { units, glorot, seed, stream } = options;
  const convolution = (filters: number, kernelSize: number, strides: number): Layer =>
    tf.layers.conv1d({ filters, kernelSize, strides, activation: "relu", kernelInitializer: glorot() });
  switch (name) {
    case "mlp":
      return [
        tf.layers.flatten(),
        ...units.map((size) => tf.layers.dense({ units: size, activation: "relu", kernelInitializer: glorot() })),
      ];
    case "cnn":
      return [...units.map((filters) => convolution(filters, CNN_TAPS, 1)), tf.layers.globalAveragePooling1d({})];
    case "convgru":
      return [convolution(units[0], CONVGRU_TAPS, 2), ...recurrent(tf, "gru", units.slice(1), glorot, seed, false)];
    default:
      return recurrent(tf, name, units, glorot, seed, stream);
  }
}

function recurrent(
  tf: Tf,
  name: "rnn" | "lstm" | "gru" | "mgu" | "fastgrnn",
  units: readonly number[],
  glorot: BodyOptions["glorot"],
  seed: number,
  stream: boolean,
): Layer[] {
  return units.map((size, index) => {
    const returnSequences = stream || index < units.length - 1;
    // tfjs's own orthogonal initializer takes seconds; see makeOrthogonal.
    const common = {
      units: size,
      returnSequences,
      kernelInitializer: glorot(),
      recurrentInitializer: "zeros" as const,
    };
    if (name === "fastgrnn") return fastGrnn(tf, { units: size, returnSequences, seed: seed * 10 + index });
    if (name === "mgu") return minimalGru(tf, { units: size, returnSequences, seed: seed * 10 + index });
    if (name === "gru") return gru(tf, { units: size, returnSequences, seed: seed * 10 + index });
    if (name === "rnn") return tf.layers.simpleRNN(common);
    return tf.layers.lstm({ ...common, recurrentActivation: "sigmoid", unitForgetBias: true });
  });
}

/** Fills the recurrent weights that are still zero with orthonormal rows. */
function makeOrthogonal(tf: Tf, model: LayersModel, seed: number): void {
  model.weights.forEach((weight, index) => {
    if (!weight.originalName.endsWith("/recurrent_kernel")) return;
    const [rows, cols] = weight.shape as [number, number];
    if (
      weight
        .read()
        .dataSync()
        .some((value) => value !== 0)
    )
      return;
    tf.tidy(() => {
      weight.write(tf.tensor2d(orthogonalMatrix(rows, cols, seed * 1000 + index), [rows, cols]));
    });
  });
}
