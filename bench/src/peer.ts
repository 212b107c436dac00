import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type SharedModel, sharedModel } from "../../test/support/shared-models.js";
import { BENCH_FOLDER, PYTHON, pythonPackage } from "./optional.js";
import { loadTfjs, predict, startTfjs, TFJS_VERSION } from "./tfjs.js";

/** Something that answers windows of a shared model; the windows are numbered as in `windows`. */
export interface Peer {
  readonly id: string;
  readonly text: string;
  /** Exact engines must give the reference's probabilities, approximate ones nearly always its class. */
  readonly approximate: boolean;
  /** Bytes of the model's file and of the engine that runs it; undefined where there is no such file. */
  readonly modelBytes?: number;
  readonly engineBytes?: number;
  answer(window: number): Promise<ArrayLike<number>>;
  /** ms a unit of work (window or frame), over `count` of them one after another. */
  time(count: number): Promise<number>;
  stop(): Promise<void>;
}

/** The work that all peers do. */
export interface PeerWork {
  readonly model: SharedModel;
  /** Network inputs, float32. */
  readonly windows: readonly Float32Array[];
}

export async function timeLoop(count: number, work: (index: number) => unknown): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    const pending = work(i);
    if (pending instanceof Promise) await pending;
  }
  return (performance.now() - start) / count;
}

export const peerFile = (model: SharedModel, ending: string): string =>
  join(model.folder, "../peers", `${model.name}${ending}`);

export function splitFrames(window: Float32Array, channels: number): Float32Array[] {
  return Array.from({ length: window.length / channels }, (_, i) => window.slice(i * channels, (i + 1) * channels));
}

const TFJS_WASM = "dist/tfjs-backend-wasm-simd.wasm";

function tfjsWasmBytes(): number | undefined {
  const entry = createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm/package.json");
  return statSync(join(entry, "..", TFJS_WASM), { throwIfNoEntry: false })?.size;
}

export async function tfjsPeer(backend: "wasm" | "cpu", { model, windows }: PeerWork): Promise<Peer> {
  await startTfjs(backend);
  const network = await loadTfjs(model.folder);
  return {
    id: `tfjs-${backend}`,
    text: `tfjs ${TFJS_VERSION} ${backend}`,
    approximate: false,
    engineBytes: backend === "wasm" ? tfjsWasmBytes() : undefined,
    answer: async (index) => predict(network, windows[index], model.channels),
    time: (count) => timeLoop(count, (i) => predict(network, windows[i % windows.length], model.channels)),
    stop: async () => void network.dispose(),
  };
}

/** tfjs with layers that keep their state, one frame a call. */
export async function tfjsStreamPeer({ model, windows }: PeerWork): Promise<Peer> {
  await startTfjs("wasm");
  const network = await loadTfjs(model.folder, true);
  const frames = windows.map((window) => splitFrames(window, model.channels));
  return {
    id: "tfjs-wasm",
    text: `tfjs ${TFJS_VERSION} wasm, stateful layers`,
    approximate: false,
    async answer(index) {
      network.resetStates();
      let last: ArrayLike<number> = [];
      for (const frame of frames[index]) last = predict(network, frame, model.channels);
      return last;
    },
    time: (count) =>
      timeLoop(count, (i) =>
        predict(network, frames[Math.floor(i / model.steps) % frames.length][i % model.steps], model.channels),
      ),
    stop: async () => void network.dispose(),
  };
}

/** LiteRT in a Python process of its own, which takes the times itself. */
export async function litertPeer(kind: "float" | "dynamic" | "int8", work: PeerWork): Promise<Peer | undefined> {
  const { model, windows } = work;
  const path = peerFile(model, `-${kind}.tflite`);
  const modelBytes = statSync(path, { throwIfNoEntry: false })?.size;
  const version = pythonPackage("ai-edge-litert");
  if (modelBytes === undefined || version === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "gatelet-litert-"));
  const data = join(folder, "windows.f32");
  writeFileSync(
    data,
    Buffer.concat(windows.map((window) => Buffer.from(window.buffer, window.byteOffset, window.byteLength))),
  );
  const args = [join(BENCH_FOLDER, "hosts/litert_host.py"), path, data, `${model.steps}`, `${model.channels}`];
  const child = spawn(PYTHON, args, { stdio: ["pipe", "pipe", "ignore"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<{ answer: number[]; ms: number }> => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`LiteRT host of ${model.name} ended`);
    return JSON.parse(value);
  };
  const ask = (request: object) => {
    child.stdin.write(`${JSON.stringify(request)}\n`);
    return next();
  };
  await next();
  return {
    id: `litert-${kind}`,
    text: `LiteRT ${version} (Python), ${kind}, 1 thread`,
    approximate: true,
    modelBytes,
    answer: async (index) => (await ask({ run: index })).answer,
    time: async (count) => (await ask({ time: count })).ms,
    async stop() {
      const gone = once(child, "exit");
      child.stdin.end();
      await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The windows that all peers are asked and timed on, spread over the test windows. */
export function peerWork(name: string, count: number): PeerWork {
  const model = sharedModel(name);
  const stride = Math.floor(model.testCount / count);
  return { model, windows: Array.from({ length: count }, (_, i) => model.testWindow(i * stride)) };
}
