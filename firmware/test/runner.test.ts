import { readFileSync } from "node:fs";
import { join } from "node:path";
import { crc32, encodeModel, readModel } from "@gatelet/converter/format";
import { describe, expect, it } from "vitest";
import { randomFrames, randomModel } from "../../test/support/random-models.js";
import { firmwareFolder } from "./support/build.js";
import { runOnCore } from "./support/core.js";
import { referenceResult } from "./support/expect.js";
import { FIGURES, figureModel } from "./support/figures.js";
import { framesImage, runnerMap } from "./support/runner.js";

const elf = readFileSync(join(firmwareFolder, "generated/runner-nrf52840.gen.elf"));
const QUIET = runnerMap()["RUNNER_FLAG_QUIET"]!;

describe("runner on the simulated core", () => {
  it("leaves outputs, state and log that equal the reference", () => {
    for (let seed = 0; seed < 40; seed++) {
      const model = encodeModel(randomModel(seed));
      const { header } = readModel(model);
      const frames = randomFrames(seed, header, header.window > 0 ? header.window + 3 : 8);
      const run = runOnCore(elf, model, framesImage(frames, { flags: QUIET }));
      const expected = referenceResult({ model, frames });
      const failed = expected.steps.find(({ result }) => result < 0);
      expect(run.word("STATUS") | 0, `seed ${seed}`).toBe(failed?.result ?? 0);
      if (failed !== undefined) continue;
      const outputs = Buffer.concat(expected.steps.map(({ rows }) => rows));
      expect(run.word("OUTPUT_CRC"), `seed ${seed}`).toBe(crc32(outputs));
      expect(run.word("STATE_CRC"), `seed ${seed}`).toBe(crc32(expected.state));
      expect(run.word("FRAMES")).toBe(frames.length);
      expect(run.word("CYCLES")).toBeGreaterThan(0);
      const log = run.read(run.word("LOG"), run.word("LOG_USED"));
      const view = new DataView(log.buffer);
      let at = 0;
      for (const step of expected.steps) {
        if (at === log.length) break;
        expect(view.getInt32(at, true)).toBe(step.result);
        expect(Buffer.from(log.subarray(at + 4, at + 4 + step.rows.length)).equals(step.rows)).toBe(true);
        at += 4 + ((step.rows.length + 3) & ~3);
      }
    }
  });

  it("takes the same cycles and instructions whatever the frames hold", () => {
    for (const figure of FIGURES) {
      const model = figureModel(figure, 8);
      const { header } = readModel(model);
      const counts = [1, 2, 3].map((seed) => {
        const run = runOnCore(elf, model, framesImage(randomFrames(seed, header, 6), { flags: QUIET }));
        return `${run.instructions} ${run.cycles}`;
      });
      expect(new Set(counts).size, figure.name).toBe(1);
    }
  });

  it("keeps within the RAM that it is given and says when that is too little", () => {
    const model = figureModel(FIGURES[0]!, 8);
    const frames = randomFrames(1, readModel(model).header, 2);
    const small = runOnCore(elf, model, framesImage(frames, { flags: QUIET, ramBytes: 8192 }));
    expect(small.word("STATUS")).toBe(0);
    expect(small.word("ARENA") + small.word("ARENA_BYTES")).toBeLessThanOrEqual(0x20000000 + 8192);
    const none = runOnCore(elf, model, framesImage(frames, { flags: QUIET, ramBytes: 2400 }));
    expect(none.word("STATUS") | 0).toBe(-18);
  });
});
