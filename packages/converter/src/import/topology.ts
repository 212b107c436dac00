import { ImportError } from "./errors.js";
import { asArray, asObject, describe, isObject, type JsonObject } from "./json.js";

/** One output tensor of one call of a layer. */
export interface TensorRef {
  readonly layer: string;
  readonly call: number;
  readonly index: number;
}

/** A use of a layer in the graph. */
export interface LayerCall {
  readonly inputs: readonly TensorRef[];
  /** Constants among the positional arguments (operands of Keras 3 operations). */
  readonly constants: readonly unknown[];
  /** A mask handed over as a tensor. */
  readonly mask: TensorRef | undefined;
  readonly kwargs: JsonObject;
}

export interface LayerSpec {
  readonly name: string;
  readonly className: string;
  readonly config: JsonObject;
  readonly calls: readonly LayerCall[];
  /** For nested models. */
  readonly model: ModelSpec | undefined;
}

/** A model in one form, whatever wrote it: Sequential ones have become chains of calls. */
export interface ModelSpec {
  readonly name: string;
  readonly sequential: boolean;
  readonly layers: readonly LayerSpec[];
  readonly inputs: readonly TensorRef[];
  readonly outputs: readonly TensorRef[];
}

export const MODEL_CLASSES: ReadonlySet<string> = new Set(["Sequential", "Functional", "Model"]);

/** Reads a `{class_name, config}` model description of any age. Throws `TOPOLOGY_INVALID`, `LAYER_UNSUPPORTED`. */
export function parseModel(value: unknown): ModelSpec {
  const description = asObject(value, "model topology");
  const className = String(description["class_name"] ?? "");
  if (!MODEL_CLASSES.has(className)) {
    const hint = "export it as a Sequential or functional model";
    throw new ImportError("LAYER_UNSUPPORTED", `the model is a ${className || "nameless class"}: ${hint}`, {
      layerClass: className,
    });
  }
  const config = description["config"];
  if (Array.isArray(config)) return parseSequential("sequential", config, {});
  const object = asObject(config, "config of the model");
  const name = typeof object["name"] === "string" ? object["name"] : className.toLowerCase();
  const layers = asArray(object["layers"], `layers of model ${name}`);
  return className === "Sequential" ? parseSequential(name, layers, object) : parseFunctional(name, layers, object);
}

function parseLayer(value: unknown): Omit<LayerSpec, "calls"> {
  const layer = asObject(value, "layer");
  const className = String(layer["class_name"] ?? "");
  const config = Array.isArray(layer["config"]) ? {} : asObject(layer["config"] ?? {}, `config of a ${className}`);
  const name = String(layer["name"] ?? config["name"] ?? className.toLowerCase());
  return { name, className, config, model: MODEL_CLASSES.has(className) ? parseModel(layer) : undefined };
}

/** Shape of the model's input including the batch, as the first layer or the Sequential itself tells it. */
function batchShape(first: Omit<LayerSpec, "calls">, model: JsonObject): unknown {
  const { config } = first;
  const found = config["batch_input_shape"] ?? config["batch_shape"] ?? model["build_input_shape"];
  if (found !== undefined && found !== null) return found;
  if (first.model !== undefined) {
    const inner = first.model.layers.find((layer) => layer.name === first.model?.inputs[0]?.layer);
    return inner?.config["batch_input_shape"] ?? inner?.config["batch_shape"];
  }
  if (Array.isArray(config["input_shape"])) return [null, ...config["input_shape"]];
  const dim = config["input_dim"];
  const length = config["input_length"] ?? null;
  if (first.className === "Embedding") return [null, length];
  return typeof dim === "number" ? [null, length, dim] : undefined;
}

function parseSequential(name: string, values: readonly unknown[], model: JsonObject): ModelSpec {
  const layers = values.map(parseLayer);
  if (layers.length === 0) throw new ImportError("TOPOLOGY_INVALID", `model ${name} has no layers`);
  if (layers[0].className !== "InputLayer") {
    const shape = batchShape(layers[0], model);
    if (shape === undefined) {
      throw new ImportError(
        "TOPOLOGY_INVALID",
        `model ${name} does not tell its input shape: save it after building it`,
      );
    }
    const config = { batch_input_shape: shape };
    layers.unshift({ name: `${layers[0].name}_input`, className: "InputLayer", config, model: undefined });
  }
  const ref = (index: number): TensorRef => ({ layer: layers[index].name, call: 0, index: 0 });
  return {
    name,
    sequential: true,
    layers: layers.map((layer, index) => ({
      ...layer,
      calls: index === 0 ? [] : [{ inputs: [ref(index - 1)], constants: [], mask: undefined, kwargs: {} }],
    })),
    inputs: [ref(0)],
    outputs: [ref(layers.length - 1)],
  };
}

