import type { Tf } from "../tf/load-tf.js";
import { chooseLoss } from "../training/losses.js";
import { predictAll, scoreAnswers } from "../training/predict.js";
import type { TrainingSet } from "../training/training-set.js";
import { buildNetwork, isPrunable, type Network, networkCost } from "./network.js";
import { pruneUnits } from "./structured.js";

export interface LayerSensitivity {
  readonly layer: string;
  readonly share: number;
  readonly accuracy: number;
  readonly macs: number;
}

/** Accuracy on `set` when one layer alone loses a share of its units, without any fine-tuning. */
export async function layerSensitivity(
  tf: Tf,
  network: Network,
  set: TrainingSet,
  shares: readonly number[] = [0.25, 0.5, 0.75],
): Promise<LayerSensitivity[]> {
  const found: LayerSensitivity[] = [];
  for (const [index, { config }] of network.layers.entries()) {
    if (!isPrunable(network, index)) continue;
    const layer = String(config["name"]);
    for (const share of shares) {
      const pruned = pruneUnits(network, { share, layers: [layer] });
      const model = await buildNetwork(tf, pruned);
      const loss = chooseLoss("auto", model, true);
      const { accuracy = 0 } = scoreAnswers(await predictAll(tf, model, set), set, loss);
      model.dispose();
      found.push({ layer, share, accuracy, macs: networkCost(pruned).macs });
    }
  }
  return found;
}
