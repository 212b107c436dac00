import type { Recordings } from "@gatelet/train";
import { describe, expect, it } from "vitest";
import { budgetOf, parseBytes } from "../budget.js";
import { createCounter, createNormalizer, flatChannels, scalingFor } from "./input-scaling.js";
import { parseModelFacts } from "./model-facts.js";

function recordings(samples: Int16Array | Float32Array, rawScale = [1, 1]): Recordings {
  const sequences = [{ name: "r", length: samples.length / 2, samples }];
  return { name: "toy", channels: 2, featureNames: ["a", "b"], units: ["", ""], rawScale, sequences, classes: [] };
}

describe("scalingFor and createCounter", () => {
  it("leaves counts alone", () => {
    const counts = Int16Array.of(1, -2, 300, 4);
    const scaling = scalingFor(recordings(counts, [0.5, 0.25]));
    expect(scaling).toEqual({ scale: [0.5, 0.25], offset: [0, 0] });
    expect(createCounter(scaling, scaling)(counts)).toBe(counts);
  });

  it("spreads floats over 16 bits around their middle, twice their range", () => {
    const values = Float32Array.of(1000, -1, 1020, 1);
    const scaling = scalingFor(recordings(values));
    expect(scaling.offset).toEqual([1010, 0]);
    const counts = createCounter({ scale: [1, 1], offset: [0, 0] }, scaling)(values);
    expect(Math.max(...counts.map(Math.abs))).toBeLessThanOrEqual(16384);
    expect(Math.min(...counts.map(Math.abs))).toBeGreaterThanOrEqual(16383);
    for (let i = 0; i < 4; i++) {
      const back = counts[i]! * scaling.scale[i % 2]! + scaling.offset[i % 2]!;
      expect(Math.abs(back - values[i]!)).toBeLessThan(scaling.scale[i % 2]!);
    }
  });

  it("converts between scales through physical values, rounds and saturates", () => {
    const toModel = createCounter({ scale: [0.5, 0.5], offset: [0, 0] }, { scale: [1, 0.001], offset: [0, 0] });
    expect([...toModel(Int16Array.of(7, 10, -7, 100))]).toEqual([4, 5000, -3, 32767]);
  });

  it("normalizes as the float network was trained", () => {
    const normalize = createNormalizer({ scale: [0.5, 2], offset: [0, 1] }, { mean: [1, 1], std: [2, 4] });
    expect([...normalize(Int16Array.of(6, 8))]).toEqual([1, 4]);
    expect([...createNormalizer({ scale: [0.5], offset: [0] }, undefined)([6])]).toEqual([3]);
  });

  it("finds channels that never change, and gives them a scale all the same", () => {
    const flat = recordings(Float32Array.of(1, 5, 2, 5, 3, 5));
    expect(flatChannels(flat)).toEqual(["b"]);
    expect(scalingFor(flat).scale[1]).toBe(1);
  });
});

describe("parseModelFacts", () => {
  it("reads what it knows and ignores the rest", () => {
    const text = '{"mean":[1],"std":[2],"classes":["a"],"target_mean":3,"unknown":{}}';
    expect(parseModelFacts(text, "meta.json")).toEqual({ mean: [1], std: [2], classes: ["a"], targetMean: 3 });
  });
  it("refuses what cannot be", () => {
    expect(() => parseModelFacts("{", "meta.json")).toThrow("meta.json: not valid json");
    expect(() => parseModelFacts('{"mean":"x"}', "meta.json")).toThrow(
      'meta.json: "mean" is "x", expected a list of numbers',
    );
    expect(() => parseModelFacts('{"mean":[1]}', "meta.json")).toThrow("1 means and 0 standard deviations");
    expect(() => parseModelFacts('{"mean":[1,2],"std":[1,0],"features":["a","b"]}', "meta.json")).toThrow(
      "meta.json: std of b is 0, expected > 0 (a feature without variance",
    );
  });
});

describe("budgets", () => {
  it("parse sizes in 1024s", () => {
    expect([
      parseBytes("16K", "--ram"),
      parseBytes("1M", "--ram"),
      parseBytes("0.5k", "--ram"),
      parseBytes("64KiB", "--ram"),
    ]).toEqual([16384, 1048576, 512, 65536]);
    for (const text of ["", "x", "-1", "16G", "0", "0.3"]) expect(() => parseBytes(text, "--ram")).toThrow("--ram is");
  });
  it("take a board's memory, overridden by sizes", () => {
    expect(budgetOf({ board: "nrf52840", ram: "8K" })).toEqual({
      board: "nrf52840",
      flashBytes: 1048576,
      ramBytes: 8192,
    });
    expect(() => budgetOf({ board: "uno" })).toThrow("board uno is not known, boards are: nrf52840");
    expect(budgetOf({})).toEqual({});
  });
});
