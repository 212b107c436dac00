import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Model } from "@gatelet/kernels";
import {
  evaluateStream,
  generatePump,
  type LoadInteger,
  PUMP_CLASSES,
  prepareSamples,
  readNormalization,
  runTrainJob,
  type TrainJob,
} from "@gatelet/train";
import { afterEach, beforeEach, expect, it } from "vitest";

/** Frame by frame, as a device does it. */
const engine: LoadInteger = async (gate) => {
  const model = await Model.load(gate);
  const { frameSize } = model.description;
  return {
    window: (counts) => model.run(counts).outputs,
    stream: (counts) => {
      model.reset();
      const frames = Array.from({ length: counts.length / frameSize }, (_, i) =>
        counts.subarray(i * frameSize, (i + 1) * frameSize),
      );
      return frames.flatMap((frame) => Array.from(model.step(frame).outputs));
    },
  };
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gatelet-stream-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

it("trains on continuous recordings with kept state and answers every frame of a stream in the integer engine", async () => {
  const lines = ["session,x,y,z,label"];
  for (const { name, samples, labels } of generatePump({ seed: 3, machines: 5, recordings: 1, seconds: 15 })
    .sequences) {
    (labels as Uint16Array).forEach((label, t) => {
      lines.push([name, ...samples.subarray(3 * t, 3 * t + 3), PUMP_CLASSES[label]].join(","));
    });
  }
  await writeFile(join(folder, "pump.csv"), lines.join("\n"));
  const job: TrainJob = {
    data: { path: join(folder, "pump.csv"), sessionColumn: "session", window: 40, split: "subject" },
    model: { preset: "gru", units: [8] },
    stream: { stateful: true, change: "soft", margin: 10, warmUp: 10 },
    training: { epochs: 2, batchSize: 16, learningRate: 0.01 },
    seed: 1,
  };
  const result = await runTrainJob(job, join(folder, "run"));
  const { streams } = await prepareSamples(job);
  if (streams === undefined) throw new Error("no streams");
  const model = join(folder, "run/best");
  const input = { name: "pump", model, ...streams, normalization: await readNormalization(model), bits: 8 as const };
  const { figures } = await evaluateStream(input, engine);
  expect(figures.frames).toBe(streams.test.sequences.reduce((sum, { length }) => sum + length, 0));
  // Two independent float paths, tfjs in pieces and our executor in one go, decide alike.
  expect(figures.floatAccuracy).toBeCloseTo(result.test.accuracy as number, 2);
  expect(figures.agreement).toBeGreaterThan(0.97);
  const moved = { ...job, augment: { shift: 2 } };
  await expect(runTrainJob(moved, join(folder, "moved"))).rejects.toThrow(/shift moves frames away from their labels/);
});
