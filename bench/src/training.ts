import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { LayersModel } from "@tensorflow/tfjs";
import { withFusedLayers } from "../../packages/train/dist/fused/fused-layers.js";
import {
  createRandom,
  gru,
  loadTf,
  oneHot,
  type Tf,
  type TrainingSet,
  trainModel,
} from "../../packages/train/dist/index.js";
import { type Figure, median } from "./figures.js";

const COUNT = 640;
const STEPS = 50;
const CHANNELS = 6;
const CLASSES = 13;
const BATCH = 64;
const EPOCHS = 1;
const ROUNDS = 7;

interface Cost {
  /** Processor time of the process, ms: other work on the machine moves it less than the clock. */
  readonly processor: number;
  readonly elapsed: number;
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

async function costOf(work: () => Promise<unknown>): Promise<Cost> {
  // What the other side left behind is not this one's cost.
  collectGarbage();
  const begun = process.cpuUsage();
  const start = performance.now();
  await work();
  const elapsed = performance.now() - start;
  const { user, system } = process.cpuUsage(begun);
  return { processor: (user + system) / 1000, elapsed };
}

/** Both in turn, each first in every second round; the first round warms up and does not count. */
async function interleaved(a: () => Promise<unknown>, b: () => Promise<unknown>): Promise<readonly [Cost[], Cost[]]> {
  const costs: readonly [Cost[], Cost[]] = [[], []];
  for (let round = 0; round <= ROUNDS; round++) {
    const both: Cost[] = [];
    for (const place of round % 2 === 0 ? [0, 1] : [1, 0]) both[place] = await costOf(place === 0 ? a : b);
    if (round > 0) both.forEach((cost, place) => void costs[place].push(cost));
  }
  return costs;
}

/** Windows the size of HAPT's; what is in them does not change how long an epoch takes. */
function windows(): TrainingSet {
  const random = createRandom(1);
  const labels = Array.from({ length: COUNT }, (_, i) => i % CLASSES);
  return {
    inputs: Float32Array.from({ length: COUNT * STEPS * CHANNELS }, () => random.normal()),
    shape: [STEPS, CHANNELS],
    count: COUNT,
    targets: oneHot(labels, CLASSES),
    outputs: CLASSES,
    rows: 1,
  };
}

type Cell = "gru" | "lstm";

function network(tf: Tf, cell: Cell, units: number): LayersModel {
  const inputShape = [STEPS, CHANNELS];
  const recurrent =
    cell === "gru"
      ? gru(tf, { units, inputShape, seed: 1 })
      : tf.layers.lstm({ units, inputShape, recurrentActivation: "sigmoid", recurrentInitializer: "glorotUniform" });
  return tf.sequential({ layers: [recurrent, tf.layers.dense({ units: CLASSES, activation: "softmax" })] });
}

function figures(
  id: string,
  text: string,
  [a, b]: readonly [Cost[], Cost[]],
  goal?: NonNullable<Figure["goal"]>,
): Figure[] {
  const total = (costs: readonly Cost[], kind: keyof Cost) => costs.reduce((sum, cost) => sum + cost[kind], 0);
  return (["processor", "elapsed"] as const).map((kind) => {
    const pairs = a.map((cost, round) => cost[kind] / b[round][kind]);
    return {
      id: `training.${id}.${kind}`,
      text: `${text}, ${kind} time`,
      value: median(pairs),
      unit: "times",
      kind: "measured",
      // The clock also counts what other processes do in between.
      ...(kind === "processor" && goal !== undefined ? { goal } : {}),
      spread: [Math.min(...pairs), Math.max(...pairs)],
      note: `all ${ROUNDS} rounds: ${(total(a, kind) / total(b, kind)).toFixed(3)}; ${(total(a, kind) / ROUNDS).toFixed(0)} / ${(total(b, kind) / ROUNDS).toFixed(0)} ms`,
    };
  });
}

/**
 * What our training costs beside tfjs's own `model.fit` with the same kernels, and both beside tfjs's layers step by step; an epoch
 * each, in turn.
 */
export async function trainingFigures(): Promise<Figure[]> {
  const { tf } = await loadTf("wasm", { recurrent: "fused" });
  const set = windows();
  const x = tf.tensor3d(set.inputs, [COUNT, STEPS, CHANNELS]);
  const y = tf.tensor2d(set.targets, [COUNT, CLASSES]);
  const folder = await mkdtemp(join(tmpdir(), "gatelet-bench-"));
  const fit = (cell: Cell, units: number) => {
    const model = network(tf, cell, units);
    model.compile({ optimizer: "adam", loss: "categoricalCrossentropy", metrics: ["accuracy"] });
    return { model, run: () => model.fit(x, y, { epochs: EPOCHS, batchSize: BATCH, verbose: 0 }) };
  };
  const inTfjs = (cell: Cell, units: number) => fit(cell, units).run;
  const inKernels = (cell: Cell, units: number) => {
    const { model, run } = fit(cell, units);
    return () => withFusedLayers(tf, model, run);
  };
  let runs = 0;
  const own = (cell: Cell, units: number) => {
    const model = network(tf, cell, units);
    const options = { epochs: EPOCHS, batchSize: BATCH, onProgress: () => {} };
    return () => trainModel(tf, model, { train: set }, { ...options, folder: join(folder, `${runs++}`) });
  };
  try {
    const all: Figure[] = [];
    for (const cell of ["gru", "lstm"] as const) {
      const text = `trainModel over model.fit, ${cell} 32, both in the kernels, run folder and progress included`;
      const pairs = await interleaved(own(cell, 32), inKernels(cell, 32));
      all.push(...figures(`own-fit.${cell}32`, text, pairs, { atMost: 1.05 }));
    }
    for (const units of [32, 64]) {
      const text = `tfjs's LSTM step by step over our GRU (reset after), ${units} units, model.fit`;
      const pairs = await interleaved(inTfjs("lstm", units), inTfjs("gru", units));
      all.push(...figures(`lstm-gru.${units}`, text, pairs, { atLeast: 1 }));
    }
    const text = "tfjs's LSTM step by step, model.fit, over the same in trainModel, 32 units";
    all.push(...figures("fit-own.lstm32", text, await interleaved(inTfjs("lstm", 32), own("lstm", 32))));
    const both = await interleaved(inKernels("lstm", 32), inKernels("gru", 32));
    all.push(...figures("kernels.lstm-gru.32", "LSTM over GRU, both in the kernels, 32 units, model.fit", both));
    return all;
  } finally {
    tf.dispose([x, y]);
    await rm(folder, { recursive: true, force: true });
  }
}
