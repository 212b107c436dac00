import { describe, expect, it } from "vitest";
import {
  importFiles,
  type LayerJson,
  modelFiles,
  type NamedShape,
  randomWeights,
  randomWindow,
  runFiles,
  sequentialTopology,
} from "./handmade.js";

const STEPS = 5;
const LAYERS: readonly LayerJson[] = [
  {
    class_name: "LSTM",
    config: {
      name: "lstm_1",
      units: 3,
      return_sequences: true,
      recurrent_activation: "sigmoid",
      batch_input_shape: [null, STEPS, 2],
    },
  },
  {
    class_name: "Bidirectional",
    config: {
      name: "bidirectional_1",
      merge_mode: "concat",
      layer: {
        class_name: "GRU",
        config: { name: "gru_1", units: 2, recurrent_activation: "sigmoid", reset_after: true },
      },
    },
  },
  { class_name: "Dense", config: { name: "dense_1", units: 2, activation: "softmax" } },
];
const WEIGHTS: readonly NamedShape[] = [
  { name: "lstm_1/kernel", shape: [2, 12] },
  { name: "lstm_1/recurrent_kernel", shape: [3, 12] },
  { name: "lstm_1/bias", shape: [12] },
  { name: "bidirectional_1/forward_gru_1/kernel", shape: [3, 6] },
  { name: "bidirectional_1/forward_gru_1/recurrent_kernel", shape: [2, 6] },
  { name: "bidirectional_1/forward_gru_1/bias", shape: [2, 6] },
  { name: "bidirectional_1/backward_gru_1/kernel", shape: [3, 6] },
  { name: "bidirectional_1/backward_gru_1/recurrent_kernel", shape: [2, 6] },
  { name: "bidirectional_1/backward_gru_1/bias", shape: [2, 6] },
  { name: "dense_1/kernel", shape: [4, 2] },
  { name: "dense_1/bias", shape: [2] },
];
const window = randomWindow(2 * STEPS);
const plain = sequentialTopology(LAYERS);

/** The same model's answer, whatever its files look like. */
const expected = runFiles(modelFiles(plain, WEIGHTS), window);

async function expectSame(topology: unknown, tensors: readonly NamedShape[] = WEIGHTS, rest = {}): Promise<void> {
  expect(await runFiles(modelFiles(topology, tensors, randomWeights(WEIGHTS), rest), window)).toEqual(await expected);
}

function renamed(rename: (name: string) => string): NamedShape[] {
  return WEIGHTS.map(({ name, shape }) => ({ name: rename(name), shape }));
}

