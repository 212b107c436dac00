import { encodeModel } from "@gatelet/converter/format";
import { describe, expect, it } from "vitest";
import { kernelModel } from "../support/random-models.js";
import { randomCase } from "./check.js";
import { ENGINES, engineAnswers } from "./engines.js";

describe("engines that take a whole stream", () => {
  it.each(["LSTM", "EMBEDDING", "SOFTMAX"] as const)("give the same rows and state: %s", async (kernel) => {
    const test = randomCase(kernel, encodeModel(kernelModel(kernel, 3)), 3);
    const [[, first], ...others] = await engineAnswers(test, Object.keys(ENGINES));
    expect(first.rows).toBeGreaterThan(0);
    for (const [engine, answer] of others) expect(answer, engine).toEqual(first);
    // a comparison that sees every difference
    const other = randomCase(kernel, encodeModel(kernelModel(kernel, 99)), 3);
    expect(await engineAnswers(other, ["node scalar"])).not.toEqual([["node scalar", first]]);
  });
});
