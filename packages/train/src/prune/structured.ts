import { TrainError } from "../training/errors.js";
import { gatesOf, isPrunable, type Network, type NetworkCost, networkCost, shrinkNetwork, unitsOf } from "./network.js";

/** How far structured pruning goes. */
export type PruneGoal =
  /** Share of the units of every layer that goes. */
  | { readonly share: number; readonly layers?: readonly string[] }
  /** Units go one by one, the least important of all layers first, until the network costs at most this. */
  | { readonly limit: Partial<NetworkCost>; readonly layers?: readonly string[] };

/**
 * Importance of each unit of a layer: the length of the weights that lead into it (of all its gates) times that of those
 * that read it. Units with zero on either side say nothing.
 */
export function unitScores(network: Network, index: number): Float64Array {
  const layer = network.layers[index];
  const units = unitsOf(layer);
  const gates = gatesOf(layer) ?? 1;
  const [kernel, recurrent] = layer.weights;
  const into = new Float64Array(units);
  const addColumns = (data: Float32Array) => {
    for (let at = 0; at < data.length; at++) into[(at % (gates * units)) % units] += data[at] ** 2;
  };
  addColumns(kernel.data);
  if (gatesOf(layer) !== undefined) addColumns(recurrent.data);
  const out = outgoing(network, index, units);
  if (gatesOf(layer) !== undefined) {
    const width = gates * units;
    for (let at = 0; at < recurrent.data.length; at++) out[Math.floor(at / width)] += recurrent.data[at] ** 2;
  }
  return into.map((value, unit) => Math.sqrt(value) * Math.sqrt(out[unit]));
}

/** Squares of the weights of the next layer that read each unit; batch normalization between them counts as a factor. */
function outgoing(network: Network, index: number, units: number): Float64Array {
  const sums = new Float64Array(units);
  const factors = new Float64Array(units).fill(1);
  for (const layer of network.layers.slice(index + 1)) {
    const [kernel] = layer.weights;
    if (layer.className === "BatchNormalization") {
      kernel.data.forEach((gamma, unit) => {
        factors[unit] *= gamma ** 2;
      });
    }
    if (kernel === undefined || layer.className === "BatchNormalization") continue;
    const axis = layer.className === "Conv1D" ? 1 : 0;
    const inner = kernel.shape.slice(axis + 1).reduce((product, size) => product * size, 1);
    const inputs = kernel.shape[axis];
    // Behind a Flatten, input t * units + unit belongs to the unit.
    kernel.data.forEach((value, at) => {
      sums[(Math.floor(at / inner) % inputs) % units] += value ** 2;
    });
    break;
  }
  return sums.map((sum, unit) => sum * factors[unit]);
}

/**
 * Removes whole units with all that belongs to them; the shapes really shrink. At least one unit of a layer stays.
 * Throws `TRAIN_OPTION` for a share outside 0 .. 1, `TARGET_UNREACHED` where even the smallest network costs more,
 * `PRUNE_UNSUPPORTED` where no layer can lose units.
 */
export function pruneUnits(network: Network, goal: PruneGoal): Network {
  const prunable = network.layers.flatMap((layer, index) =>
    isPrunable(network, index) && (goal.layers === undefined || goal.layers.includes(String(layer.config["name"])))
      ? [index]
      : [],
  );
  if (prunable.length === 0)
    throw new TrainError("PRUNE_UNSUPPORTED", `${network.name} has no layer that can lose units`);
  return "share" in goal ? byShare(network, prunable, goal.share) : byLimit(network, prunable, goal.limit);
}

function byShare(network: Network, prunable: readonly number[], share: number): Network {
  if (!(share >= 0 && share < 1)) {
    throw new TrainError("TRAIN_OPTION", `share of units to remove is ${share}, expected 0 .. 1`);
  }
  const kept = new Map(
    prunable.map((index) => {
      const scores = unitScores(network, index);
      const count = Math.max(1, Math.round((1 - share) * scores.length));
      const order = [...scores.keys()].sort((a, b) => scores[b] - scores[a]);
      return [index, order.slice(0, count).sort((a, b) => a - b)] as const;
    }),
  );
  return shrinkNetwork(network, kept);
}

function byLimit(network: Network, prunable: readonly number[], limit: Partial<NetworkCost>): Network {
  // Scores of different layers compare only by their own layer's mean.
  const queue = prunable
    .flatMap((index) => {
      const scores = unitScores(network, index);
      const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length || 1;
      return Array.from(scores, (score, unit) => ({ index, unit, score: score / mean }));
    })
    .sort((a, b) => a.score - b.score);
  const kept = new Map(prunable.map((index) => [index, [...unitScores(network, index).keys()]]));
  const over = (candidate: Network) => {
    const cost = networkCost(candidate);
    return Object.entries(limit).some(([key, most]) => cost[key as keyof NetworkCost] > (most as number));
  };
  let current = network;
  for (const { index, unit } of queue) {
    if (!over(current)) return current;
    const units = kept.get(index) as number[];
    if (units.length === 1) continue;
    kept.set(
      index,
      units.filter((other) => other !== unit),
    );
    current = shrinkNetwork(network, kept);
  }
  if (!over(current)) return current;
  const least = Object.entries(limit).map(
    ([key, most]) => `${key} ${networkCost(current)[key as keyof NetworkCost]}, limit ${most}`,
  );
  throw new TrainError(
    "TARGET_UNREACHED",
    `one unit a layer is left and ${network.name} still takes ${least.join("; ")}`,
  );
}
