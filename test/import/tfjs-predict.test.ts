import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { makeRandom } from "./random.js";
import { compareWithTfjs } from "./tfjs-harness.js";

const STEPS = 9;
const CHANNELS = 4;
const SHAPE = [STEPS, CHANNELS];
const { layers } = tf;

/** Five windows of random frames; more than one block of the matrix product. */
function frames(size = STEPS * CHANNELS): Float32Array[] {
  const random = makeRandom(5);
  return Array.from({ length: 5 }, () => Float32Array.from({ length: size }, () => 1.5 * random()));
}

/** Windows whose masked steps lie in front, in the middle and at the end; one is masked throughout. */
function maskedFrames(value: number): Float32Array[] {
  const masked = [[7, 8], [0, 1, 2], [4], [], [0, 1, 2, 3, 4, 5, 6, 7, 8]];
  return frames().map((window, index) => {
    for (const step of masked[index]) window.fill(value, step * CHANNELS, (step + 1) * CHANNELS);
    return window;
  });
}

function sequential(...stack: tf.layers.Layer[]): tf.Sequential {
  return tf.sequential({ layers: stack });
}

const input = { inputShape: SHAPE };

const RECURRENT: Record<string, () => tf.LayersModel> = {
  "SimpleRNN with its defaults": () => sequential(layers.simpleRNN({ units: 5, ...input })),
  "LSTM with its defaults (hard sigmoid)": () => sequential(layers.lstm({ units: 5, ...input })),
  "GRU with its defaults (hard sigmoid)": () => sequential(layers.gru({ units: 5, ...input })),
  "LSTM with sigmoid gates, without bias": () =>
    sequential(layers.lstm({ units: 3, recurrentActivation: "sigmoid", useBias: false, ...input })),
  "LSTM with relu": () =>
    sequential(layers.lstm({ units: 3, activation: "relu", recurrentActivation: "sigmoid", ...input })),
  "GRU without bias that returns sequences": () =>
    sequential(
      layers.gru({ units: 3, useBias: false, recurrentActivation: "sigmoid", returnSequences: true, ...input }),
    ),
  "SimpleRNN with linear activation": () => sequential(layers.simpleRNN({ units: 3, activation: "linear", ...input })),
  "go_backwards, last row": () => sequential(layers.lstm({ units: 3, goBackwards: true, ...input })),
  "go_backwards, all rows": () =>
    sequential(layers.gru({ units: 3, goBackwards: true, returnSequences: true, ...input })),
  "a stack of three": () =>
    sequential(
      layers.lstm({ units: 7, returnSequences: true, ...input }),
      layers.dropout({ rate: 0.5 }),
      layers.gru({ units: 4, returnSequences: true }),
      layers.simpleRNN({ units: 3 }),
    ),
  "RNN over one cell": () =>
    sequential(layers.rnn({ cell: layers.gruCell({ units: 3 }), ...input }) as tf.layers.Layer),
  "RNN over stacked cells": () =>
    sequential(
      layers.rnn({
        cell: [layers.lstmCell({ units: 3 }), layers.gruCell({ units: 5 }), layers.lstmCell({ units: 3 })],
        returnSequences: true,
        ...input,
      }) as tf.layers.Layer,
    ),
};
for (const mergeMode of ["concat", "sum", "mul", "ave"] as const) {
  for (const returnSequences of [false, true]) {
    RECURRENT[`Bidirectional ${mergeMode}, ${returnSequences ? "all rows" : "last row"}`] = () => {
      const layer = layers.lstm({ units: 3, returnSequences }) as tf.RNN;
      return sequential(layers.bidirectional({ layer, mergeMode, ...input }) as tf.layers.Layer);
    };
  }
}

