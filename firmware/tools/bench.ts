/** Prints the board issue's figures of every layer: `npx tsx firmware/tools/bench.ts [runner.elf]`. */
import { readFileSync } from "node:fs";
import { Random } from "../../test/support/random.js";
import { type RunnerRun, runOnCore } from "../test/support/core.js";
import { FIGURES, figureModel, macs } from "../test/support/figures.js";
import { framesImage } from "../test/support/runner.js";

const elf = readFileSync(process.argv[2] ?? new URL("../generated/runner-nrf52840.gen.elf", import.meta.url));
const STEPS = [8, 12] as const;
for (const figure of FIGURES) {
  for (const bits of [8, 4] as const) {
    const random = new Random(2);
    // Differences of two runs: Conv1D emits from its fifth row on only.
    const [few, run] = STEPS.map((steps) => {
      const frames = Array.from({ length: steps }, () => random.int16s(figure.inputs));
      return runOnCore(elf, figureModel(figure, bits), framesImage(frames, { flags: 2 }));
    }) as [RunnerRun, RunnerRun];
    const per = (name: "instructions" | "cycles") =>
      ((run.layers[1]![name] - few.layers[1]![name]) / (STEPS[1] - STEPS[0]) / macs(figure)).toFixed(3);
    console.log(
      `${figure.name} int${bits}`.padEnd(34),
      per("instructions").padStart(7),
      `(${figure.instructions})`.padEnd(7),
      per("cycles").padStart(7),
      `(${figure.cycles})`,
      `status ${run.word("STATUS") | 0} stack ${run.stackBytes}`,
    );
  }
}
