import { FloatExecutor, openModel } from "@gatelet/converter";
import { describe, expect, it } from "vitest";
import { missing } from "../support/requirements.js";
import { sharedModel, sharedModelNames } from "../support/shared-models.js";

const WINDOWS = 40;

describe.skipIf(missing("shared"))("float executor against the stored reference outputs", () => {
  for (const name of sharedModelNames()) {
    it(`agrees on ${name} within 1e-5`, async () => {
      const model = sharedModel(name);
      const executor = new FloatExecutor(await openModel(model.folder));
      const step = Math.floor(model.testCount / WINDOWS);
      const indices = Array.from({ length: WINDOWS }, (_, index) => index * step);
      const outputs = executor.runBatch(indices.map((index) => model.testWindow(index)));
      let worst = 0;
      outputs.forEach((output, at) => {
        expect(output.length).toBe(model.outputs);
        model.reference(indices[at]).forEach((value, i) => {
          worst = Math.max(worst, Math.abs(value - output[i]));
        });
      });
      expect(worst).toBeLessThanOrEqual(1e-5);
    });
  }
});