const OTHERS: Record<string, () => tf.LayersModel> = {
  "Dense on vectors with softmax": () =>
    sequential(
      layers.flatten(input),
      layers.dense({ units: 6, activation: "relu" }),
      layers.dense({ units: 3, activation: "softmax" }),
    ),
  "Dense on sequences": () => sequential(layers.dense({ units: 3, activation: "softmax", ...input })),
  "TimeDistributed Dense": () =>
    sequential(
      layers.timeDistributed({ layer: layers.dense({ units: 3, activation: "tanh" }), ...input }) as tf.layers.Layer,
    ),
  "Conv1D valid": () => sequential(layers.conv1d({ filters: 5, kernelSize: 3, ...input })),
  "Conv1D with stride 2": () =>
    sequential(layers.conv1d({ filters: 5, kernelSize: 3, strides: 2, activation: "relu", ...input })),
  "Conv1D same": () => sequential(layers.conv1d({ filters: 5, kernelSize: 4, padding: "same", ...input })),
  "Conv1D same with stride 2": () =>
    sequential(layers.conv1d({ filters: 5, kernelSize: 4, padding: "same", strides: 2, ...input })),
  "Conv1D with dilation": () =>
    sequential(layers.conv1d({ filters: 5, kernelSize: 3, dilationRate: 2, useBias: false, ...input })),
  MaxPooling1D: () => sequential(layers.maxPooling1d({ poolSize: 2, ...input }) as tf.layers.Layer),
  "MaxPooling1D same, overlapping": () =>
    sequential(layers.maxPooling1d({ poolSize: 3, strides: 2, padding: "same", ...input }) as tf.layers.Layer),
  AveragePooling1D: () => sequential(layers.averagePooling1d({ poolSize: 3, strides: 1, ...input }) as tf.layers.Layer),
  "AveragePooling1D same": () =>
    sequential(layers.averagePooling1d({ poolSize: 4, padding: "same", ...input }) as tf.layers.Layer),
  GlobalMaxPooling1D: () => sequential(layers.globalMaxPooling1d(input) as tf.layers.Layer),
  GlobalAveragePooling1D: () => sequential(layers.globalAveragePooling1d(input) as tf.layers.Layer),
  "Reshape and RepeatVector": () =>
    sequential(
      layers.reshape({ targetShape: [6, 6], ...input }),
      layers.lstm({ units: 4 }),
      layers.repeatVector({ n: 3 }),
      layers.gru({ units: 2, returnSequences: true }),
      layers.reshape({ targetShape: [6] }),
      layers.reshape({ targetShape: [6, 1] }),
      layers.permute({ dims: [2, 1] }),
    ),
  BatchNormalization: () =>
    sequential(layers.batchNormalization(input), layers.lstm({ units: 3 }), layers.batchNormalization()),
  "BatchNormalization without gamma and beta": () =>
    sequential(layers.batchNormalization({ scale: false, center: false, ...input })),
  LayerNormalization: () =>
    sequential(layers.gru({ units: 6, returnSequences: true, ...input }), layers.layerNormalization({ epsilon: 1e-2 })),
  "activation layers": () =>
    sequential(
      layers.dense({ units: 6, ...input }),
      layers.leakyReLU({ alpha: 0.2 }),
      layers.dense({ units: 6 }),
      layers.prelu({ sharedAxes: [1] }) as tf.layers.Layer,
      layers.dense({ units: 6 }),
      layers.elu(),
      layers.dense({ units: 6 }),
      layers.thresholdedReLU({ theta: 0.3 }),
      layers.dense({ units: 6 }),
      layers.reLU({ maxValue: 2 }),
      layers.dense({ units: 3 }),
      layers.softmax({ axis: -1 }),
    ),
  "layers that vanish": () =>
    sequential(
      layers.spatialDropout1d({ rate: 0.2, ...input } as never) as tf.layers.Layer,
      layers.gaussianNoise({ stddev: 1 }),
      layers.gaussianDropout({ rate: 0.3 }),
      layers.alphaDropout({ rate: 0.3 }),
      layers.dense({ units: 2 }),
    ),
  "nested sequential models": () =>
    sequential(
      sequential(
        layers.dense({ units: 4, ...input }),
        layers.lstm({ units: 3, returnSequences: true }),
      ) as tf.layers.Layer,
      sequential(layers.gru({ units: 4, inputShape: [STEPS, 3] }), layers.dense({ units: 2 })) as tf.layers.Layer,
    ),
  "vectors of a window from branches of different rates": () => {
    const start = tf.input({ shape: SHAPE });
    const strided = layers.conv1d({ filters: 3, kernelSize: 3, strides: 2 }).apply(start) as tf.SymbolicTensor;
    const drained = layers.conv1d({ filters: 3, kernelSize: 3, padding: "same" }).apply(start) as tf.SymbolicTensor;
    const vectors = [
      layers.lstm({ units: 3 }).apply(start),
      layers.globalAveragePooling1d({}).apply(strided),
      layers.gru({ units: 3 }).apply(strided),
      layers.flatten().apply(drained),
    ] as tf.SymbolicTensor[];
    const added = layers.add().apply(vectors.slice(0, 3)) as tf.SymbolicTensor;
    const joined = layers.concatenate().apply([added, vectors[3]]) as tf.SymbolicTensor;
    return tf.model({ inputs: start, outputs: layers.dense({ units: 3 }).apply(joined) as tf.SymbolicTensor });
  },
  "branches and skip connections": () => {
    const start = tf.input({ shape: SHAPE });
    const left = layers.dense({ units: CHANNELS }).apply(start) as tf.SymbolicTensor;
    const right = layers
      .conv1d({ filters: CHANNELS, kernelSize: 3, padding: "same" })
      .apply(start) as tf.SymbolicTensor;
    const merged = [
      layers.add().apply([left, right, start]),
      layers.average().apply([left, right]),
      layers.maximum().apply([left, start]),
      layers.minimum().apply([right, start]),
      layers.multiply().apply([left, right]),
    ] as tf.SymbolicTensor[];
    const joined = layers.concatenate().apply(merged) as tf.SymbolicTensor;
    const last = layers.lstm({ units: 3 }).apply(joined) as tf.SymbolicTensor;
    const pooled = layers.globalMaxPooling1d({}).apply(left) as tf.SymbolicTensor;
    return tf.model({ inputs: start, outputs: layers.concatenate().apply([last, pooled]) as tf.SymbolicTensor });
  },
};
for (const activation of [
  "elu",
  "hardSigmoid",
  "linear",
  "relu",
  "relu6",
  "selu",
  "sigmoid",
  "softplus",
  "softsign",
  "tanh",
  "swish",
  "mish",
  "gelu",
  "gelu_new",
] as const) {
  OTHERS[`activation ${activation}`] = () =>
    sequential(layers.dense({ units: 8, ...input }), layers.activation({ activation }));
}

