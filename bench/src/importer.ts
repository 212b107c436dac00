import { existsSync } from "node:fs";
import { join } from "node:path";
import { FloatExecutor, openModel } from "../../packages/converter/dist/index.js";
import { type SharedModel, sharedModel, sharedModelNames } from "../../test/support/shared-models.js";
import { type Figure, format } from "./figures.js";
import { loadTfjs, predict, startTfjs } from "./tfjs.js";

/** Largest difference of an output from its stored reference. */
const LIMIT = 1e-5;
const CHUNK = 512;

const largestError = (output: ArrayLike<number>, reference: Float32Array): number =>
  reference.reduce((worst, value, c) => Math.max(worst, Math.abs(value - output[c])), 0);

/** Our float executor's error on every test window. */
async function windowErrors(model: SharedModel): Promise<Float64Array> {
  const executor = new FloatExecutor(await openModel(model.folder));
  const errors = new Float64Array(model.testCount);
  for (let first = 0; first < model.testCount; first += CHUNK) {
    const count = Math.min(CHUNK, model.testCount - first);
    const windows = Array.from({ length: count }, (_, i) => model.testWindow(first + i));
    executor.runBatch(windows).forEach((output, i) => {
      errors[first + i] = largestError(output, model.reference(first + i));
    });
  }
  return errors;
}

/** What tfjs itself, on its cpu backend, misses the reference by on some windows. */
async function tfjsError(model: SharedModel, windows: readonly number[]): Promise<number> {
  await startTfjs("cpu");
  const network = await loadTfjs(model.folder);
  const errors = windows.map((i) =>
    largestError(predict(network, model.testWindow(i), model.channels), model.reference(i)),
  );
  network.dispose();
  return Math.max(...errors);
}

/** The largest error over all test windows, and on the windows above the limit what tfjs gets there. */
export async function importerFigures(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const name of sharedModelNames()) {
    const model = sharedModel(name);
    const errors = await windowErrors(model);
    const over = Array.from(errors.keys()).filter((i) => errors[i] > LIMIT);
    const windows = model.testCount.toLocaleString("en-US");
    figures.push(
      {
        id: `importer.${name}`,
        text: `${name}: float executor against its reference, ${windows} windows`,
        value: errors.reduce((a, b) => Math.max(a, b), 0),
        unit: "max error",
        kind: "exact",
        goal: { atMost: LIMIT },
      },
      {
        id: `importer.${name}.over`,
        text: `${name}: of ${windows} windows, above ${format(LIMIT)}`,
        value: over.length,
        unit: "windows",
        kind: "exact",
      },
    );
    if (over.length === 0 || !existsSync(join(model.folder, "model.json"))) continue;
    figures.push({
      id: `importer.${name}.tfjs-cpu`,
      text: `${name}: tfjs cpu on ${over.length === 1 ? "that window" : "those windows"}`,
      value: await tfjsError(model, over),
      unit: "max error",
      kind: "exact",
      note: "the reference itself is float32",
    });
  }
  return figures;
}
