import { createRandom, type Random } from "../data/random.js";

/** Independent numbers for each use of one seed: initialization, the shuffle of epoch 7 and so on. */
export function derivedRandom(seed: number, ...path: readonly number[]): Random {
  let state = seed >>> 0;
  for (const step of path) {
    state = Math.imul(state ^ (step + 0x9e3779b9), 0x85ebca6b) >>> 0;
    state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35) >>> 0;
    state = (state ^ (state >>> 16)) >>> 0;
  }
  return createRandom(state);
}

/**
 * Runs `task`, which must be synchronous, with `Math.random` taken from `random`: tfjs draws the seeds of dropout and
 * of initializers from there, and only so a run can be repeated. Nothing else sees the replacement.
 */
export function withSeededRandom<Result>(random: Random, task: () => Result): Result {
  const original = Math.random;
  Math.random = random.uniform;
  try {
    return task();
  } finally {
    Math.random = original;
  }
}
