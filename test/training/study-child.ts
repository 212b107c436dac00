/**
 * Body of the process that study-kill.test.ts kills: one small study on pump recordings.
 *
 *   tsx test/training/study-child.ts <recordings.csv> <folder of the study>
 */
import { runStudy, type TrainJob } from "@gatelet/train";
import { windowEngine as engine } from "./window-engine.js";

const [path, folder] = process.argv.slice(2) as [string, string];
const job = (preset: "gru" | "rnn", seed: number): TrainJob => ({
  data: { path, sessionColumn: "session", window: 16, hop: 8, split: "subject" },
  model: { preset, units: [6], dropout: 0.1 },
  // Long enough to be killed in the middle by a parent that looks late.
  training: { epochs: 16, batchSize: 32, learningRate: 0.01, schedule: "cosine" },
  seed,
});
const architectures = (["gru", "rnn"] as const).map((preset) => ({
  name: preset,
  source: { kind: "train" as const, jobs: [job(preset, 1), job(preset, 2)] },
}));
await runStudy({ name: "pump", folder, architectures, bits: [8, 4] }, { tools: { engine }, pool: { workers: 1 } });
