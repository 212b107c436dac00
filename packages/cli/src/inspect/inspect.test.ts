import { describe, expect, it } from "vitest";
import { PLAIN } from "../text/style.js";
import { inspectModel } from "./model-report.js";
import { renderModelReport } from "./render-report.js";
import { toyModel } from "./toy-model.test.support.js";

describe("inspectModel", () => {
  const report = inspectModel(toyModel());

  it("counts parameters and MACs as by hand", () => {
    const [input, gru, mix, regime] = report.layers;
    expect(input).toMatchObject({ type: "Input", rows: 8, cols: 3, parameters: 0, macs: 0, bits: null });
    expect(gru).toMatchObject({
      type: "GRU",
      activation: "tanh, sigmoid",
      parameters: 3 * 6 * (3 + 6 + 1),
      macs: 8 * 3 * 6 * 9,
    });
    expect(mix).toMatchObject({ type: "Dense", activation: "relu", parameters: 35, macs: 30, bits: 8 });
    expect(regime!.parameters + mix!.parameters + gru!.parameters).toBe(report.parameters);
  });

  it("covers the file without gaps or overlaps, and the arena to its end", () => {
    let at = 0;
    for (const block of report.flash) {
      expect(block.offset).toBeGreaterThanOrEqual(at);
      expect(block.offset - at).toBeLessThan(16);
      at = block.offset + block.bytes;
    }
    expect(report.fileBytes - at).toBeLessThan(16);
    expect(Math.max(...report.arena.map((block) => block.offset + block.bytes))).toBe(report.arenaBytes);
    for (const a of report.arena) {
      for (const b of report.arena) {
        const together = a !== b && a.from <= b.to && b.from <= a.to;
        const overlap = a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
        expect(together && overlap, `${a.label} and ${b.label}`).toBe(false);
      }
    }
  });

  it("counts one step of a stream model", () => {
    const stream = inspectModel(toyModel(0));
    expect(stream.window).toBeNull();
    expect(stream.layers[1]).toMatchObject({ rows: null, macs: 3 * 6 * 9 });
  });
});

describe("renderModelReport", () => {
  const budget = { board: "tiny", flashBytes: 1000, ramBytes: 1000 };

  it.each([60, 80, 120])("fits %i columns", (width) => {
    for (const window of [0, 8]) {
      const text = renderModelReport(inspectModel(toyModel(window)), budget, width, PLAIN);
      expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(width);
    }
  });

  it("says what is left of a budget and by how much it is exceeded", () => {
    const text = renderModelReport(inspectModel(toyModel()), budget, 80, PLAIN);
    expect(text).toMatch(/flash .* 1,616 of 1,000, 161\.6 %, 616 too many/);
    expect(text).toMatch(/RAM .* 144 of 1,000, 14\.4 %, 856 left/);
  });
});
