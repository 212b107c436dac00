import { describe, expect, it } from "vitest";
import { generatePump, PUMP_CLASSES } from "./pump.js";
import { createRandom, shuffledIndices } from "./random.js";

const options = { seed: 3, machines: 6, recordings: 2, seconds: 30 };

describe("generatePump", () => {
  const pumps = generatePump(options);

  it("gives the same samples for the same seed and others for another", () => {
    expect(generatePump(options).sequences[5]!.samples).toEqual(pumps.sequences[5]!.samples);
    expect(generatePump({ ...options, seed: 4 }).sequences[5]!.samples).not.toEqual(pumps.sequences[5]!.samples);
  });

  it("shows every regime, and changes of regime", () => {
    const seen = new Set<number>();
    let changes = 0;
    for (const { labels } of pumps.sequences) {
      (labels as Uint16Array).forEach((label, t, all) => {
        seen.add(label);
        if (t > 0 && all[t - 1] !== label) changes++;
      });
    }
    expect(seen.size).toBe(PUMP_CLASSES.length);
    expect(changes).toBeGreaterThan(40);
  });

  it("feels gravity of one g on the whole and shakes more when it pumps than when it is off", () => {
    const squares = PUMP_CLASSES.map(() => ({ sum: 0, count: 0 }));
    let gravity = 0;
    for (const { samples, labels, length } of pumps.sequences) {
      const mean = [0, 0, 0];
      for (let i = 0; i < samples.length; i++) mean[i % 3]! += samples[i]! / 2048 / length;
      gravity += Math.hypot(...mean) / pumps.sequences.length;
      for (let t = 0; t < length; t++) {
        const regime = squares[(labels as Uint16Array)[t]!]!;
        regime.sum += (samples[t * 3 + 1]! / 2048 - mean[1]!) ** 2;
        regime.count++;
      }
    }
    expect(gravity).toBeGreaterThan(0.95);
    expect(gravity).toBeLessThan(1.05);
    const rms = squares.map(({ sum, count }) => Math.sqrt(sum / count));
    expect(rms[0]!).toBeLessThan(rms[1]!);
    expect(rms[1]!).toBeLessThan(rms[2]!);
    expect(rms[2]!).toBeLessThan(rms[3]!);
  });
});

describe("createRandom", () => {
  it("is uniform and normal within what chance allows, and shuffles to a permutation", () => {
    const random = createRandom(1);
    const draws = Array.from({ length: 20000 }, () => random.normal());
    const mean = draws.reduce((a, b) => a + b, 0) / draws.length;
    const variance = draws.reduce((a, b) => a + (b - mean) ** 2, 0) / draws.length;
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.abs(variance - 1)).toBeLessThan(0.04);
    const order = shuffledIndices(100, random);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect([...order]).not.toEqual(Array.from({ length: 100 }, (_, i) => i));
  });
});
