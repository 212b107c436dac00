import type { LayersModel } from "@tensorflow/tfjs";
import { Model } from "../../packages/kernels-as/dist/index.js";
import type { SharedModel } from "../../test/support/shared-models.js";
import { convertedModel, STUDY_NETS } from "./converted.js";
import { type Figure, median, samplePairs } from "./figures.js";
import { loadTfjs, predict, startTfjs } from "./tfjs.js";

const GOALS = { "hapt-lstm": 55, "hapt-gru": 100, "hapt-rnn": 20 } as const;
const SCALAR_GOAL = 8;
const ROUNDS = 15;
/** Largest softmax difference at which the two answers count as the same. */
const SAME_ANSWER = 0.02;

/** Largest difference of the probabilities over some windows: a wrong answer has no time. */
function verify(engine: Model, network: LayersModel, model: SharedModel, name: string): void {
  for (let i = 0; i < 5; i++) {
    const window = model.testWindow(i * 7);
    const ours = engine.probabilities(engine.run(window));
    const theirs = predict(network, window, model.channels);
    const worst = Math.max(...theirs.map((value, c) => Math.abs(value - ours[c])));
    if (worst > SAME_ANSWER) throw new Error(`${name}: answers differ by ${worst} in window ${i * 7}`);
  }
}

async function compare(name: (typeof STUDY_NETS)[number], engineName: "simd" | "scalar"): Promise<Figure[]> {
  const { model, converted } = await convertedModel(name, 8);
  const engine = await Model.load(converted.bytes, { engine: engineName });
  const network = await loadTfjs(model.folder);
  verify(engine, network, model, name);
  const window = model.testWindow(0);
  const raw = Int16Array.from({ length: window.length }, (_, i) => (i * 7919) % 20_000);
  const out = new Int32Array(engine.maxRows(model.steps) * model.outputs);
  const inner = engineName === "simd" ? 200 : 40;
  const times = await samplePairs(
    () => engine.runRaw(raw, out),
    () => predict(network, window, model.channels),
    ROUNDS,
    { a: inner, b: 4 },
  );
  network.dispose();
  const spread = (values: number[]) => [Math.min(...values), Math.max(...values)] as const;
  const goal = engineName === "simd" ? GOALS[name] : name === "hapt-lstm" ? SCALAR_GOAL : undefined;
  return [
    {
      id: `speed.${engineName}.${name}`,
      text: `${name}: window of ${model.steps}, ${engineName} engine`,
      value: median(times.a),
      unit: "ms",
      kind: "measured",
      spread: spread(times.a),
    },
    {
      id: `speed.tfjs-wasm.${name}.${engineName}`,
      text: `${name}: the same in tfjs wasm`,
      value: median(times.b),
      unit: "ms",
      kind: "measured",
      spread: spread(times.b),
    },
    {
      id: `speed.ratio.${engineName}.${name}`,
      text: `${name}: ${engineName} against tfjs wasm`,
      value: median(times.ratio),
      unit: "times faster",
      kind: "measured",
      ...(goal === undefined ? {} : { goal: { atLeast: goal } }),
      spread: spread(times.ratio),
    },
  ];
}

export async function speedFigures(): Promise<Figure[]> {
  await startTfjs("wasm");
  const figures: Figure[] = [];
  for (const name of STUDY_NETS) {
    for (const engine of ["simd", "scalar"] as const) figures.push(...(await compare(name, engine)));
  }
  return figures;
}
