import { LayerConfig } from "./config.js";
import { ImportError } from "./errors.js";
import { type ImportSession, LayerContext, type Value } from "./layer-context.js";
import { hintFor, lowererOf, SUPPORTED_CLASSES } from "./layers/index.js";
import { applyMaskTensor, isMask, lowerMaskOperation, MASK_OPERATIONS, type MaskTensor } from "./mask-tensors.js";
import type { LayerCall, LayerSpec, ModelSpec, TensorRef } from "./topology.js";

/** Where a model's layers keep their weights. */
export interface ModelPlace {
  readonly names: readonly string[];
  readonly stores: readonly (readonly string[])[];
}

/** Refuses a model that holds a class without a lowering, before anything else can fail. */
export function refuseUnknownLayers(model: ModelSpec): void {
  for (const { name, className, model: inner } of model.layers) {
    if (inner !== undefined) refuseUnknownLayers(inner);
    else if (className !== "InputLayer" && lowererOf(className) === undefined && !MASK_OPERATIONS.has(className)) {
      const hint = hintFor(className);
      const text = hint ?? `supported are ${SUPPORTED_CLASSES.join(", ")}`;
      const code = hint === undefined ? "LAYER_UNKNOWN" : "LAYER_UNSUPPORTED";
      const place = { layer: name, layerClass: className };
      throw new ImportError(code, `layer ${name} (${className}) is not supported: ${text}`, place);
    }
  }
}

/** `SeparableConv1D` as Keras names its groups in weight files: `separable_conv1d`. */
export function snakeCase(className: string): string {
  return className
    .replace(/\W+/g, "")
    .replace(/(.)([A-Z][a-z]+)/g, "$1_$2")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
}

/** Names of the layers' groups in the weight file of a `.keras` archive: by class, counted. */
function storeNames(model: ModelSpec): Map<string, string> {
  const used = new Map<string, number>();
  const names = new Map<string, string>();
  for (const layer of model.layers) {
    const base = snakeCase(layer.className);
    const count = used.get(base) ?? 0;
    used.set(base, count + 1);
    names.set(layer.name, count === 0 ? base : `${base}_${count}`);
  }
  return names;
}

/** Lowers the layers of one model; nested models recurse. */
class ModelLowering {
  readonly #done = new Map<string, Value | MaskTensor>();
  readonly #pending = new Set<string>();
  readonly #layers: ReadonlyMap<string, LayerSpec>;
  readonly #stores: ReadonlyMap<string, string>;

  constructor(
    readonly session: ImportSession,
    readonly model: ModelSpec,
    inputs: readonly Value[],
    readonly place: ModelPlace,
  ) {
    this.#layers = new Map(model.layers.map((layer) => [layer.name, layer]));
    this.#stores = storeNames(model);
    if (inputs.length !== model.inputs.length) {
      const text = `model ${model.name} has ${model.inputs.length} inputs and gets ${inputs.length}`;
      throw new ImportError("SHAPE_UNSUPPORTED", text, { layer: model.name });
    }
    model.inputs.forEach((ref, index) => {
      this.#done.set(`${ref.layer}:0`, inputs[index]);
    });
  }

  run(): Value {
    const { model } = this;
    if (model.outputs.length !== 1) {
      const names = model.outputs.map((ref) => ref.layer).join(", ");
      const text = `model ${model.name} has ${model.outputs.length} outputs (${names}): one is run; cut the model to it`;
      throw new ImportError("SHAPE_UNSUPPORTED", text, { layer: model.name });
    }
    // In the order of the file, so that nodes and cells come in the order in which they were made.
    for (const layer of model.layers) for (const call of layer.calls.keys()) this.#tensor(layer, call);
    return this.#value(model.outputs[0], `output of model ${model.name}`);
  }