describe("topologies of every age", () => {
  it("reads layers in a bare array", () => expectSame({ class_name: "Sequential", config: LAYERS }));

  it("reads a model_config inside modelTopology, as an object and as text", async () => {
    const rest = { format: "layers-model", generatedBy: "keras v2.4.0", convertedBy: "TensorFlow.js Converter v3.9.0" };
    await expectSame({ model_config: plain, keras_version: "2.4.0", backend: "tensorflow" }, WEIGHTS, rest);
    await expectSame({ model_config: JSON.stringify(plain), keras_version: "2.4.0" });
  });

  it("reads the input shape from an InputLayer, also the Keras 3 way", async () => {
    for (const key of ["batch_input_shape", "batch_shape"]) {
      const start = { class_name: "InputLayer", config: { name: "start", [key]: [null, STEPS, 2] } };
      const { batch_input_shape: _, ...config } = LAYERS[0].config;
      await expectSame(sequentialTopology([start, { class_name: "LSTM", config }, ...LAYERS.slice(1)]));
    }
  });

  it("reads a functional model of Keras 2, and one of Keras 3 with flat output triples and DTypePolicy objects", async () => {
    const start = { class_name: "InputLayer", config: { name: "start", batch_shape: [null, STEPS, 2] } };
    const names = ["start", ...LAYERS.map((layer) => String(layer.config["name"]))];
    const dtype = { module: "keras", class_name: "DTypePolicy", config: { name: "float32" }, registered_name: null };
    const tensor = (name: string) => ({
      class_name: "__keras_tensor__",
      config: { shape: [null, STEPS, 2], dtype: "float32", keras_history: [name, 0, 0] },
    });
    const old = LAYERS.map((layer, index) => ({
      ...layer,
      name: names[index + 1],
      inbound_nodes: [[[names[index], 0, 0, {}]]],
    }));
    await expectSame({
      class_name: "Model",
      config: {
        name: "functional",
        layers: [{ ...start, name: "start", inbound_nodes: [] }, ...old],
        input_layers: [["start", 0, 0]],
        output_layers: [["dense_1", 0, 0]],
      },
    });
    const modern = LAYERS.map((layer, index) => ({
      ...layer,
      config: { ...layer.config, dtype },
      name: names[index + 1],
      inbound_nodes: [{ args: [tensor(names[index])], kwargs: { training: false, mask: null } }],
    }));
    await expectSame({
      class_name: "Functional",
      config: {
        name: "functional",
        layers: [{ ...start, name: "start", inbound_nodes: [] }, ...modern],
        input_layers: ["start", 0, 0],
        output_layers: ["dense_1", 0, 0],
      },
    });
  });

  it("reads NaN and Infinity in JSON that Python wrote", async () => {
    const files = modelFiles(plain, WEIGHTS);
    files["model.json"] = String(files["model.json"]).replace('"units":3', '"clip":NaN,"units":3');
    expect(await runFiles(files, window)).toEqual(await expected);
  });
});

