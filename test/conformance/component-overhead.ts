/**
 * What a call of a component costs above the same call of its core module, with one window a call:
 * npx tsx test/conformance/component-overhead.ts MODEL.gate (needs npm run extras). Prints milliseconds, the least of many
 * alternating rounds.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { readModel } from "@gatelet/converter/format";
import { buildTarget } from "../../packages/cli/src/targets/targets.js";
import { randomFrames } from "../support/random-models.js";
import { extrasPackage } from "../support/requirements.js";
import { LinkedStream } from "./linked-stream.js";

const ROUNDS = 400;
const CALLS = 10;

/** The component's JavaScript package, loaded. */
async function openComponent(gate: Uint8Array, folder: string): Promise<(frames: Int16Array) => Int32Array> {
  process.env["NODE_PATH"] = dirname(dirname(extrasPackage("jco")));
  const { Module } = await import("node:module");
  (Module as unknown as { _initPaths(): void })._initPaths();
  const { files } = await buildTarget("component", gate, { simd: true, file: "model.gate" });
  for (const [name, content] of files) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  const { load } = await import(pathToFileURL(join(folder, "js/index.js")).href);
  const model = await load();
  return (frames) => model.run(frames);
}

function time(call: () => unknown): number {
  const start = performance.now();
  for (let i = 0; i < CALLS; i++) call();
  return (performance.now() - start) / CALLS;
}

const gate = new Uint8Array(readFileSync(process.argv[2]));
const { header } = readModel(gate);
const count = header.window || 50;
const frames = Int16Array.from(randomFrames(1, header, count).flatMap((frame) => [...frame]));
const folder = mkdtempSync("component-overhead-");
try {
  const component = await openComponent(gate, folder);
  const stream = await LinkedStream.open(gate, { simd: true, frames: count });
  const { memory, frames: at, output, run } = stream.exports;
  const values = stream.built.facts.outputBytesEach === 4 ? Int32Array : Int16Array;
  const core = (): Int32Array => {
    new Int16Array(memory.buffer, at.value as number).set(frames);
    const rows = run(count);
    return Int32Array.from(new values(memory.buffer, output.value as number, rows * header.outputSize));
  };
  if (String(component(frames)) !== String(core())) throw new Error("component and core module differ");
  const least = { component: Number.POSITIVE_INFINITY, core: Number.POSITIVE_INFINITY };
  for (let round = 0; round < ROUNDS; round++) {
    least.core = Math.min(least.core, time(core));
    least.component = Math.min(
      least.component,
      time(() => component(frames)),
    );
  }
  const percent = (100 * (least.component - least.core)) / least.core;
  const overhead = `${(1000 * (least.component - least.core)).toFixed(1)} us, ${percent.toFixed(2)} %`;
  console.log(
    `window of ${count}: core ${least.core.toFixed(4)} ms, component ${least.component.toFixed(4)} ms, ${overhead}`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
