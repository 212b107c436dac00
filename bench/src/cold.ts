import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Model } from "../../packages/kernels-as/dist/index.js";
import { encodeFrames } from "../../packages/kernels-as/dist/input.js";
import { makeJob } from "../../test/conformance/job-files.js";
import { removeHosts, startWorkerd } from "../../test/conformance/runtimes.js";
import { deployedModel } from "./converted.js";
import { type Figure, median } from "./figures.js";
import { workOf } from "./job-files.js";
import { BENCH_FOLDER, benchPackage } from "./optional.js";

const STARTS = 15;
/** Peers take a second each. */
const PEER_STARTS = 5;
const GOAL_MS = 5;
/** One smaller and one larger than the 35 KB of the goal. */
const MODELS = ["digits-gru", "hapt-lstm"] as const;

interface Cold {
  /** ms to import the engine's package, and from the file's bytes to the first answer. */
  readonly importMs: number;
  readonly answerMs: number;
  /** CPU time of all threads meanwhile: on a busy machine less than half of the elapsed time may be ours. */
  readonly cpuMs: number;
}

const TSX = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

/** Fresh processes, one after another. */
function startNode(engine: string, model: string, frames: string, shape: readonly number[]): Cold[] {
  const args = ["--import", TSX, join(BENCH_FOLDER, "hosts/cold.ts"), engine, model, frames, shape.join()];
  return Array.from({ length: engine === "gatelet" ? STARTS : PEER_STARTS }, () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    if (status !== 0) throw new Error(`cold start of ${engine}: ${stderr}`);
    return JSON.parse(stdout) as Cold;
  });
}

function coldFigure(id: string, text: string, times: readonly number[], note: string, goal?: number): Figure {
  return {
    id: `peers.cold.${id}`,
    text,
    value: median(times),
    unit: "ms",
    kind: "measured",
    spread: [Math.min(...times), Math.max(...times)],
    note,
    ...(goal === undefined ? {} : { goal: { atMost: goal } }),
  };
}

async function nodeFigures(name: string, folder: string): Promise<Figure[]> {
  const { model, converted, window } = await deployedModel(name, 8);
  const { description } = await Model.load(converted.bytes);
  const put = (file: string, data: Uint8Array | Int16Array | Float32Array): string => {
    const path = join(folder, `${name}${file}`);
    writeFileSync(path, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return path;
  };
  const gate = put(".gate", converted.bytes);
  const shape = [1, model.steps, model.channels];
  const size = `${(converted.bytes.length / 1024).toFixed(0)} KiB`;
  const engines = [["gatelet", gate, put(".i16", encodeFrames(description, window(0))), GOAL_MS]] as [
    string,
    string,
    string,
    number?,
  ][];
  if (name === "hapt-lstm") {
    const floats = put(".f32", model.testWindow(0));
    for (const ort of ["onnxruntime-node", "onnxruntime-web"]) {
      if (benchPackage(ort)) engines.push([ort, join(model.folder, `../peers/${name}.onnx`), floats]);
    }
  }
  return engines.map(([engine, path, frames, goal]) => {
    const starts = startNode(engine, path, frames, shape);
    const importMs = median(starts.map((start) => start.importMs)).toFixed(1);
    const cpuMs = median(starts.map((start) => start.cpuMs)).toFixed(1);
    const times = starts.map((start) => start.answerMs);
    const what = engine === "gatelet" ? `${name}.gate of ${size}` : `${name}.onnx`;
    return coldFigure(
      `node.${name}.${engine}`,
      `${engine} in a fresh Node: ${what}, bytes to first answer`,
      times,
      `CPU time ${cpuMs} ms; import of the package before: ${importMs} ms`,
      goal,
    );
  });
}

/** First request with work, in a workerd that has answered an empty one; with the HTTP request. */
async function workerdFigure(name: string): Promise<Figure[]> {
  const work = await workOf(name);
  const { job } = makeJob(work, "time", "simd", 1, 1);
  const times: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    const runtime = await startWorkerd();
    if (runtime === undefined) return [];
    const start = performance.now();
    await runtime.run(job);
    times.push(performance.now() - start);
    await runtime.stop();
  }
  const size = `${(work.file.length / 1024).toFixed(0)} KiB`;
  return [
    coldFigure(
      `workerd.${name}`,
      `Gatelet in a fresh workerd: ${name}.gate of ${size}, bytes to first answer`,
      times,
      "with the HTTP request",
      GOAL_MS,
    ),
  ];
}

/** Time from a model file's bytes to the first answer in a process that has run nothing before. */
export async function coldFigures(): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), "gatelet-cold-"));
  const figures: Figure[] = [];
  try {
    for (const name of MODELS) figures.push(...(await nodeFigures(name, folder)), ...(await workerdFigure(name)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
    removeHosts();
  }
  return figures;
}