describe("weight names of every writer", () => {
  const cases: Record<string, (name: string) => string> = {
    "after the cell": (name) => name.replace(/(lstm|gru)_1\/(?!lstm|gru|forward|backward)/, "$1_1/$1_cell_4/"),
    "with the model's name in front": (name) => `sequential/${name}`,
    "with a cell and a prefix": (name) => `my_model/${name.replace(/(lstm|gru)_1\/(?=[krb])/, "$1_1/$1_cell/")}`,
    "of the cell alone for recurrent layers": (name) => name.replace("lstm_1/", "lstm_cell_3/"),
    "of Keras 3 without the wrapper's": (name) =>
      name.replace("bidirectional_1/", "").replace(/gru_1\//, "gru_1/gru_cell/"),
    "with a device suffix": (name) => `${name}:0`,
    "numbered within the layer": (name) =>
      name
        .replace("recurrent_kernel", "1")
        .replace("kernel", "0")
        .replace("bias", name.startsWith("dense") ? "1" : "2"),
  };
  for (const [name, rename] of Object.entries(cases)) {
    it(`finds weights ${name}`, () => expectSame(plain, renamed(rename)));
  }

  it("finds weights in any order", async () => {
    const files = modelFiles(plain, [...WEIGHTS].reverse(), randomWeights(WEIGHTS).reverse());
    expect(await runFiles(files, window)).toEqual(await expected);
  });

  it("tells backward cells from forward cells that are named after the cell alone", () =>
    expectSame(
      plain,
      renamed((name) =>
        name
          .replace("bidirectional_1/forward_gru_1", "gru_cell_1")
          .replace("bidirectional_1/backward_gru_1", "gru_cell_2"),
      ),
    ));
});

describe("meaning of missing keys", () => {
  const dense = (activation: string) =>
    sequentialTopology([
      { class_name: "Dense", config: { name: "d", units: 1, activation, batch_input_shape: [null, 3] } },
    ]);
  const tensors = [
    { name: "d/kernel", shape: [3, 1] },
    { name: "d/bias", shape: [1] },
  ];
  const gru = (config: object) =>
    sequentialTopology([
      { class_name: "GRU", config: { name: "g", units: 2, batch_input_shape: [null, 4, 3], ...config } },
    ]);
  const gruTensors = (bias: number[]) => [
    { name: "g/kernel", shape: [3, 6] },
    { name: "g/recurrent_kernel", shape: [2, 6] },
    { name: "g/bias", shape: bias },
  ];
  const of = (version: string) => ({ generatedBy: version });

  it("takes hard_sigmoid as Keras 3 means it in Keras 3 files only", async () => {
    const kinds = [];
    for (const version of ["keras v3.15.1", "keras v2.4.0", "TensorFlow.js tfjs-layers v4.22.0"]) {
      const graph = await importFiles(modelFiles(dense("hard_sigmoid"), tensors, undefined, of(version)));
      const node = graph.nodes[1];
      if (node.op === "dense") kinds.push(node.activation.kind);
    }
    expect(kinds).toEqual(["hardSigmoidKeras3", "hardSigmoid", "hardSigmoid"]);
  });

  it("takes an activation of null as linear", async () => {
    const graph = await importFiles(modelFiles(gru({ activation: null }), gruTensors([6])));
    expect(graph.nodes[1]).toMatchObject({ activation: { kind: "linear" } });
  });

  it("takes a GRU without reset_after as its writer means it", async () => {
    const read = async (version: string, bias: number[], config = {}) => {
      const graph = await importFiles(modelFiles(gru(config), gruTensors(bias), undefined, of(version)));
      const node = graph.nodes[1];
      if (node.op !== "gru") throw new Error(`got a ${node.op}`);
      return [node.resetAfter, node.recurrentActivation.kind];
    };
    expect(await read("keras v3.15.1", [2, 6])).toEqual([true, "sigmoid"]);
    expect(await read("keras v2.1.0", [6])).toEqual([false, "sigmoid"]);
    expect(await read("keras v2.4.0", [2, 6], { reset_after: true })).toEqual([true, "sigmoid"]);
    expect(await read("by hand", [2, 6])).toEqual([true, "hardSigmoid"]);
    expect(await read("TensorFlow.js tfjs-layers v4.22.0", [6])).toEqual([false, "hardSigmoid"]);
  });
});

describe("windows and streams", () => {
  const lstm = (config: object) =>
    modelFiles(
      sequentialTopology([
        { class_name: "LSTM", config: { name: "l", units: 2, ...config } },
        { class_name: "Dense", config: { name: "d", units: 1 } },
      ]),
      [
        { name: "l/kernel", shape: [3, 8] },
        { name: "l/recurrent_kernel", shape: [2, 8] },
        { name: "l/bias", shape: [8] },
        { name: "d/kernel", shape: [2, 1] },
        { name: "d/bias", shape: [1] },
      ],
    );

  it("takes the window from the batch shape, leaves an open one open, and opens that of a stateful model", async () => {
    const fixed = await importFiles(lstm({ batch_input_shape: [null, 7, 3] }));
    const open = await importFiles(lstm({ batch_input_shape: [1, null, 3] }));
    const stateful = await importFiles(lstm({ batch_input_shape: [1, 7, 3], stateful: true }));
    expect([fixed.window, fixed.stateful, open.window, open.stateful]).toEqual([7, false, null, false]);
    expect([stateful.window, stateful.stateful, stateful.nodes[0].shape.rows]).toEqual([null, true, null]);
  });

  it("lets options override the file", async () => {
    const files = lstm({ batch_input_shape: [1, 7, 3], stateful: true });
    expect((await importFiles(files, { window: 4 })).window).toBe(4);
    expect((await importFiles(files, { stream: false })).window).toBe(7);
    expect((await importFiles(lstm({ batch_input_shape: [null, 7, 3] }), { stream: true })).window).toBeNull();
  });

  it("asks for a window where a layer needs one", async () => {
    const files = modelFiles(
      sequentialTopology([
        { class_name: "GlobalMaxPooling1D", config: { name: "g", batch_input_shape: [null, null, 3] } },
      ]),
      [],
    );
    await expect(importFiles(files)).rejects.toMatchObject({ code: "WINDOW_NEEDED", layer: "g" });
    expect((await importFiles(files, { window: 6 })).window).toBe(6);
  });
});
