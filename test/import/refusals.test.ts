import { describe, expect, it } from "vitest";
import {
  importError,
  importFiles,
  type LayerJson,
  modelFiles,
  type NamedShape,
  randomWeights,
  sequentialTopology,
} from "./handmade.js";

const LSTM = { class_name: "LSTM", config: { name: "lstm", units: 2, batch_input_shape: [null, 4, 3] } };
const DENSE = { class_name: "Dense", config: { name: "dense", units: 2 } };
const WEIGHTS: readonly NamedShape[] = [
  { name: "lstm/kernel", shape: [3, 8] },
  { name: "lstm/recurrent_kernel", shape: [2, 8] },
  { name: "lstm/bias", shape: [8] },
  { name: "dense/kernel", shape: [2, 2] },
  { name: "dense/bias", shape: [2] },
];
const good = () => modelFiles(sequentialTopology([LSTM, DENSE]), WEIGHTS);

/** Refusal of a Sequential made of these layers, the first with an input of [4, 3]. */
function refusal(layers: readonly LayerJson[], tensors = WEIGHTS) {
  const [first, ...rest] = layers;
  const start = { ...first, config: { batch_input_shape: [null, 4, 3], ...first.config } };
  return importError(importFiles(modelFiles(sequentialTopology([start, ...rest]), tensors)));
}

describe("broken files", () => {
  it("names a missing shard", async () => {
    const { "group1-shard1of1": _, ...files } = good();
    const error = await importError(importFiles(files));
    expect(error.code).toBe("SHARD_MISSING");
    expect(error.message).toContain("weight shard group1-shard1of1 is missing");
  });

  it("names a truncated shard, the weight and the bytes", async () => {
    const files = good();
    files["group1-shard1of1"] = (files["group1-shard1of1"] as Uint8Array).slice(0, 100);
    const error = await importError(importFiles(files));
    expect(error.code).toBe("SHARD_TRUNCATED");
    expect(error.message).toContain(
      "weight lstm/recurrent_kernel ends at byte 160 of group1-shard1of1, which hold 100 bytes",
    );
  });

  it("refuses shards with bytes left over", async () => {
    const files = good();
    files["group1-shard1of1"] = new Uint8Array(1000);
    expect((await importError(importFiles(files))).code).toBe("SHARD_TRUNCATED");
  });

  it("refuses text that is no JSON, JSON that is no model, archives that are none", async () => {
    expect((await importError(importFiles({ "model.json": "hello" }))).code).toBe("FILE_UNREADABLE");
    expect((await importError(importFiles({ "model.json": "[]" }))).code).toBe("TOPOLOGY_INVALID");
    expect((await importError(importFiles({ "model.json": '{"weightsManifest":[]}' }))).code).toBe("LAYER_UNSUPPORTED");
    expect((await importError(importFiles({ "model.json": new Uint8Array([0x50, 0x4b, 3, 4, 1, 2]) }))).code).toBe(
      "FILE_UNREADABLE",
    );
    expect((await importError(importFiles({ "model.json": new Uint8Array([0x89, 0x48, 0x44, 0x46]) }))).code).toBe(
      "FILE_UNREADABLE",
    );
    expect((await importError(importFiles({}))).code).toBe("FILE_MISSING");
  });

  it("tells a graph-model what to do", async () => {
    const error = await importError(
      importFiles({ "model.json": '{"format":"graph-model","modelTopology":{"node":[]}}' }),
    );
    expect(error.code).toBe("OPTION_UNSUPPORTED");
    expect(error.message).toContain("tfjs_layers_model");
  });

  it("names a missing weight and what there is", async () => {
    const error = await importError(importFiles(modelFiles(sequentialTopology([LSTM, DENSE]), WEIGHTS.slice(0, 4))));
    expect(error).toMatchObject({ code: "WEIGHT_MISSING", layer: "dense", layerClass: "Dense" });
    expect(error.message).toContain("layer dense (Dense) has no bias [2]; the files hold lstm/kernel, ");
  });

  it("names a weight of the wrong shape", async () => {
    const tensors = WEIGHTS.map((tensor) => (tensor.name === "dense/kernel" ? { ...tensor, shape: [3, 2] } : tensor));
    const error = await importError(importFiles(modelFiles(sequentialTopology([LSTM, DENSE]), tensors)));
    expect(error.code).toBe("WEIGHT_SHAPE");
    expect(error.message).toBe("layer dense (Dense) expects kernel [2, 2], dense/kernel is [3, 2]");
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])("refuses the weight %s", async (value) => {
    const weights = randomWeights(WEIGHTS);
    weights[1][5] = value;
    const error = await importError(importFiles(modelFiles(sequentialTopology([LSTM, DENSE]), WEIGHTS, weights)));
    expect(error).toMatchObject({ code: "WEIGHT_NOT_FINITE", layer: "lstm" });
    expect(error.message).toContain(`the weight ${value} at index 5 of lstm/recurrent_kernel`);
  });
});

