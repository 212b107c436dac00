import { KERNEL_NAMES, type KernelName, readModel } from "@gatelet/converter/format";
import { beforeAll, describe, expect, it } from "vitest";
import { Bench } from "../../../../tools/predict/measure.js";
import { sampleModel } from "../../../../tools/predict/samples.js";
import { BuiltinBoard } from "../board/builtin.js";
import { runnerElf } from "../runner/elf-file.js";
import { RUNNER } from "../runner/map.gen.js";
import { runOnBoard } from "../runner/run.js";
import { COSTS, COSTS_OF } from "./costs.gen.js";
import { firmwareDigest } from "./digest.js";
import { predictCycles } from "./predict.js";

/** Seeds that the generator never drew: committed ones, and some of this run (to repeat it: GATELET_PREDICT_SEED). */
const FRESH_SEED = Number(process.env["GATELET_PREDICT_SEED"] ?? Date.now() % 1_000_000_007);
const SEEDS = [...Array.from({ length: 2 }, (_, i) => 100_000 + i), FRESH_SEED, FRESH_SEED + 1];

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
  for (const seed of SEEDS) {
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

/** The first random model of `kernel` with such a window, and random frames for so many windows, or frames of a stream. */
function longRun(kernel: KernelName, window: number, units: number) {
  for (let seed = 200_000; ; seed++) {
    const sample = sampleModel(kernel, seed);
    if (readModel(sample.model).header.window !== window) continue;
    const steps = Math.round(units * (window || 1));
    const { model: bytes, frames: few, frameSize } = sample;
    const frames = Int16Array.from({ length: steps * frameSize }, (_, i) => few[(i * 7) % few.length]!);
    return { bytes, frames, frameSize, steps };
  }
}

describe("prediction from the file alone", () => {
  it("has costs of the firmware that is here (else: npx tsx tools/predict/main.ts)", () => {
    expect(COSTS_OF).toBe(firmwareDigest(runnerElf()));
  });

  describe.each([0, 2, 3] as const)(`at %i wait states, seed ${FRESH_SEED}`, (waitStates) => {
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

  it.each([
    ["windows that repeat", "CONV1D", 3, 7.4],
    ["windows with a row at their end", "LSTM", 9, 5],
    ["frames of a stream that repeat", "FIFO", 0, 260],
    ["masked input", "MASK", 5, 6],
  ] as const)("counts the misses of %s as a fresh board does", async (_, kernel, window, units) => {
    const { bytes, frames, frameSize, steps } = longRun(kernel, window, units);
    const board = new BuiltinBoard({ waitStates: 3 });
    const images = { elf: runnerElf(), model: bytes, frames, frameSize };
    const report = await runOnBoard(board, { ...images, quiet: true, ramBytes: RUNNER.RAM_BYTES });
    const { layers, total } = predictCycles(readModel(bytes), { waitStates: 3, steps });
    expect(layers.map(({ cycles }) => cycles)).toEqual(report.layers?.map(({ cycles }) => cycles));
    expect(total.cycles).toBe(report.total?.cycles);
  });

  it("leaves the cycles at 3 wait states out where the runner would refuse the model", () => {
    const { model: bytes, steps } = sampleModel("DENSE", 100_000);
    const model = readModel(bytes);
    const refused = { ...model, header: { ...model.header, arenaBytes: 1 << 30 } };
    const { total } = predictCycles(refused, { waitStates: 3, steps });
    expect(total.cycles).toBeNull();
    expect(total.instructions).toBe(predictCycles(model, { steps }).total.instructions);
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
