import { readFileSync } from "node:fs";
import { join } from "node:path";
import { encodeModel, KERNEL_NAMES, readModel } from "@gatelet/converter/format";
import { describe, expect, it } from "vitest";
import { kernelModel, randomFrames } from "../../test/support/random-models.js";
import { Bench } from "../../tools/predict/measure.js";
import { firmwareFolder } from "./support/build.js";
import { FIGURES, figureModel } from "./support/figures.js";

const LIMIT = 256;
const SEEDS = 20;
const bench = new Bench(readFileSync(join(firmwareFolder, "generated/runner-nrf52840.gen.elf")), 0);

function stackOf(model: Uint8Array, seed: number): number {
  const { header, records } = readModel(model);
  const frames = randomFrames(seed, header, header.window > 0 ? header.window : 3);
  const flat = Int16Array.from(frames.flatMap((frame) => [...frame]));
  return bench.run(model, flat, header.frameSize, records.length).stackBytes;
}

describe(`a step uses at most ${LIMIT} bytes of stack, by the high-water mark of the built-in board`, () => {
  it.each(KERNEL_NAMES)("%s: any activations, both widths, masks, drains", (kernel) => {
    const used = Array.from({ length: SEEDS }, (_, seed) => stackOf(encodeModel(kernelModel(kernel, seed)), seed));
    expect(Math.min(...used)).toBeGreaterThan(40);
    expect(Math.max(...used)).toBeLessThanOrEqual(LIMIT);
  });

  it("the layers of the board issue", () => {
    for (const figure of FIGURES) {
      for (const bits of [8, 4] as const) {
        expect(stackOf(figureModel(figure, bits), 1), `${figure.name} int${bits}`).toBeLessThanOrEqual(LIMIT);
      }
    }
  });
});