describe("layers that are not run", () => {
  it.each([
    ["Conv2D", "LAYER_UNSUPPORTED", "use Conv1D"],
    ["ConvLSTM2D", "LAYER_UNSUPPORTED", "use Conv1D before an LSTM"],
    ["MultiHeadAttention", "LAYER_UNSUPPORTED", "attention"],
    ["Attention", "LAYER_UNSUPPORTED", "attention"],
    ["TFOpLambda", "LAYER_UNSUPPORTED", "layers instead of operations"],
    ["Lambda", "LAYER_UNSUPPORTED", "layers instead of operations"],
    ["CuDNNLSTM", "LAYER_UNSUPPORTED", "LSTM or GRU"],
    ["MyOwnLayer", "LAYER_UNKNOWN", "supported are"],
  ])("refuses %s by name", async (className, code, hint) => {
    const error = await refusal([{ class_name: className, config: { name: "it" } }]);
    expect(error).toMatchObject({ code, layer: "it", layerClass: className });
    expect(error.message).toContain(`layer it (${className}) is not supported: `);
    expect(error.message).toContain(hint);
  });

  it.each(["MinimalGRU", "FastGRNN"])("refuses a %s of Keras, which need not be ours", async (className) => {
    const layer = { class_name: className, config: { name: "it", units: 2, batch_input_shape: [null, 4, 3] } };
    const files = modelFiles(sequentialTopology([layer]), [], undefined, { generatedBy: "keras v3.1.0" });
    const error = await importError(importFiles(files));
    expect(error).toMatchObject({ code: "LAYER_UNSUPPORTED", layer: "it", layerClass: className });
    expect(error.message).toContain("one of that name in Keras may be another");
  });

  it.each<[string, LayerJson[], string, string]>([
    [
      "softmax over time",
      [{ class_name: "Softmax", config: { name: "s", axis: 1 } }],
      "OPTION_UNSUPPORTED",
      "attention",
    ],
    [
      "an unknown activation",
      [{ class_name: "Activation", config: { name: "a", activation: "sine" } }],
      "OPTION_UNSUPPORTED",
      '"sine"',
    ],
    [
      "grouped convolution",
      [{ class_name: "Conv1D", config: { name: "c", filters: 3, kernel_size: [3], groups: 3 } }],
      "OPTION_UNSUPPORTED",
      "groups 3",
    ],
    [
      "channels first",
      [{ class_name: "Conv1D", config: { name: "c", filters: 3, kernel_size: [3], data_format: "channels_first" } }],
      "OPTION_UNSUPPORTED",
      "channels_first",
    ],
    [
      "a kernel longer than the sequence",
      [{ class_name: "Conv1D", config: { name: "c", filters: 3, kernel_size: [5] } }],
      "SHAPE_UNSUPPORTED",
      "spans 5 steps, its input has 4",
    ],
    [
      "merge_mode null",
      [{ class_name: "Bidirectional", config: { name: "b", merge_mode: null, layer: LSTM } }],
      "OPTION_UNSUPPORTED",
      "merge_mode null",
    ],
    [
      "Bidirectional of something else",
      [{ class_name: "Bidirectional", config: { name: "b", layer: { class_name: "ConvLSTM1D", config: {} } } }],
      "LAYER_UNSUPPORTED",
      "wraps a ConvLSTM1D",
    ],
    [
      "TimeDistributed of something else",
      [{ class_name: "TimeDistributed", config: { name: "t", layer: { class_name: "Conv1D", config: {} } } }],
      "LAYER_UNSUPPORTED",
      "wraps a Conv1D",
    ],
    ["swapped axes", [{ class_name: "Permute", config: { name: "p", dims: [2, 1] } }], "OPTION_UNSUPPORTED", "[2,1]"],
    [
      "PReLU with a slope for every step",
      [{ class_name: "PReLU", config: { name: "p", shared_axes: null } }],
      "OPTION_UNSUPPORTED",
      "shared_axes [1]",
    ],
    [
      "normalization over time",
      [{ class_name: "BatchNormalization", config: { name: "n", axis: 1 } }],
      "OPTION_UNSUPPORTED",
      "axis 1",
    ],
    [
      "padding that no convolution takes up",
      [{ class_name: "ZeroPadding1D", config: { name: "z", padding: 1 } }, LSTM],
      "LAYER_UNSUPPORTED",
      "ZeroPadding1D",
    ],
    [
      "a recurrent layer on a vector",
      [
        { class_name: "Flatten", config: { name: "f" } },
        { class_name: "LSTM", config: { name: "l", units: 2 } },
      ],
      "SHAPE_UNSUPPORTED",
      "needs a sequence",
    ],
    [
      "an Embedding behind other layers",
      [
        { class_name: "Dense", config: { name: "dense", units: 3, use_bias: false } },
        { class_name: "Embedding", config: { name: "e", input_dim: 3, output_dim: 2 } },
      ],
      "SHAPE_UNSUPPORTED",
      "tokens",
    ],
  ])("refuses %s", async (_, layers, code, text) => {
    const tensors = [{ name: "dense/kernel", shape: [3, 3] }];
    const error = await refusal(layers, layers[0].class_name === "Dense" ? tensors : WEIGHTS);
    expect(error.code).toBe(code);
    expect(error.message).toContain(text);
    expect(error.message).toMatch(/^layer /);
  });
});

