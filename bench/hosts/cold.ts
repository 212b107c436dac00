/** A fresh process: `cold.ts ENGINE MODEL FRAMES SHAPE` prints ms of importing the engine and from bytes to first answer. */
import { readFileSync } from "node:fs";
import { importOrt, ORT_OPTIONS, type OrtName } from "../src/ort.js";

const [engine, modelPath, framesPath, shape] = process.argv.slice(2);
const file = Uint8Array.from(readFileSync(modelPath));
const frames = Uint8Array.from(readFileSync(framesPath)).buffer;

type FirstAnswer = () => Promise<ArrayLike<number>>;

async function gatelet(): Promise<FirstAnswer> {
  const { Model } = await import("../../packages/kernels-as/dist/index.js");
  return async () => (await Model.load(file)).run(new Int16Array(frames)).outputs;
}

async function onnxruntime(name: OrtName): Promise<FirstAnswer> {
  const found = await importOrt(name);
  if (found === undefined) throw new Error(`${name} is missing`);
  const { InferenceSession, Tensor } = found.exports;
  return async () => {
    const session = await InferenceSession.create(file, ORT_OPTIONS);
    const results = await session.run({
      x: new Tensor("float32", new Float32Array(frames), shape.split(",").map(Number)),
    });
    return Object.values(results)[0].data;
  };
}

const start = performance.now();
const answer = await (engine === "gatelet" ? gatelet() : onnxruntime(engine as OrtName));
const imported = performance.now();
const before = process.cpuUsage();
if ((await answer()).length === 0) throw new Error(`${engine} gave no answer`);
const answered = performance.now();
const { user, system } = process.cpuUsage(before);
console.log(
  JSON.stringify({ importMs: imported - start, answerMs: answered - imported, cpuMs: (user + system) / 1000 }),
);
process.exit(0);