  #resolve(ref: TensorRef, user: string): Value | MaskTensor {
    const layer = this.#layers.get(ref.layer);
    if (layer === undefined)
      throw new ImportError("TOPOLOGY_INVALID", `${user} reads layer ${ref.layer}, which does not exist`);
    if (ref.index !== 0) {
      const text = `${user} reads output ${ref.index} of layer ${ref.layer} (${layer.className}): states and second outputs are not run`;
      throw new ImportError("LAYER_UNSUPPORTED", text, { layer: ref.layer, layerClass: layer.className });
    }
    return this.#tensor(layer, layer.calls.length <= 1 ? 0 : ref.call);
  }

  #value(ref: TensorRef, user: string): Value {
    const value = this.#resolve(ref, user);
    if (!isMask(value)) return value;
    const text = `${user} reads the mask ${ref.layer} as a value: only recurrent layers take masks`;
    throw new ImportError("LAYER_UNSUPPORTED", text, { layer: ref.layer });
  }

  #tensor(layer: LayerSpec, call: number): Value | MaskTensor {
    const key = `${layer.name}:${call}`;
    const known = this.#done.get(key);
    if (known !== undefined) return known;
    const use = layer.calls[call];
    if (use === undefined || this.#pending.has(key)) {
      const text = use === undefined ? `has no call ${call}` : "depends on itself";
      throw new ImportError("TOPOLOGY_INVALID", `layer ${layer.name} (${layer.className}) ${text}`, {
        layer: layer.name,
      });
    }
    this.#pending.add(key);
    const value = this.#lower(layer, use);
    this.#done.set(key, value);
    return value;
  }

  #lower(layer: LayerSpec, use: LayerCall): Value | MaskTensor {
    const { place, session } = this;
    const user = `layer ${layer.name} (${layer.className})`;
    const operands = use.inputs.map((ref) => this.#resolve(ref, user));
    const joinsMasks = layer.className === "Concatenate" && operands.every(isMask);
    if (joinsMasks || MASK_OPERATIONS.has(layer.className)) return lowerMaskOperation(layer, use, operands);
    let inputs = use.inputs.map((ref) => this.#value(ref, user));
    const name = [...place.names, layer.name].join("/");
    const config = new LayerConfig(name, layer.className, layer.config);
    this.#refuseSharing(layer, config);
    if (inputs.length === 0) throw config.error("TOPOLOGY_INVALID", "has no inputs");
    if (use.mask !== undefined) {
      const mask = this.#resolve(use.mask, user);
      if (!isMask(mask)) throw config.error("OPTION_UNSUPPORTED", "gets a mask that is not computed by NotEqual");
      inputs = [applyMaskTensor(session, inputs[0], mask, config), ...inputs.slice(1)];
    }
    const padded = inputs.find((input) => input.padding !== undefined);
    if (padded !== undefined && !/Conv|ZeroPadding/.test(layer.className)) {
      throw config.error("LAYER_UNSUPPORTED", "follows a ZeroPadding1D, which only a convolution can take up");
    }
    const storeName = this.#stores.get(layer.name) ?? "";
    const stores = place.stores.flatMap((store) => [
      [...store, "layers", storeName],
      [...store, "layers", layer.name],
      [...store, "_layer_checkpoint_dependencies", storeName],
    ]);
    if (layer.model !== undefined) {
      return lowerModel(session, layer.model, inputs, { names: [...place.names, layer.name], stores });
    }
    const paths = place.names.length === 0 ? [[layer.name]] : [[...place.names, layer.name], [layer.name]];
    const lower = lowererOf(layer.className);
    if (lower === undefined) throw config.error("LAYER_UNKNOWN", "is not supported");
    return lower(new LayerContext(session, config, { paths, stores }, use.kwargs), inputs);
  }

  /** Layers with weights stand at one place; those without may be called again and again. */
  #refuseSharing(layer: LayerSpec, config: LayerConfig): void {
    const weightless =
      /Activation|ReLU|ELU|Dropout|Noise|Pool|Flatten|Reshape|Add|Concatenate|Multiply|Average|Maximum/;
    if (layer.calls.length <= 1 || weightless.test(layer.className)) return;
    throw config.error(
      "LAYER_UNSUPPORTED",
      `is called ${layer.calls.length} times: give each place a layer of its own`,
    );
  }
}

/** Lowers a model onto `inputs`; returns what leaves it. */
export function lowerModel(
  session: ImportSession,
  model: ModelSpec,
  inputs: readonly Value[],
  place: ModelPlace,
): Value {
  const output = new ModelLowering(session, model, inputs, place).run();
  if (output.padding !== undefined) {
    throw new ImportError("LAYER_UNSUPPORTED", `model ${model.name} ends with a ZeroPadding1D: drop the layer`);
  }
  return output;
}