describe("masks that cannot be obeyed", () => {
  const masked = (...rest: LayerJson[]) => [{ class_name: "Masking", config: { name: "masking" } }, ...rest];
  const lstm = (config: object) => ({
    class_name: "LSTM",
    config: { name: "lstm", units: 2, return_sequences: true, ...config },
  });
  const flatten = { class_name: "Flatten", config: { name: "flatten" } };
  const last = { class_name: "SimpleRNN", config: { name: "last", units: 2 } };

  async function kerasRefusal(layers: LayerJson[]) {
    const start = { ...layers[0], config: { batch_input_shape: [null, 4, 3], ...layers[0].config } };
    const topology = sequentialTopology([start, ...layers.slice(1)]);
    return importError(importFiles(modelFiles(topology, WEIGHTS, undefined, { generatedBy: "keras v2.4.0" })));
  }

  it("refuses zeros at masked steps where a layer reads them", async () => {
    const error = await kerasRefusal(masked(lstm({ zero_output_for_mask: true }), flatten));
    expect(error).toMatchObject({ code: "OPTION_UNSUPPORTED", layer: "flatten" });
    expect(error.message).toContain("zero_output_for_mask");
  });

  it("refuses a mask in forward order on rows in backward order", async () => {
    const error = await kerasRefusal(masked(lstm({ go_backwards: true }), last));
    expect(error).toMatchObject({ code: "WEIGHT_MISSING" });
    const weights = [
      ...WEIGHTS,
      { name: "last/kernel", shape: [2, 2] },
      { name: "last/recurrent_kernel", shape: [2, 2] },
      { name: "last/bias", shape: [2] },
    ];
    const topology = sequentialTopology([
      { class_name: "Masking", config: { name: "m", batch_input_shape: [null, 4, 3] } },
      lstm({ go_backwards: true }),
      last,
    ]);
    const second = await importError(importFiles(modelFiles(topology, weights)));
    expect(second).toMatchObject({ code: "OPTION_UNSUPPORTED", layer: "last" });
    expect(second.message).toContain("backward order");
  });

  it("warns of a mask that a layer does not pass on, and drops flags that nobody obeys", async () => {
    const warnings: string[] = [];
    const topology = sequentialTopology([
      { class_name: "Masking", config: { name: "m", batch_input_shape: [null, 4, 3] } },
      lstm({}),
      flatten,
    ]);
    const graph = await importFiles(modelFiles(topology, WEIGHTS), { warn: (text) => warnings.push(text) });
    expect(warnings).toEqual(["layer flatten (Flatten) does not pass the mask of its input on"]);
    expect(graph.nodes.map((node) => [node.op, node.maskOut, node.maskObey])).toEqual([
      ["input", false, false],
      ["mask", true, false],
      ["lstm", false, true],
      ["reshape", false, false],
    ]);
  });
});

