import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { crc32 } from "@gatelet/converter/format";
import { Model } from "@gatelet/kernels";
import { missing } from "../support/requirements.js";
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

const wasmtime =
  (simd: boolean): Engine =>
  async ({ gate, frames, frameSize, perCall, rowBytes }) => {
    if (!hasWasmtime) return undefined;
    const { built } = await LinkedStream.open(gate, { simd, frames: perCall });
    writeFileSync(join(folder, "module.wasm"), built.bytes);
    writeFileSync(join(folder, "frames"), new Uint8Array(frames.buffer, frames.byteOffset, frames.byteLength));
    const script = fileURLToPath(new URL("hosts/wasmtime_run.py", import.meta.url));
    const numbers = [frameSize, perCall, rowBytes].map(String);
    const args = [script, join(folder, "module.wasm"), join(folder, "frames"), ...numbers];
    const { status, stdout, stderr } = spawnSync("python3", args, { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr.trim());
    const [output, state, rows] = stdout.trim().split(" ").map(Number);
    return { output, state, rows };
  };

/** Engines that take all frames in one stream, by the name of their column; the first judges the others. */
export const ENGINES: Readonly<Record<string, Engine>> = {
  "node scalar": inNode("scalar"),
  "node simd": inNode("simd"),
  "module scalar": linked(false),
  "module simd": linked(true),
  "wasmtime scalar": wasmtime(false),
  "wasmtime simd": wasmtime(true),
};
