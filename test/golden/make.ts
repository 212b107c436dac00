/**
 * Makes the golden files of a new format version: `npx tsx test/golden/make.ts`. A file that exists is never written again:
 * golden files stay what the release wrote.
 */
import { existsSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  affineBytes,
  encodeModel,
  FLAG,
  FORMAT_VERSION,
  type ModelSpec,
  packQuads,
  packRowParams,
} from "@gatelet/converter/format";
import { ReferenceModel } from "../reference/index.js";
import { randomFrames, randomModel } from "../support/random-models.js";

/** Two raw counts, one Dense of three rows, int32 out: the smallest useful model, and the hex dump of FORMAT.md. */
const smallest: ModelSpec = {
  inputKind: "frames",
  outputTransform: "none",
  window: 0,
  frameSize: 2,
  vocabularySize: 0,
  outputScale: 0.0009765625,
  records: [
    {
      kernel: "INPUT",
      fields: { inputSize: 2, outputSize: 2 },
      aux: affineBytes([
        { bias: 128n, multiplier: 256, shift: 8 },
        { bias: 2048n + 5n * 4096n, multiplier: -2048, shift: 12 },
      ]),
    },
    {
      kernel: "DENSE",
      fields: { flags: FLAG.OUT32, input0: 0, inputSize: 2, outputSize: 3, bits: 8 },
      weights: packQuads({
        order: "plain",
        bits: 8,
        hiddenSize: 3,
        input: { weights: Int8Array.from([127, -128, 1, -1, 64, 32]), columns: 2 },
      }),
      rowParams: packRowParams("plain", 3, [1000, -1000, 0], [1 << 28, 1 << 29, 1 << 30]),
    },
  ],
};

const models: Readonly<Record<string, ModelSpec>> = {
  smallest,
  window: randomModel(5, { maxSize: 9 }),
  stream: randomModel(53, { maxSize: 9 }),
  tokens: randomModel(13, { maxSize: 9 }),
};

const folder = fileURLToPath(new URL(".", import.meta.url));
for (const [name, spec] of Object.entries(models)) {
  const path = `${folder}v${FORMAT_VERSION}-${name}`;
  const bytes = encodeModel({ ...spec, meta: { name } });
  if (existsSync(`${path}.gate`)) continue;
  const reference = new ReferenceModel(bytes);
  const stream = reference.createStream();
  const frames = randomFrames(1, reference.gate.header, (reference.gate.header.window || 7) + 3);
  const outputs = frames.map((frame) => stream.step(frame).rows.map((row) => [...row]));
  const state = Buffer.from(stream.saveState()).toString("base64");
  writeFileSync(`${path}.gate`, bytes);
  writeFileSync(`${path}.json`, `${JSON.stringify({ frames: frames.map((f) => [...f]), outputs, state })}\n`);
}
