import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";

export const TFJS_VERSION = tf.version_core;

export async function startTfjs(backend: "wasm" | "cpu"): Promise<void> {
  const entry = createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm");
  setWasmPaths(`${dirname(entry)}/`);
  if (!(await tf.setBackend(backend))) throw new Error(`tfjs backend ${backend} did not start`);
}

type Json = { [key: string]: unknown };

/** Makes recurrent layers keep their state, and the input one frame long. */
function makeStateful(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  const node = value as Json;
  const config = node["config"] as Json | undefined;
  if (["LSTM", "GRU", "SimpleRNN"].includes(String(node["class_name"])) && config) config["stateful"] = true;
  for (const key of ["batch_input_shape", "batchInputShape"]) {
    const shape = node[key];
    if (Array.isArray(shape)) node[key] = [1, 1, shape[2]];
  }
  for (const child of Object.values(node)) makeStateful(child);
}

/** tfjs cannot read files in Node without its native package. `stateful`: takes one frame at a time and keeps its state. */
export async function loadTfjs(folder: string, stateful = false): Promise<tf.LayersModel> {
  const json = JSON.parse(await readFile(join(folder, "model.json"), "utf8")) as tf.io.ModelJSON;
  if (stateful) makeStateful(json.modelTopology);
  const artifacts = await tf.io.getModelArtifactsForJSON(json, async (manifest) => {
    const shards = await Promise.all(
      manifest.flatMap(({ paths }) => paths).map((path) => readFile(join(folder, path))),
    );
    const all = Buffer.concat(shards);
    return [
      manifest.flatMap(({ weights }) => weights),
      all.buffer.slice(all.byteOffset, all.byteOffset + all.length) as ArrayBuffer,
    ];
  });
  return tf.loadLayersModel(tf.io.fromMemory(artifacts));
}

/** Output of some frames of a batch of one. */
export function predict(network: tf.LayersModel, frames: Float32Array, channels: number): Float32Array {
  return tf.tidy(() => {
    const input = tf.tensor3d(frames, [1, frames.length / channels, channels]);
    return (network.predict(input) as tf.Tensor).dataSync() as Float32Array;
  });
}

/** Outputs of many windows at once, one row behind the other. */
export function predictBatch(
  network: tf.LayersModel,
  windows: readonly Float32Array[],
  channels: number,
): Float32Array {
  return tf.tidy(() => {
    const all = new Float32Array(windows.length * windows[0].length);
    for (const [i, window] of windows.entries()) all.set(window, i * window.length);
    const input = tf.tensor3d(all, [windows.length, windows[0].length / channels, channels]);
    return (network.predict(input) as tf.Tensor).dataSync() as Float32Array;
  });
}
