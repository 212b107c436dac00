/**
 * `npm run conformance [-- --windows 200|all] [--models a,b] [--bits 8,4]`: engines x models. The same frames go into every
 * engine; output rows and the saved state at the end must be the same bytes. Exit code 1 where one differs.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { crc32, readModel } from "../../packages/converter/src/format/index.js";
import { convert, openModel } from "../../packages/converter/src/index.js";
import { Model } from "../../packages/kernels-as/src/index.js";
import { ReferenceModel } from "../reference/index.js";
import { randomFrames } from "../support/random-models.js";
import { missing } from "../support/requirements.js";
import { sharedModel, sharedModelNames } from "../support/shared-models.js";
import { LinkedStream } from "./linked-stream.js";

/** What an engine made of the frames. */
interface Answer {
  readonly output: number;
  readonly state: number;
  readonly rows: number;
}
interface Case {
  readonly gate: Uint8Array;
  readonly frames: Int16Array;
  readonly frameSize: number;
  readonly perCall: number;
  readonly rowBytes: number;
}
type Engine = (test: Case) => Promise<Answer | undefined>;

const folder = mkdtempSync(join(tmpdir(), "gatelet-conformance-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
/** The reference takes milliseconds a frame: it judges the first windows, the others are judged by Node's scalar engine. */
const REFERENCE_WINDOWS = 3;
const CALIBRATION_WINDOWS = 24;

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
    const output = crc32(bytesOf(all, rowBytes, outputSize));
    return { output, state: crc32(stream.saveState()), rows: all.length / outputSize };
  };

const hasWasmtime = !missing("wasmtime");
if (!hasWasmtime) console.warn("skipped: wasmtime is missing: pip install wasmtime");

const wasmtime =
  (simd: boolean): Engine =>
  async ({ gate, frames, frameSize, perCall, rowBytes }) => {
    if (!hasWasmtime) return undefined;
    const { built } = await LinkedStream.open(gate, { simd, frames: perCall });
    writeFileSync(join(folder, "module.wasm"), built.bytes);
    writeFileSync(join(folder, "frames"), new Uint8Array(frames.buffer, frames.byteOffset, frames.byteLength));
    const script = fileURLToPath(new URL("wasmtime_run.py", import.meta.url));
    const numbers = [frameSize, perCall, rowBytes].map(String);
    const args = [script, join(folder, "module.wasm"), join(folder, "frames"), ...numbers];
    const { status, stdout, stderr } = spawnSync("python3", args, { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr.trim());
    const [output, state, rows] = stdout.trim().split(" ").map(Number);
    return { output, state, rows };
  };

const ENGINES: Readonly<Record<string, Engine>> = {
  "node scalar": inNode("scalar"),
  "node simd": inNode("simd"),
  "module scalar": linked(false),
  "module simd": linked(true),
  "wasmtime scalar": wasmtime(false),
  "wasmtime simd": wasmtime(true),
};

/** Real recordings where there are raw ones, else random counts; and a part of a window, so that the state is not empty. */
function framesOf(name: string, gate: Uint8Array, windows: number): Int16Array {
  const { header } = readModel(gate);
  const count = header.window === 0 ? 50 : header.window;
  const shared = sharedModel(name);
  const rest = randomFrames(5, header, Math.ceil(count / 2)).flatMap((frame) => [...frame]);
  if (!name.startsWith("hapt-")) {
    return Int16Array.from([...randomFrames(7, header, windows * count).flatMap((frame) => [...frame]), ...rest]);
  }
  const parts: number[] = [];
  for (let i = 0; i < Math.min(windows, shared.testCount); i++)
    for (const value of shared.rawTestWindow(i)) parts.push(value);
  return Int16Array.from([...parts, ...rest]);
}

/** Whether the reference gives the same rows for the first windows. */
async function agreesWithReference(gate: Uint8Array, frames: Int16Array, perCall: number): Promise<boolean> {
  const reference = new ReferenceModel(gate).createStream();
  const linkedStream = await LinkedStream.open(gate);
  const { frameSize } = linkedStream.built.facts;
  for (let i = 0; i < Math.min(REFERENCE_WINDOWS * perCall, frames.length / frameSize); i++) {
    const frame = frames.slice(i * frameSize, (i + 1) * frameSize);
    const want = reference.step(frame).rows.flatMap((row) => [...row]);
    if (JSON.stringify(linkedStream.run(frame, 1)) !== JSON.stringify(want)) return false;
  }
  return true;
}

const { values } = parseArgs({
  options: {
    windows: { type: "string", default: "200" },
    models: { type: "string" },
    bits: { type: "string", default: "8,4" },
  },
});
if (missing("shared")) process.exit(0);
const windows = values.windows === "all" ? Number.POSITIVE_INFINITY : Number(values.windows);
const names = values.models?.split(",") ?? sharedModelNames();
let differences = 0;
console.log(["model".padEnd(16), "rows".padStart(7), "reference", ...Object.keys(ENGINES)].join("  "));
for (const name of names) {
  for (const bits of values.bits.split(",").map((text) => (text === "4" ? 4 : 8) as 4 | 8)) {
    const shared = sharedModel(name);
    const source = await openModel(shared.folder);
    const { bytes: gate } = await convert(source, {
      calibration: shared.calibrationWindows(CALIBRATION_WINDOWS),
      bits,
    });
    const { header } = readModel(gate);
    const perCall = header.window || 50;
    const frames = framesOf(name, gate, Math.min(windows, shared.testCount));
    const rowBytes = header.outputSize * (header.outputType === 1 ? 4 : 2);
    const test = { gate, frames, frameSize: header.frameSize, perCall, rowBytes };
    const same = await agreesWithReference(gate, frames, perCall);
    if (!same) differences++;
    const cells = [(same ? "equal" : "DIFFERS").padEnd("reference".length)];
    let first: Answer | undefined;
    for (const [engine, run] of Object.entries(ENGINES)) {
      const answer = await run(test);
      first ??= answer;
      const equal = answer === undefined || JSON.stringify(answer) === JSON.stringify(first);
      if (!equal) differences++;
      cells.push((answer === undefined ? "-" : equal ? "equal" : "DIFFERS").padEnd(engine.length));
    }
    console.log([`${name}/${bits}`.padEnd(16), String(first?.rows).padStart(7), ...cells].join("  "));
  }
}
console.log(differences === 0 ? "all engines give the same bytes" : `${differences} differences`);
process.exitCode = differences === 0 ? 0 : 1;
