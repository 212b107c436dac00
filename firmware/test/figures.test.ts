import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeModel, readModel } from "@gatelet/converter/format";
import { describe, expect, it } from "vitest";
import { Random } from "../../test/support/random.js";
import { randomFrames, randomModel } from "../../test/support/random-models.js";
import { missing } from "../../test/support/requirements.js";
import { buildCounter, firmwareFolder, MACHINES, qemuArguments, run } from "./support/build.js";
import { runOnCore } from "./support/core.js";
import { runDriver } from "./support/driver.js";
import { difference, referenceResult } from "./support/expect.js";
import { FIGURES, type Figure, figureModel, macs } from "./support/figures.js";
import { framesImage, runnerMap } from "./support/runner.js";

const elf = readFileSync(join(firmwareFolder, "generated/runner-nrf52840.gen.elf"));
const QUIET = runnerMap()["RUNNER_FLAG_QUIET"]!;

/** What is not reached yet: today's figures, which must not get worse. [instructions, cycles] a MAC. */
const NOT_REACHED: Readonly<Record<string, readonly [number, number]>> = {
  "CONV1D 6->16 k5": [1.9, 2.385],
};
/** 4-bit weights may cost this much more, [instructions, cycles]; of Conv1D more, see docs/BOARD.md. */
const INT4_MORE = [0.02, 0.02] as const;
const INT4_MORE_YET: Readonly<Record<string, readonly [number, number]>> = {
  "CONV1D 6->16 k5": [0.051, 0.08],
  "CONV1D 16->32 k5": [0.02, 0.024],
};

/** Instructions and cycles of the layer per MAC: the difference of two runs, since Conv1D emits from its fifth row on. */
function measure(figure: Figure, bits: 8 | 4): { instructions: number; cycles: number; stack: number } {
  const random = new Random(2);
  const steps = [8, 12] as const;
  const runs = steps.map((count) => {
    const frames = Array.from({ length: count }, () => random.int16s(figure.inputs));
    return runOnCore(elf, figureModel(figure, bits), framesImage(frames, { flags: QUIET }));
  });
  const per = (name: "instructions" | "cycles") =>
    (runs[1]!.layers[1]![name] - runs[0]!.layers[1]![name]) / (steps[1] - steps[0]) / macs(figure);
  return { instructions: per("instructions"), cycles: per("cycles"), stack: runs[1]!.stackBytes };
}

describe("figures of the board issue on the simulated core, 0 wait states", () => {
  it.each(FIGURES)("$name", (figure) => {
    const [instructions, cycles] = NOT_REACHED[figure.name] ?? [figure.instructions, figure.cycles];
    let int8: { instructions: number; cycles: number } | undefined;
    for (const bits of [8, 4] as const) {
      const measured = measure(figure, bits);
      const base = bits === 8 ? undefined : int8;
      const [moreInstructions, moreCycles] = INT4_MORE_YET[figure.name] ?? INT4_MORE;
      if (base === undefined) int8 = measured;
      expect(measured.instructions).toBeLessThanOrEqual(
        base === undefined ? instructions : base.instructions + moreInstructions,
      );
      expect(measured.cycles).toBeLessThanOrEqual(base === undefined ? cycles : base.cycles + moreCycles);
    }
  });
});

describe.each(MACHINES.filter(({ name }) => name.startsWith("cortex")))("figure models on $name", (machine) => {
  it.skipIf(missing(...machine.requirements))("equal the reference", () => {
    const cases = FIGURES.flatMap((figure) =>
      ([8, 4] as const).map((bits) => {
        const model = figureModel(figure, bits);
        return { model, frames: randomFrames(5, readModel(model).header, 12) };
      }),
    );
    const results = runDriver(machine, cases);
    expect(cases.map((one, i) => difference(results[i]!, referenceResult(one)))).toEqual(cases.map(() => undefined));
  });
});

describe.skipIf(missing("arm-gcc", "qemu"))("instructions", () => {
  /** Two marks back to back take a move and a branch beside the mark's own instructions. */
  const BETWEEN_MARKS = 2;
  const STEPS = 7;

  it("are the same in QEMU and on the simulated core, layer for layer", () => {
    const program = buildCounter();
    const folder = mkdtempSync(join(tmpdir(), "gatelet-count-"));
    const file = (name: string) => join(folder, name);
    try {
      for (const figure of FIGURES) {
        const model = figureModel(figure, 8);
        const frames = randomFrames(9, readModel(model).header, STEPS);
        writeFileSync(file("model"), model);
        writeFileSync(file("frames"), Buffer.concat(frames.map(({ buffer }) => new Uint8Array(buffer))));
        const args = [file("model"), file("frames"), file("counts")];
        run("qemu-system-arm", qemuArguments(program, args, ["-icount", "shift=10"]));
        const bytes = readFileSync(file("counts"));
        const counts = Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readUInt32LE(4 * i));
        const mark = counts[0]! - BETWEEN_MARKS;
        // Behind the mark pair, three words a step: before layer 0, layer 0, layer 1.
        const layer = counts.filter((_, i) => i > 0 && i % 3 === 0).reduce((sum, count) => sum + count - mark, 0);
        const core = runOnCore(elf, model, framesImage(frames, { flags: QUIET })).layers[1]!.instructions;
        expect(layer, figure.name).toBe(core);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("time", () => {
  it("depends on the model alone, never on data", () => {
    for (let seed = 0; seed < 60; seed++) {
      const model = encodeModel(randomModel(seed));
      const { header, records } = readModel(model);
      const masks = records.some(({ fields }) => (fields.flags & 0b111_0010) !== 0);
      if (masks) continue;
      const count = Math.min(header.window || 6, 6);
      const counts = [1, 2].map((other) => {
        const run = runOnCore(
          elf,
          model,
          framesImage(randomFrames(seed + 1000 * other, header, count), { flags: QUIET }),
        );
        return `${run.instructions} ${run.cycles}`;
      });
      expect(counts[0], `seed ${seed}`).toBe(counts[1]);
    }
  });
});
