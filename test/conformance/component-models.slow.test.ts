import { describe, expect, it } from "vitest";
import { missing } from "../support/requirements.js";
import { sharedModel, sharedModelNames } from "../support/shared-models.js";
import { checkedModel } from "./check.js";
import { engineAnswers } from "./engines.js";

/** Windows of each model: hosts in Python lower a list value by value. */
const WINDOWS = 8;
const ENGINES = {
  8: ["component wasmtime simd", "component jco simd"],
  4: ["component wasmtime", "component jco"],
} as const;

describe.skipIf(missing("shared", "wasmtime", "jco"))("shared models as components", () => {
  for (const name of missing("shared") ? [] : sharedModelNames()) {
    it(`give rows and state of the scalar engine: ${name}`, async () => {
      for (const bits of [8, 4] as const) {
        const test = await checkedModel(sharedModel(name), bits, WINDOWS);
        const [[, expected], ...found] = await engineAnswers(test, ["node scalar", ...ENGINES[bits]]);
        expect(expected.rows).toBe(WINDOWS);
        expect(found.map(([engine]) => engine)).toEqual(ENGINES[bits]);
        for (const [engine, answer] of found) expect(answer, `${engine}, ${bits} bits`).toEqual(expected);
      }
    });
  }
});
