import { describe, expect, it } from "vitest";
import { missing } from "../support/requirements.js";
import { sharedModel, sharedModelNames } from "../support/shared-models.js";
import { checkedModel } from "./check.js";
import { recorderEngines } from "./recorder-engines.js";

const WINDOWS = 200;

describe.skipIf(missing("shared", "wizer"))("shared models in the wasmtime in wizer", () => {
  for (const [i, name] of (missing("shared") ? [] : sharedModelNames()).entries()) {
    it(`give the rows and states of Node: ${name}`, async () => {
      const test = await checkedModel(sharedModel(name), i % 2 === 0 ? 8 : 4, WINDOWS);
      const engines = recorderEngines(true);
      expect(engines.length).toBeGreaterThanOrEqual(2);
      for (const engine of engines) expect(await engine.agrees(test), engine.name).toBe(true);
    });
  }
});
