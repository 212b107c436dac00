import type { GateModel } from "@gatelet/converter/format";
import { fillMissing } from "@gatelet/train";
import { CliError } from "../cli-error.js";
import { createCounter, storedScaling } from "../conversion/input-scaling.js";
import { gateFacts } from "../gate-facts.js";
import { type DataOptions, loadData, splitOf } from "../load-data.js";

/** Frames for a check: raw counts (tokens: one uint16 each), row-major. */
export interface CheckFrames {
  readonly values: Int16Array;
  readonly from: string;
}

/** Seed of the frames that are made up where none are given. */
const SEED = 0x9e3779b9;

/** Frames made up from a fixed seed: slow waves with noise, so that states move; tokens: any, never the masking 0. */
export function seededFrames(model: GateModel, count: number): CheckFrames {
  const { frameSize, vocabularySize } = model.header;
  const random = randomWords(SEED);
  const values = new Int16Array(count * frameSize);
  if (vocabularySize > 0) {
    for (let i = 0; i < values.length; i++)
      values[i] = vocabularySize === 1 ? 0 : 1 + (random() % (vocabularySize - 1));
    return { values, from: "pseudo-random tokens" };
  }
  for (let frame = 0; frame < count; frame++) {
    for (let c = 0; c < frameSize; c++) {
      const wave = 6000 * Math.sin((frame + 7 * c) / (5 + (c % 11)));
      values[frame * frameSize + c] = Math.round(wave) + (random() % 4001) - 2000;
    }
  }
  return { values, from: "pseudo-random frames" };
}

/** xorshift32, unsigned. */
function randomWords(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/**
 * The first `count` frames of recordings (of the test split, where the data know splits), as raw counts.
 * Throws DataError, CliError; `MODEL_MISMATCH` where there are fewer.
 */
export async function recordedFrames(
  model: GateModel,
  path: string,
  options: DataOptions,
  count: number,
): Promise<CheckFrames> {
  const facts = gateFacts(model);
  const loaded = await loadData(path, { ...options, values: options.values ?? facts.frames }, facts);
  const usable = splitOf(fillMissing(loaded), "test");
  const counter = createCounter(storedScaling(usable), facts.scaling);
  const values = new Int16Array(count * facts.frameSize);
  let at = 0;
  for (const { samples } of usable.sequences) {
    const part = counter(samples.subarray(0, values.length - at));
    values.set(part, at);
    at += part.length;
    if (at === values.length) return { values, from: path };
  }
  const there = at / facts.frameSize;
  throw new CliError(
    "MODEL_MISMATCH",
    `${path} has ${there} frames, the check needs ${count}: give longer recordings, or fewer --windows`,
  );
}
