import { FloatExecutor, openModel } from "../../packages/converter/dist/index.js";
import { sharedModel, sharedModelNames } from "../../test/support/shared-models.js";
import type { Figure } from "./figures.js";

/** Largest difference between our float executor and the stored reference outputs, over all test windows. */
export async function importerFigures(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const name of sharedModelNames()) {
    const model = sharedModel(name);
    const executor = new FloatExecutor(await openModel(model.folder));
    let worst = 0;
    const chunk = 512;
    for (let first = 0; first < model.testCount; first += chunk) {
      const count = Math.min(chunk, model.testCount - first);
      const windows = Array.from({ length: count }, (_, i) => model.testWindow(first + i));
      executor.runBatch(windows).forEach((output, i) => {
        const reference = model.reference(first + i);
        for (let c = 0; c < reference.length; c++) worst = Math.max(worst, Math.abs(reference[c] - output[c]));
      });
    }
    figures.push({
      id: `importer.${name}`,
      text: `${name}: float executor against its reference, ${model.testCount} windows`,
      value: worst,
      unit: "max error",
      kind: "exact",
      goal: { atMost: 1e-5 },
    });
  }
  return figures;
}
