import { Model } from "../../packages/kernels-as/dist/index.js";
import { haptModelNames } from "../../test/support/shared-models.js";
import { deployedModel } from "./converted.js";
import type { Figure } from "./figures.js";

const argMax = (values: ArrayLike<number>): number => {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
};

const GOALS = {
  8: { mean: -0.02, worst: -0.12, agreement: 99.7 },
  4: { mean: -0.1, worst: -0.5, agreement: undefined },
} as const;

/** Accuracy against the labels and agreement with the float reference, over all test windows, on the default engine. */
async function score(name: string, bits: 8 | 4): Promise<{ change: number; agreement: number; error: number }> {
  const { model, converted, window } = await deployedModel(name, bits);
  const engine = await Model.load(converted.bytes);
  let gained = 0;
  let agreeing = 0;
  let error = 0;
  for (let i = 0; i < model.testCount; i++) {
    const probabilities = engine.probabilities(engine.run(window(i)));
    const reference = model.reference(i);
    const [ours, theirs, label] = [argMax(probabilities), argMax(reference), model.label(i)];
    gained += Number(ours === label) - Number(theirs === label);
    agreeing += Number(ours === theirs);
    for (let c = 0; c < reference.length; c++) error += Math.abs(probabilities[c] - reference[c]) / reference.length;
  }
  const count = model.testCount;
  return { change: (100 * gained) / count, agreement: (100 * agreeing) / count, error: error / count };
}

export async function accuracyFigures(bits: 8 | 4): Promise<Figure[]> {
  const goal = GOALS[bits];
  const figures: Figure[] = [];
  let sum = 0;
  const names = haptModelNames();
  for (const name of names) {
    const { change, agreement, error } = await score(name, bits);
    sum += change;
    const id = `accuracy.int${bits}.${name}`;
    const note = `mean softmax error ${error.toExponential(1)}`;
    figures.push(
      {
        id,
        text: `${name} int${bits}: change`,
        value: change,
        unit: "points",
        kind: "exact",
        goal: { atLeast: goal.worst },
      },
      {
        id: `${id}.agreement`,
        text: `${name} int${bits}: agreement`,
        value: agreement,
        unit: "%",
        kind: "exact",
        ...(goal.agreement === undefined ? {} : { goal: { atLeast: goal.agreement } }),
        note,
      },
    );
  }
  const mean = sum / names.length;
  figures.push({
    id: `accuracy.int${bits}.mean`,
    text: `mean change, int${bits}`,
    value: mean,
    unit: "points",
    kind: "exact",
    goal: { atLeast: goal.mean },
  });
  return figures;
}