describe("ZeroPadding1D", () => {
  const convolution = (config: object) => ({
    class_name: "Conv1D",
    config: { name: "c", filters: 2, kernel_size: [3], use_bias: false, ...config },
  });
  const tensors = [{ name: "c/kernel", shape: [3, 3, 2] }];
  const read = (padding: unknown, config: object) => {
    const pad = { class_name: "ZeroPadding1D", config: { name: "z", padding, batch_input_shape: [null, 7, 3] } };
    return importFiles(modelFiles(sequentialTopology([pad, convolution(config)]), tensors));
  };

  it.each([
    [[2, 0], {}, "causal", 7],
    [[4, 0], { dilation_rate: [2] }, "causal", 7],
    [1, {}, "same", 7],
    [[1, 1], { strides: [2] }, "same", 4],
    [[2, 0], { strides: [2] }, "causal", 4],
  ])("of %j before a convolution %j becomes its padding", async (padding, config, expected, rows) => {
    const graph = await read(padding, config);
    expect(graph.nodes[1]).toMatchObject({ op: "conv1d", padding: expected, shape: { rows } });
  });

  it("is refused where it is no padding the convolution knows", async () => {
    const error = await importError(read([1, 2], {}));
    expect(error.message).toContain("follows a ZeroPadding1D of [1, 2]");
    expect((await importError(read([2, 0], { padding: "same" }))).code).toBe("OPTION_UNSUPPORTED");
  });
});

/** A functional model out of layers and the names of what each reads. */
function functional(
  layers: readonly (LayerJson & { readonly from: readonly unknown[] })[],
  outputs: readonly (readonly unknown[])[],
  inputs = ["start"],
) {
  const starts = inputs.map((name) => ({
    class_name: "InputLayer",
    name,
    config: { name, batch_input_shape: [null, 4, 3] },
    inbound_nodes: [],
  }));
  const others = layers.map(({ from, ...layer }) => ({
    ...layer,
    name: layer.config["name"],
    inbound_nodes: from,
  }));
  const config = {
    name: "functional",
    layers: [...starts, ...others],
    input_layers: inputs.map((name) => [name, 0, 0]),
    output_layers: outputs,
  };
  return importError(importFiles(modelFiles({ class_name: "Model", config }, WEIGHTS)));
}

describe("graphs that are not run", () => {
  const lstm = { class_name: "LSTM", config: { name: "lstm", units: 2, return_state: true } };
  const start = ["start", 0, 0, {}];

  it("refuses two inputs and two outputs", async () => {
    const from = [[start]];
    const two = await functional([{ ...lstm, from }], [["lstm", 0, 0]], ["start", "other"]);
    expect(two.message).toContain("2 inputs (start, other)");
    const outputs = await functional(
      [{ ...lstm, from }],
      [
        ["lstm", 0, 0],
        ["start", 0, 0],
      ],
    );
    expect(outputs.message).toContain("2 outputs (lstm, start)");
  });

  it("refuses states that are used, not states that are returned", async () => {
    const error = await functional([{ ...lstm, from: [[start]] }], [["lstm", 0, 1]]);
    expect(error.code).toBe("LAYER_UNSUPPORTED");
    expect(error.message).toContain("output 1 of layer lstm (LSTM)");
  });

  it("refuses initial states", async () => {
    const other = { class_name: "Dense", config: { name: "dense", units: 2 }, from: [[start]] };
    const error = await functional([{ ...other }, { ...lstm, from: [[start, ["start", 0, 0, {}]]] }], [["lstm", 0, 0]]);
    expect(error.message).toMatch(/initial_state|expects kernel/);
  });

  it("refuses a layer with weights at two places", async () => {
    const dense = { class_name: "Dense", config: { name: "dense", units: 2 }, from: [[start], [start]] };
    const add = {
      class_name: "Add",
      config: { name: "add" },
      from: [
        [
          ["dense", 0, 0, {}],
          ["dense", 1, 0, {}],
        ],
      ],
    };
    const error = await functional([dense, add], [["add", 0, 0]]);
    expect(error.message).toContain("layer dense (Dense) is called 2 times");
  });

  it("refuses sides that run at different rates", async () => {
    const pool = { class_name: "MaxPooling1D", config: { name: "pool", pool_size: [2] }, from: [[start]] };
    const add = { class_name: "Add", config: { name: "add" }, from: [[start, ["pool", 0, 0, {}]]] };
    const error = await functional([pool, add], [["add", 0, 0]]);
    expect(error.code).toBe("SHAPE_UNSUPPORTED");
    expect(error.message).toContain("layer add (Add) joins [4, 3] and [2, 3]");
  });
});
