import { KERNEL_NAMES, type KernelName, readModel } from "@gatelet/converter/format";
import { beforeAll, describe, expect, it } from "vitest";
import { Bench } from "../../../../tools/predict/measure.js";
import { sampleModel } from "../../../../tools/predict/samples.js";
import { runnerElf } from "../runner/elf-file.js";
import { COSTS, COSTS_OF } from "./costs.gen.js";
import { firmwareDigest } from "./digest.js";
import { predictCycles } from "./predict.js";

/** Seeds that the generator never drew. */
const FRESH_SEEDS = Array.from({ length: 6 }, (_, i) => 100_000 + i);

/** Runs fresh random models of a kernel and hands every layer's prediction over with what the board counted. */
function forFresh(
  bench: Bench,
  waitStates: 0 | 2 | 3,
  kernel: KernelName,
  use: (
    where: string,
    predicted: number | null,
    counted: number,
    instructions: readonly [number | null, number],
  ) => void,
): void {
  for (const seed of FRESH_SEEDS) {
    const { model: bytes, frames, frameSize, steps } = sampleModel(kernel, seed);
    const model = readModel(bytes);
    const run = bench.run(bytes, frames, frameSize, model.records.length);
    expect(run.status).toBe(0);
    const { layers, executor } = predictCycles(model, { waitStates, steps });
    [...layers, executor].forEach(({ cycles, instructions }, i) => {
      const where = `${kernel} seed ${seed} ${model.records[i]?.kernel ?? "executor"} ${i}`;
      use(where, cycles, run.cycles[i], [instructions, run.instructions[i]]);
    });
  }
}

describe("prediction from the file alone", () => {
  it("has costs of the firmware that is here (else: npx tsx tools/predict/main.ts)", () => {
    expect(COSTS_OF).toBe(firmwareDigest(runnerElf()));
  });

  describe.each([0, 2] as const)("at %i wait states", (waitStates) => {
    let bench: Bench;
    beforeAll(() => {
      bench = new Bench(runnerElf(), waitStates);
    });
    it.each(KERNEL_NAMES)("equals the built-in board on fresh shapes of %s, layer by layer", (kernel) => {
      forFresh(bench, waitStates, kernel, (where, predicted, counted, [instructions, countedInstructions]) => {
        expect(predicted, where).toBe(counted);
        expect(instructions, where).toBe(countedInstructions);
      });
    });
  });

  it("estimates the cached flash: 19 of 20 layers within 1 %, long ones within 2.5 %, all together within 0.5 %", () => {
    const bench = new Bench(runnerElf(), 3);
    let [all, allCounted, layers, close] = [0, 0, 0, 0];
    for (const kernel of KERNEL_NAMES) {
      forFresh(bench, 3, kernel, (where, predicted, counted) => {
        all += predicted ?? 0;
        allCounted += counted;
        const error = Math.abs((predicted ?? 0) / counted - 1);
        layers++;
        if (error <= 0.01) close++;
        if (counted > 5000) expect(error, where).toBeLessThan(0.025);
      });
    }
    expect(close / layers).toBeGreaterThanOrEqual(0.95);
    expect(Math.abs(all / allCounted - 1)).toBeLessThan(0.005);
  });

  it("says that it does not predict what was never measured", () => {
    const { model: bytes } = sampleModel("DENSE", 100_000);
    const model = readModel(bytes);
    const saved = COSTS.INPUT;
    const table = COSTS as Record<string, typeof saved>;
    delete table["INPUT"];
    try {
      const { layers, total } = predictCycles(model);
      expect(layers[0]).toEqual({ cycles: null, instructions: null });
      expect(layers[1].cycles).toBeGreaterThan(0);
      expect(total.cycles).toBeNull();
    } finally {
      table["INPUT"] = saved;
    }
  });
});
