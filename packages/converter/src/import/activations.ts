import type { Activation } from "../graph/types.js";
import type { Dialect, LayerConfig } from "./config.js";
import { isObject } from "./json.js";

const PLAIN: ReadonlyMap<string, Activation> = new Map<string, Activation>(
  Object.entries({
    linear: { kind: "linear" },
    tanh: { kind: "tanh" },
    sigmoid: { kind: "sigmoid" },
    relu: { kind: "relu" },
    relu6: { kind: "relu", max: 6 },
    elu: { kind: "elu", alpha: 1 },
    selu: { kind: "selu" },
    softplus: { kind: "softplus" },
    softsign: { kind: "softsign" },
    exponential: { kind: "exponential" },
    swish: { kind: "swish" },
    silu: { kind: "swish" },
    mish: { kind: "mish" },
    gelu: { kind: "gelu" },
    gelu_new: { kind: "geluTanh" },
    leaky_relu: { kind: "leakyRelu", alpha: 0.2 },
    hard_tanh: { kind: "hardTanh" },
    hard_swish: { kind: "hardSwish" },
    hard_silu: { kind: "hardSwish" },
  } satisfies Record<string, Activation>),
);

/** The name of a serialized activation: a string, or an object round one. Layers as activations give their class. */
function activationName(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (!isObject(value)) return undefined;
  const { config } = value;
  if (typeof config === "string") return config;
  if (value["class_name"] === "function") return undefined;
  if (isObject(config) && Object.keys(config).length > 1) return undefined;
  const name = value["class_name"];
  return typeof name === "string" ? name : undefined;
}

/**
 * The activation under `key`, or `softmax`, which is a node of its own.
 * @param fallback name of the activation that absence means
 */
export function readActivation(
  config: LayerConfig,
  key: string,
  fallback: string,
  dialect: Dialect,
): Activation | "softmax" {
  // Null is Keras' way to write linear; only absence means the default.
  const value = config.values[key] === null ? "linear" : (config.values[key] ?? fallback);
  const spelled = activationName(value);
  // Tells "LeakyReLU" and "leaky_relu", "hardSigmoid" and "hard_sigmoid" alike.
  const name = spelled
    ?.replace(/^tf\.nn\./, "")
    .replace(/ReLU/g, "Relu")
    .replace(/(?<=[a-z0-9])([A-Z])/g, "_$1")
    .toLowerCase();
  if (name === "softmax") return "softmax";
  if (name === "hard_sigmoid") return { kind: dialect === "keras3" ? "hardSigmoidKeras3" : "hardSigmoid" };
  const found = name === undefined ? undefined : PLAIN.get(name);
  if (found !== undefined) return found;
  throw config.unsupported(key, `supported are ${[...PLAIN.keys()].join(", ")}, hard_sigmoid, softmax`);
}

/** As {@link readActivation}, where a softmax cannot follow as a node. */
export function readPointwise(config: LayerConfig, key: string, fallback: string, dialect: Dialect): Activation {
  const activation = readActivation(config, key, fallback, dialect);
  if (activation === "softmax") throw config.unsupported(key, "softmax is no pointwise function; use sigmoid or tanh");
  return activation;
}
