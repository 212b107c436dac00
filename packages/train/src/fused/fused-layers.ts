import type { LayersModel, layers, Tensor, Tensor3D } from "@tensorflow/tfjs";
import { ownCell } from "../layers/own-layers.js";
import type { Tf } from "../tf/load-tf.js";
import { fusedCell, kernelsOf, namedWeights } from "./fused-cell.js";
import { canHold, fusedSequence } from "./fused-op.js";

type Layer = layers.Layer;
type Inputs = Tensor | Tensor[];
type Arguments = Readonly<Record<string, unknown>>;

/** Keys of a layer's configuration with which tfjs computes. */
const OWN_WAY = ["returnState", "stateful"] as const;
/** Keys of a call with which tfjs computes. */
const OWN_CALLS = ["mask", "initialState", "constants"] as const;

/** How many {@link withFusedLayers} hold a layer now. */
const holders = new WeakMap<Layer, number>();

/**
 * Does `work` while the recurrent layers of tfjs in the model compute in the kernels; layers and calls that kernels lack (masks, dropout in
 * training, states given or returned, other activations) stay tfjs's. Behind it the model is as it was.
 */
export async function withFusedLayers<Result>(
  tf: Tf,
  model: LayersModel,
  work: () => Promise<Result>,
): Promise<Result> {
  const taken = kernelsOf(tf) === undefined ? [] : everyLayer(model).filter((layer) => take(tf, layer));
  try {
    return await work();
  } finally {
    for (const layer of taken) giveBack(layer);
  }
}

/** All layers, those inside of models and wrappers too. */
function everyLayer(owner: object): Layer[] {
  const { layers = [], layer, forwardLayer, backwardLayer } = owner as Record<string, Layer> & { layers?: Layer[] };
  const inner = [...layers, layer, forwardLayer, backwardLayer].filter((each) => each !== undefined);
  return inner.flatMap((each) => [each, ...everyLayer(each)]);
}

/** Puts a call of our own before the layer's; returns whether it did. */
function take(tf: Tf, layer: Layer): boolean {
  const count = holders.get(layer) ?? 0;
  if (count === 0) {
    const call = fusedCall(tf, layer);
    if (call === undefined) return false;
    layer.call = call;
  }
  holders.set(layer, count + 1);
  return true;
}

function giveBack(layer: Layer): void {
  const count = (holders.get(layer) ?? 1) - 1;
  holders.set(layer, count);
  // The class's own method shows again.
  if (count === 0) Reflect.deleteProperty(layer, "call");
}

function fusedCall(tf: Tf, layer: Layer): Layer["call"] | undefined {
  const config = layer.getConfig();
  const cell = fusedCell(layer.getClassName(), config);
  if (cell === undefined || ownCell(layer.getClassName()) !== undefined || OWN_WAY.some((key) => config[key]))
    return undefined;
  const own = layer.call.bind(layer);
  const drops = Number(config["dropout"] ?? 0) > 0 || Number(config["recurrentDropout"] ?? 0) > 0;
  return (inputs: Inputs, kwargs: Arguments): Inputs => {
    const kernels = kernelsOf(tf);
    const x = (Array.isArray(inputs) ? inputs[0] : inputs) as Tensor3D;
    const special = OWN_CALLS.some((key) => kwargs?.[key] !== undefined && kwargs[key] !== null);
    if (kernels === undefined || special || (drops && kwargs?.["training"]) || !canHold(cell, x)) {
      return own(inputs, kwargs as Parameters<typeof own>[1]);
    }
    return tf.tidy(() => {
      const forwards = config["goBackwards"] ? x.reverse<Tensor3D>(1) : x;
      return fusedSequence(
        tf,
        kernels,
        cell,
        { x: forwards, ...namedWeights(layer.weights.map((weight) => weight.read())) },
        Boolean(config["returnSequences"]),
      ).output;
    });
  };
}
