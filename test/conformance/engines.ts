import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { crc32 } from "@gatelet/converter/format";
import { Model } from "@gatelet/kernels";
import { buildComponent } from "../../packages/cli/src/targets/component-target.js";
import { transpile } from "../../packages/cli/src/targets/jco.js";
import { extrasPackage, missing } from "../support/requirements.js";
import { LinkedStream } from "./linked-stream.js";

/** What an engine made of the frames. */
export interface Answer {
  readonly output: number;
  readonly state: number;
  readonly rows: number;
}
export interface Case {
  readonly gate: Uint8Array;
  readonly frames: Int16Array;
  readonly frameSize: number;
  readonly perCall: number;
  readonly rowBytes: number;
  /** Frames of half a window. */
  readonly halfWindow: number;
}
export type Engine = (test: Case) => Promise<Answer | undefined>;

const folder = mkdtempSync(join(tmpdir(), "gatelet-conformance-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
const bytesOf = (values: readonly number[], rowBytes: number, outputSize: number): Uint8Array =>
  new Uint8Array((rowBytes / outputSize === 4 ? Int32Array : Int16Array).from(values).buffer);

const inNode =
  (engine: "simd" | "scalar"): Engine =>
  async ({ gate, frames, rowBytes }) => {
    const model = await Model.load(gate, { engine, streams: 1 });
    const { frameSize, outputSize } = model.description;
    const out = new Int32Array(outputSize * model.maxRows(frames.length / frameSize));
    const rows = model.runRaw(frames, out);
    const output = bytesOf([...out.subarray(0, rows * outputSize)], rowBytes, outputSize);
    return { output: crc32(output), state: crc32(model.saveState()), rows };
  };

const linked =
  (simd: boolean): Engine =>
  async ({ gate, frames, frameSize, perCall, rowBytes }) => {
    const stream = await LinkedStream.open(gate, { simd, frames: perCall });
    const { outputSize } = stream.built.facts;
    const all: number[] = [];
    for (let at = 0; at < frames.length; at += perCall * frameSize) {
      const part = frames.subarray(at, at + perCall * frameSize);
      const rows = stream.run(part, part.length / frameSize);
      if (typeof rows === "number") throw new Error(`status ${rows}`);
      for (const value of rows) all.push(value);
    }
    if (!stream.isWithinBudget()) throw new Error("the module wrote outside its buffers");
    const output = crc32(bytesOf(all, rowBytes, outputSize));
    return { output, state: crc32(stream.saveState()), rows: all.length / outputSize };
  };

const hasWasmtime = !missing("wasmtime");

/** The answer that a script of hosts/ prints for a module and the frames. */
function inPython(script: string, module: Uint8Array, frames: Int16Array, numbers: readonly number[]): Answer {
  writeFileSync(join(folder, "module.wasm"), module);
  writeFileSync(join(folder, "frames"), new Uint8Array(frames.buffer, frames.byteOffset, frames.byteLength));
  const path = fileURLToPath(new URL(`hosts/${script}`, import.meta.url));
  const args = [path, join(folder, "module.wasm"), join(folder, "frames"), ...numbers.map(String)];
  const { status, stdout, stderr } = spawnSync("python3", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr.trim());
  const [output, state, rows] = stdout.trim().split(" ").map(Number);
  return { output, state, rows };
}

const wasmtime =
  (simd: boolean): Engine =>
  async ({ gate, frames, frameSize, perCall, rowBytes }) => {
    if (!hasWasmtime) return undefined;
    const { built } = await LinkedStream.open(gate, { simd, frames: perCall });
    return inPython("wasmtime_run.py", built.bytes, frames, [frameSize, perCall, rowBytes]);
  };

const componentInWasmtime =
  (simd: boolean): Engine =>
  async ({ gate, frames, frameSize, perCall, rowBytes }) => {
    if (!hasWasmtime) return undefined;
    const { component } = await buildComponent(gate, "m", { simd, frames: perCall });
    return inPython("wasmtime_component.py", component, frames, [frameSize, perCall, rowBytes]);
  };

const hasJco = !missing("jco");

/** The functions of the WIT as jco's glue has them. */
interface Inference {
  run(frames: Int16Array): Int32Array;
  runTokens(tokens: Uint16Array): Int32Array;
  saveState(): Uint8Array;
}
let glues = 0;

/** A component behind jco's glue, without the wrapper that `build` puts around it. */
async function throughJco(component: Uint8Array): Promise<Inference> {
  const files = await transpile(component, [pathToFileURL(join(extrasPackage("jco"), "package.json")).href]);
  const home = join(folder, `glue-${glues++}`);
  for (const [name, bytes] of Object.entries(files!)) {
    mkdirSync(dirname(join(home, name)), { recursive: true });
    writeFileSync(join(home, name), bytes);
  }
  writeFileSync(join(home, "package.json"), '{ "type": "module" }');
  const glue = await import(/* @vite-ignore */ pathToFileURL(join(home, "model.js")).href);
  const core = await WebAssembly.compile(Uint8Array.from(files!["model.core.wasm"]));
  return (await glue.instantiate(() => core, {})).inference;
}

const componentInNode =
  (simd: boolean): Engine =>
  async ({ gate, frames, frameSize, perCall, rowBytes }) => {
    if (!hasJco) return undefined;
    const { component, description } = await buildComponent(gate, "m", { simd, frames: perCall });
    const { outputSize, input } = description;
    const inference = await throughJco(component);
    const all: number[] = [];
    for (let at = 0; at < frames.length; at += perCall * frameSize) {
      const part = frames.subarray(at, at + perCall * frameSize);
      const rows = input === "tokens" ? inference.runTokens(Uint16Array.from(part)) : inference.run(part);
      for (const value of rows) all.push(value);
    }
    const output = crc32(bytesOf(all, rowBytes, outputSize));
    return { output, state: crc32(inference.saveState()), rows: all.length / outputSize };
  };

/** Engines that take all frames in one stream, by the name of their column; the first judges the others. */
export const ENGINES: Readonly<Record<string, Engine>> = {
  "node scalar": inNode("scalar"),
  "node simd": inNode("simd"),
  "module scalar": linked(false),
  "module simd": linked(true),
  "wasmtime scalar": wasmtime(false),
  "wasmtime simd": wasmtime(true),
  "component wasmtime": componentInWasmtime(false),
  "component wasmtime simd": componentInWasmtime(true),
  "component jco": componentInNode(false),
  "component jco simd": componentInNode(true),
};

/** What those of `names` that are here make of the frames, in this order. */
export async function engineAnswers(test: Case, names: readonly string[]): Promise<[name: string, answer: Answer][]> {
  const found: [string, Answer][] = [];
  for (const name of names) {
    const answer = await ENGINES[name](test);
    if (answer !== undefined) found.push([name, answer]);
  }
  return found;
}