function parseFunctional(name: string, values: readonly unknown[], model: JsonObject): ModelSpec {
  const layers = values.map((value) => {
    const layer = parseLayer(value);
    const nodes = asArray(asObject(value, "layer")["inbound_nodes"] ?? [], `inbound_nodes of layer ${layer.name}`);
    return { ...layer, calls: nodes.map((node) => parseCall(node, layer.name)) };
  });
  return {
    name,
    sequential: false,
    layers,
    inputs: parseRefs(model["input_layers"], `input_layers of model ${name}`),
    outputs: parseRefs(model["output_layers"], `output_layers of model ${name}`),
  };
}

function parseCall(node: unknown, layer: string): LayerCall {
  if (Array.isArray(node)) {
    // Keras 2 and tfjs: a list of [layer, call, index, kwargs]; a lone one may stand without its list.
    const entries = typeof node[0] === "string" ? [node] : node;
    let kwargs: JsonObject = {};
    const inputs = entries.map((entry) => {
      const tokens = asArray(entry, `inbound_nodes of layer ${layer}`);
      if (isObject(tokens[3])) kwargs = { ...kwargs, ...tokens[3] };
      return parseRef(tokens, `inbound_nodes of layer ${layer}`);
    });
    const { mask, ...others } = kwargs;
    return { inputs, constants: [], mask: isRef(mask) ? parseRef(mask, "mask") : undefined, kwargs: others };
  }
  // Keras 3: {args, kwargs} with tensors as {class_name: "__keras_tensor__", config: {keras_history}}.
  const call = asObject(node, `inbound_nodes of layer ${layer}`);
  const inputs: TensorRef[] = [];
  const constants: unknown[] = [];
  for (const argument of asArray(call["args"] ?? [], `args of layer ${layer}`)) collect(argument, inputs, constants);
  const kwargs: Record<string, unknown> = {};
  let mask: TensorRef | undefined;
  for (const [key, value] of Object.entries(asObject(call["kwargs"] ?? {}, `kwargs of layer ${layer}`))) {
    const tensors: TensorRef[] = [];
    collect(value, tensors, []);
    if (key === "mask" && tensors.length <= 1) mask = tensors[0];
    else if (key === "mask") kwargs["masks"] = tensors;
    else if (inputs.length === 0 && (key === "inputs" || key === "sequences")) inputs.push(...tensors);
    else kwargs[key] = value;
  }
  return { inputs, constants, mask, kwargs };
}

function collect(value: unknown, tensors: TensorRef[], constants: unknown[]): void {
  if (Array.isArray(value)) {
    for (const part of value) collect(part, tensors, constants);
  } else if (isObject(value) && value["class_name"] === "__keras_tensor__") {
    const config = asObject(value["config"], "config of a keras tensor");
    tensors.push(parseRef(config["keras_history"], "keras_history"));
  } else if (value !== null) {
    constants.push(isObject(value) && isObject(value["config"]) ? (value["config"]["value"] ?? value) : value);
  }
}

function isRef(value: unknown): boolean {
  return Array.isArray(value) && typeof value[0] === "string" && value.length >= 3;
}

function parseRef(value: unknown, what: string): TensorRef {
  if (!isRef(value)) throw new ImportError("TOPOLOGY_INVALID", `${what} holds ${describe(value)}, expected a tensor`);
  const [layer, call, index] = value as readonly unknown[];
  return { layer: String(layer), call: Number(call), index: Number(index) };
}

/** A lone triple, or a list of triples (nested as deep as the writer liked), or a dictionary of them. */
function parseRefs(value: unknown, what: string): TensorRef[] {
  if (isRef(value)) return [parseRef(value, what)];
  if (isObject(value)) return Object.values(value).flatMap((part) => parseRefs(part, what));
  return asArray(value, what).flatMap((part) => parseRefs(part, what));
}
