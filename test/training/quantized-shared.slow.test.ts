import { join } from "node:path";
import { convert } from "@gatelet/converter";
import {
  conversionData,
  convertRounded,
  fileWeights,
  graphOf,
  type JobSamples,
  loadModelFiles,
  loadTf,
  prepareSamples,
  projectWeights,
  readNetwork,
  readNormalization,
  type Tf,
  weightGrids,
} from "@gatelet/train";
import { beforeAll, describe, expect, it } from "vitest";
import { missing, sharedFolder } from "../support/requirements.js";
import { simulationAgreement } from "../support/simulation-agreement.js";

const COMPARED = 1000;

describe.skipIf(missing("shared"))("training at 4 and 8 bits, simulated, against the integer engine on HAPT", () => {
  const shared = sharedFolder() as string;
  let tf: Tf;
  let samples: JobSamples;
  beforeAll(async () => {
    ({ tf } = await loadTf("wasm"));
    const windowTable = { path: join(shared, "models/hapt-windows.csv.gz"), column: "subject" };
    const data = { path: join(shared, "data/hapt"), window: 50, split: "given" as const, windowTable };
    samples = await prepareSamples({ data, seed: 1 });
  });

  const cases = ["hapt-rnn32", "hapt-lstm32", "hapt-gru32", "hapt-convgru", "hapt-cnn16"].flatMap((name) =>
    ([4, 8] as const).map((bits) => [name, bits] as const),
  );

  it.each(cases)("%s at %i bits: 99 of 100 outputs within 1 LSB, 999 of 1,000 decisions equal", async (name, bits) => {
    const folder = join(shared, "models", name);
    const normalization = await readNormalization(folder);
    const { windows, indices } = samples;
    const conversion = conversionData({ windows, train: indices.train, normalization });
    const model = await loadModelFiles(tf, folder);
    const file = await convert(await graphOf(tf, model), { ...conversion, bits, headBits: bits });
    const network = readNetwork(model);
    const grids = weightGrids(network, file.report);
    // As a training has them: a row whose largest integer is below the limit is rounded once more.
    const weights = projectWeights(network, grids, fileWeights(network, grids, file));
    model.trainableWeights.forEach((weight, i) => {
      weight.write(tf.tensor(weights[i], weight.shape as number[]));
    });
    const rounded = await convertRounded(tf, model, { bits, headBits: bits, conversion }, file.report);
    const every = Math.floor(indices.test.length / COMPARED);
    const compared = indices.test.filter((_, i) => i % every === 0);
    const found = await simulationAgreement(tf, model, rounded, { windows, normalization, indices: compared });
    model.dispose();
    console.info(`${name}, ${bits} bits, ${compared.length} windows:`, found);
    expect(found.outputs).toBeGreaterThanOrEqual(0.99);
    expect(found.decisions).toBeGreaterThanOrEqual(0.999);
  });
});
