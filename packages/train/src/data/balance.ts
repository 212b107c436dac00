import { TrainError } from "../training/errors.js";
import { derivedRandom } from "../training/seeded-random.js";
import { labelsOf, pickSamples, type TrainingSet } from "../training/training-set.js";
import { type Random, shuffledIndices } from "./random.js";

export type Balance = "none" | "weights" | "oversample" | "smote";

/**
 * Evens out the classes of a training set (never give it another part).
 * `weights`: errors on rare classes count more; `oversample`: their samples come several times; `smote`: samples between
 * neighbours of the same class are added (Chawla et al. 2002, the neighbours among at most 400 of the class).
 */
export function balanceSet(set: TrainingSet, how: Balance, seed = 1): TrainingSet {
  switch (how) {
    case "none":
      return set;
    case "weights": {
      const weights = classWeights(labelsOf(set), set.outputs);
      const own = Float32Array.from(labelsOf(set), (label, i) => weights[label] * (set.weights?.[i] ?? 1));
      return { ...set, weights: own };
    }
    case "oversample":
      return pickSamples(set, oversampled(sampleLabels(set), set.outputs, derivedRandom(seed, 4)));
    case "smote":
      return smote(set, derivedRandom(seed, 5));
    default:
      throw new TrainError(
        "TRAIN_OPTION",
        `balance ${String(how)} is not known, choose none, weights, oversample, smote`,
      );
  }
}

/** Weight of each class, inverse to its share; a sample's weight is 1 on average; 0 for classes that do not occur. */
export function classWeights(labels: ArrayLike<number>, classes: number): Float64Array {
  const counts = countLabels(labels, classes);
  const present = counts.filter((count) => count > 0).length;
  return counts.map((count) => (count === 0 ? 0 : labels.length / (present * count)));
}

function countLabels(labels: ArrayLike<number>, classes: number): Float64Array {
  const counts = new Float64Array(classes);
  for (let i = 0; i < labels.length; i++) counts[labels[i]]++;
  return counts;
}

/** Label of each sample: that of its last row. */
function sampleLabels(set: TrainingSet): Uint16Array {
  const labels = labelsOf(set);
  return Uint16Array.from({ length: set.count }, (_, i) => labels[(i + 1) * set.rows - 1]);
}

function membersOf(labels: ArrayLike<number>, classes: number): number[][] {
  const members: number[][] = Array.from({ length: classes }, () => []);
  for (let i = 0; i < labels.length; i++) members[labels[i]].push(i);
  return members;
}

/** Indices in which every class occurs as often as the most frequent one. */
function oversampled(labels: Uint16Array, classes: number, random: Random): Uint32Array {
  const members = membersOf(labels, classes);
  const wanted = members.reduce((most, list) => Math.max(most, list.length), 0);
  const indices: number[] = [];
  for (const list of members) {
    if (list.length === 0) continue;
    for (let left = wanted; left > 0; left -= list.length) {
      const order = shuffledIndices(list.length, random);
      for (let i = 0; i < Math.min(left, list.length); i++) indices.push(list[order[i]]);
    }
  }
  return Uint32Array.from(indices);
}

const NEIGHBOURS = 5;
const POOL = 400;

function smote(set: TrainingSet, random: Random): TrainingSet {
  if (set.rows !== 1) throw new TrainError("TRAIN_OPTION", "smote needs one answer a sample: use weights for streams");
  const size = set.inputs.length / set.count;
  const members = membersOf(labelsOf(set), set.outputs);
  const wanted = members.reduce((most, list) => Math.max(most, list.length), 0);
  const made: { from: number; to: number; share: number }[] = [];
  for (const list of members) {
    if (list.length === 0 || list.length === wanted) continue;
    const order = shuffledIndices(list.length, random);
    const pool = Array.from(order.subarray(0, POOL), (place) => list[place]);
    const near = pool.map((index) => nearest(set.inputs, size, index, pool));
    for (let count = list.length; count < wanted; count++) {
      const place = random.integer(pool.length);
      const among = near[place];
      const to = among.length === 0 ? pool[place] : among[random.integer(among.length)];
      made.push({ from: pool[place], to, share: random.uniform() });
    }
  }
  const copies = pickSamples(set, [...Array(set.count).keys(), ...made.map(({ from }) => from)]);
  made.forEach(({ from, to, share }, i) => {
    const at = (set.count + i) * size;
    for (let j = 0; j < size; j++) {
      const start = set.inputs[from * size + j];
      copies.inputs[at + j] = start + share * (set.inputs[to * size + j] - start);
    }
  });
  return copies;
}

/** The nearest others of `pool`, by squared distance. */
function nearest(inputs: Float32Array, size: number, index: number, pool: readonly number[]): number[] {
  const found: { other: number; distance: number }[] = [];
  for (const other of pool) {
    if (other === index) continue;
    const limit = found.length < NEIGHBOURS ? Number.POSITIVE_INFINITY : found[NEIGHBOURS - 1].distance;
    let distance = 0;
    for (let j = 0; j < size && distance < limit; j++) {
      distance += (inputs[index * size + j] - inputs[other * size + j]) ** 2;
    }
    if (distance >= limit) continue;
    found.push({ other, distance });
    found.sort((a, b) => a.distance - b.distance);
    if (found.length > NEIGHBOURS) found.pop();
  }
  return found.map(({ other }) => other);
}