const MASKED: Record<string, () => tf.LayersModel> = {
  "LSTM, last row": () => sequential(layers.masking({ maskValue: -9, ...input }), layers.lstm({ units: 3 })),
  "GRU, all rows": () =>
    sequential(layers.masking({ maskValue: -9, ...input }), layers.gru({ units: 3, returnSequences: true })),
  "a stack with layers between": () =>
    sequential(
      layers.masking({ maskValue: -9, ...input }),
      layers.timeDistributed({ layer: layers.dense({ units: 4 }) }) as tf.layers.Layer,
      layers.simpleRNN({ units: 5, returnSequences: true }),
      layers.dropout({ rate: 0.1 }),
      layers.lstm({ units: 3 }),
    ),
  "Bidirectional, all rows, then LSTM": () =>
    sequential(
      layers.masking({ maskValue: -9, ...input }),
      layers.bidirectional({
        layer: layers.lstm({ units: 3, returnSequences: true }) as tf.RNN,
        mergeMode: "concat",
      }) as tf.layers.Layer,
      layers.lstm({ units: 3 }),
    ),
  "Bidirectional, last row": () =>
    sequential(
      layers.masking({ maskValue: -9, ...input }),
      layers.bidirectional({ layer: layers.gru({ units: 3 }) as tf.RNN, mergeMode: "sum" }) as tf.layers.Layer,
    ),
  go_backwards: () =>
    sequential(layers.masking({ maskValue: -9, ...input }), layers.lstm({ units: 3, goBackwards: true })),
};

describe("import and float executor against tfjs predict", () => {
  beforeAll(() => tf.setBackend("cpu"));

  for (const [name, build] of Object.entries({ ...RECURRENT, ...OTHERS })) {
    it(`agrees on ${name}`, async () => {
      expect(await compareWithTfjs(build(), frames(), SHAPE)).toBeLessThanOrEqual(1e-5);
    });
  }

  for (const [name, build] of Object.entries(MASKED)) {
    it(`agrees on masked steps: ${name}`, async () => {
      expect(await compareWithTfjs(build(), maskedFrames(-9), SHAPE)).toBeLessThanOrEqual(1e-5);
    });
  }

  for (const maskZero of [false, true]) {
    it(`agrees on an Embedding ${maskZero ? "with" : "without"} mask_zero`, async () => {
      const embedding = layers.embedding({ inputDim: 12, outputDim: 5, maskZero, inputLength: STEPS });
      const model = sequential(embedding, layers.lstm({ units: 4 }), layers.dense({ units: 2 }));
      const random = makeRandom(3);
      const tokens = Array.from({ length: 5 }, () =>
        Float32Array.from({ length: STEPS }, () => Math.max(0, Math.floor(random() * 12))),
      );
      expect(await compareWithTfjs(model, tokens, [STEPS])).toBeLessThanOrEqual(1e-5);
    });
  }
});
