import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { encodeModel } from "../../packages/converter/dist/format/index.js";
import { INPUTS, stackedModel } from "../../packages/kernels-as/bench/stacked.js";
import { Model } from "../../packages/kernels-as/dist/index.js";
import type { Work } from "../../test/conformance/job-files.js";
import { removeHosts } from "../../test/conformance/runtimes.js";
import { Random } from "../../test/support/random.js";
import { writeEsmPackage } from "./cold-esm.js";
import { COLD_GOAL_MS, COLD_STARTS, coldFigure, sizeOf } from "./cold-figure.js";
import { workerdFigures } from "./cold-workerd.js";
import { deployedModel } from "./converted.js";
import { type Figure, median } from "./figures.js";
import { workOf } from "./job-files.js";
import { BENCH_FOLDER, benchPackage } from "./optional.js";

/** Peers take a second each. */
const PEER_STARTS = 5;
/** One smaller and one larger than the 35 KB of the goal, beside one of just that. */
const MODELS = ["digits-gru", "hapt-lstm"] as const;
const GENERATED = { name: "lstm-64-28", units: [64, 28], frames: 50 } as const;

interface Cold {
  /** ms to import the engine's package, and from the file's bytes to the first answer. */
  readonly importMs: number;
  readonly answerMs: number;
  /** CPU time of all threads meanwhile: on a busy machine less than half of the elapsed time may be ours. */
  readonly cpuMs: number;
}

const TSX = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

/** `gatelet`: the file with the engine of `@gatelet/kernels`; `gatelet-esm`: the package of `--target esm`. */
const isOurs = (engine: string): boolean => engine.startsWith("gatelet");

/** Fresh processes, one after another. */
function startNode(engine: string, model: string, frames: string, shape: readonly number[]): Cold[] {
  const args =
    engine === "gatelet-esm"
      ? [join(BENCH_FOLDER, "hosts/cold-esm.mjs"), model, frames]
      : ["--import", TSX, join(BENCH_FOLDER, "hosts/cold.ts"), engine, model, frames, shape.join()];
  return Array.from({ length: isOurs(engine) ? COLD_STARTS : PEER_STARTS }, () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    if (status !== 0) throw new Error(`cold start of ${engine}: ${stderr}`);
    return JSON.parse(stdout) as Cold;
  });
}

/** An LSTM of random weights whose file has 35 KB. */
function generatedWork(): Work {
  const { name, units, frames } = GENERATED;
  const file = encodeModel(stackedModel("LSTM", units, 8).spec);
  const windowValues = frames * INPUTS;
  const window = new Random(3).int16s(windowValues, -4000, 4000);
  return { name, file, frames: window, windowValues, halfValues: windowValues / 2, windows: 1 };
}

/** An engine, its model file, its frames. */
type Started = readonly [engine: string, model: string, frames: string];

/** Files of a model for our engine and, where they can read it, for the peers. */
async function startedEngines(work: Work, folder: string): Promise<Started[]> {
  const { name } = work;
  const put = (file: string, data: Uint8Array | Int16Array | Float32Array): string => {
    const path = join(folder, `${name}${file}`);
    writeFileSync(path, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return path;
  };
  const counts = put(".i16", work.frames.slice(0, work.windowValues));
  const engines: Started[] = [
    ["gatelet", put(".gate", work.file), counts],
    ["gatelet-esm", join(await writeEsmPackage(work, folder), "index.js"), counts],
  ];
  if (name === "hapt-lstm") {
    const { model } = await deployedModel(name, 8);
    const floats = put(".f32", model.testWindow(0));
    for (const ort of ["onnxruntime-node", "onnxruntime-web"]) {
      if (benchPackage(ort)) engines.push([ort, join(model.folder, `../peers/${name}.onnx`), floats]);
    }
  }
  return engines;
}

async function nodeFigures(work: Work, folder: string): Promise<Figure[]> {
  const { name, file } = work;
  const { frameSize } = (await Model.load(file)).description;
  const shape = [1, work.windowValues / frameSize, frameSize];
  return (await startedEngines(work, folder)).map(([engine, path, frames]) => {
    const starts = startNode(engine, path, frames, shape);
    const importMs = median(starts.map((start) => start.importMs)).toFixed(1);
    const cpuMs = median(starts.map((start) => start.cpuMs)).toFixed(1);
    const times = starts.map((start) => start.answerMs);
    const what = isOurs(engine) ? `${name}.gate of ${sizeOf(file)}` : `${name}.onnx`;
    return coldFigure(
      `node.${name}.${engine}`,
      `${engine} in a fresh Node: ${what}, bytes to first answer`,
      times,
      `CPU time ${cpuMs} ms; import of the package before: ${importMs} ms`,
      isOurs(engine) ? COLD_GOAL_MS : undefined,
    );
  });
}

/** Time from a model file's bytes to the first answer in a process that has run nothing before. */
export async function coldFigures(): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), "gatelet-cold-"));
  const figures: Figure[] = [];
  try {
    const works = [generatedWork(), ...(await Promise.all(MODELS.map(workOf)))];
    for (const work of works)
      figures.push(...(await nodeFigures(work, folder)), ...(await workerdFigures(work, folder)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
    removeHosts();
  }
  return figures;
}
