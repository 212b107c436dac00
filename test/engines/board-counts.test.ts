import { encodeModel, type KernelName, readModel } from "@gatelet/converter/format";
import { afterAll, describe, expect, it } from "vitest";
import { kernelModel, randomFrames } from "../support/random-models.js";
import { missing } from "../support/requirements.js";
import { BoardRuns, type OtherEngine } from "./board-counts.js";
import type { BoardJob } from "./board-steps.js";

const KERNELS: readonly KernelName[] = ["GRU", "GRU_RESET_AFTER", "LSTM", "RNN", "CONV1D", "DEPTHWISE_CONV1D", "DENSE"];
/** Gives 9 inputs and 31 outputs. */
const SEED = 95;
const FRAMES = 4;

function jobFor(kernel: KernelName): BoardJob {
  const gate = encodeModel(kernelModel(kernel, SEED));
  const { header } = readModel(gate);
  const frames = randomFrames(SEED, header, (header.window || FRAMES) + 1);
  return { gate, frames: Int16Array.from(frames.flatMap((frame) => [...frame])), frameSize: header.frameSize };
}

const runs = new BoardRuns();
afterAll(() => runs.close());

describe.each<OtherEngine>(["qemu", "renode"])("instructions between bench_begin and bench_end", (engine) => {
  it.skipIf(missing(engine))(`${engine} counts as many as the built-in board, for layers of every kind`, async () => {
    for (const kernel of KERNELS) {
      const job = jobFor(kernel);
      const expected = await runs.run("builtin", job);
      expect(expected.instructions, kernel).toBeGreaterThan(500);
      expect(await runs.run(engine, job), kernel).toEqual(expected);
    }
  });
});
