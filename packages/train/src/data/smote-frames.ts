import { derivedRandom } from "../training/seeded-random.js";
import { type Random, shuffledIndices } from "./random.js";
import type { RecordedSequence, Recordings } from "./recordings.js";

const NEIGHBOURS = 5;
const POOL = 300;

/**
 * Balances labelled frames by SMOTE on single time steps, before any windows are cut: for every class but the most frequent
 * one a sequence of made-up frames is added, each between a frame and one of its nearest neighbours of the same class (among
 * 300). This is what a publication did whose protocol we repeat; it makes neighbouring and made-up frames fall on both sides
 * of a split, so scores flatter. `most` bounds the frames of a class.
 */
export function smoteFrames(recordings: Recordings, seed: number, most = Number.POSITIVE_INFINITY): Recordings {
  const { channels, classes, unlabelled, sequences } = recordings;
  const random = derivedRandom(seed, 6);
  const places: { sequence: number; frame: number }[][] = classes.map(() => []);
  sequences.forEach(({ labels, length }, sequence) => {
    if (labels === undefined) return;
    for (let frame = 0; frame < length; frame++) {
      const label = typeof labels === "number" ? labels : labels[frame];
      if (label !== unlabelled) places[label].push({ sequence, frame });
    }
  });
  const wanted = Math.min(
    most,
    places.reduce((count, list) => Math.max(count, list.length), 0),
  );
  const made = places.flatMap((list, label): RecordedSequence[] => {
    const missing = wanted - list.length;
    if (list.length === 0 || missing <= 0) return [];
    const order = shuffledIndices(list.length, random).subarray(0, POOL);
    const pool = Array.from(order, (place) => {
      const { sequence, frame } = list[place];
      return sequences[sequence].samples.subarray(frame * channels, (frame + 1) * channels);
    });
    const samples = between(pool, missing, channels, random);
    const isCounts = sequences[0].samples instanceof Int16Array;
    return [
      {
        name: `smote ${classes[label]}`,
        length: missing,
        samples: isCounts ? Int16Array.from(samples, Math.round) : samples,
        labels: new Uint16Array(missing).fill(label),
        group: "smote",
        isMade: true,
      },
    ];
  });
  return { ...recordings, sequences: [...sequences, ...made] };
}

function between(pool: readonly ArrayLike<number>[], count: number, channels: number, random: Random): Float32Array {
  const near = pool.map((frame) => {
    const distance = (other: ArrayLike<number>) => {
      let sum = 0;
      for (let c = 0; c < channels; c++) sum += (frame[c] - other[c]) ** 2;
      return sum;
    };
    const others = pool.filter((other) => other !== frame);
    return others.sort((a, b) => distance(a) - distance(b)).slice(0, NEIGHBOURS);
  });
  const samples = new Float32Array(count * channels);
  for (let i = 0; i < count; i++) {
    const place = random.integer(pool.length);
    const from = pool[place];
    const to = near[place].length === 0 ? from : near[place][random.integer(near[place].length)];
    const share = random.uniform();
    for (let c = 0; c < channels; c++) samples[i * channels + c] = from[c] + share * (to[c] - from[c]);
  }
  return samples;
}
