import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { curvePlot, roundTicks } from "./curve-plot.js";
import { writePlot } from "./plot-files.js";

const history = (epochs: number, validation = true) =>
  Array.from({ length: epochs }, (_, i) => ({
    epoch: i + 1,
    loss: 1.3 / (i + 1),
    accuracy: 1 - 0.5 / (i + 1),
    ...(validation ? { validationLoss: 1.4 / (i + 1), validationAccuracy: 0.9, validationF1: 0.7 } : {}),
    learningRate: 0.01,
    seconds: 1,
  }));
const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((match) => match[1]);

describe("curves of a run", () => {
  it("have round ticks that enclose all values", () => {
    expect(roundTicks(0.288, 1.22, 5)).toEqual([0, 0.5, 1, 1.5]);
    expect(roundTicks(0.402, 0.901, 5)).toEqual([0.4, 0.6, 0.8, 1]);
    expect(roundTicks(0.5, 0.5, 5)[0]).toBeLessThanOrEqual(0.5);
    expect(roundTicks(0.5, 0.5, 5).at(-1)).toBeGreaterThanOrEqual(0.5);
    for (const [low, high] of [
      [3, 7],
      [0.001, 0.0017],
      [120, 980],
      [0, 1],
    ] as const) {
      const ticks = roundTicks(low, high, 5);
      expect(ticks[0]).toBeLessThanOrEqual(low);
      expect(ticks.at(-1)).toBeGreaterThanOrEqual(high);
      expect(ticks.length).toBeLessThanOrEqual(7);
    }
  });

  it("name the best epoch and what was reached there", () => {
    const shown = texts(curvePlot(history(12), 4));
    expect(shown).toContain("at epoch 4 (best)");
    expect(shown).toContain("training 0.3250");
    expect(shown).toContain("validation F1 0.7000");
    expect(shown.filter((text) => text === "12")).toHaveLength(2);
  });

  it("show a single epoch as dots, and no line for what was not measured", () => {
    const svg = curvePlot(history(1, false), 1);
    expect(svg.match(/<circle/g)).toHaveLength(2);
    expect(texts(svg)).not.toContain("validation");
    expect(svg).not.toContain("NaN");
  });
});

describe("files of a plot", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "gatelet-plot-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const svg = curvePlot(history(3), 2);

  it("are a picture too where the renderer is installed", async () => {
    const asked: unknown[] = [];
    class Resvg {
      constructor(text: string, options: object) {
        asked.push(text, options);
      }
      render = () => ({ asPng: () => Uint8Array.of(137, 80) });
    }
    expect(await writePlot(folder, "both", svg, async () => ({ Resvg }))).toEqual(["both.svg", "both.png"]);
    expect(asked[0]).toBe(svg);
    expect([...(await readFile(join(folder, "both.png")))]).toEqual([137, 80]);
  });

  it("are the drawing alone where it is not, or has no binary for this machine", async () => {
    for (const code of ["ERR_MODULE_NOT_FOUND", "ERR_DLOPEN_FAILED"]) {
      const broken = () => Promise.reject(Object.assign(new Error("no"), { code }));
      expect(await writePlot(folder, "alone", svg, broken)).toEqual(["alone.svg"]);
    }
    expect(await readdir(folder)).not.toContain("alone.png");
  });
});
