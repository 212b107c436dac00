import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { encodeModel, type KernelName } from "@gatelet/converter/format";
import { componentWit } from "@gatelet/kernels";
import { afterAll, describe, expect, it } from "vitest";
import { type BuiltComponent, buildComponent } from "../../packages/cli/src/targets/component-target.js";
import { componentShell, jcoComponent } from "../../tools/generate/component-shell.js";
import { temporaryFolder } from "../e2e/cli-harness.js";
import { ReferenceModel } from "../reference/index.js";
import { kernelModel, randomFrames, randomModel } from "../support/random-models.js";
import { missing } from "../support/requirements.js";

const FRAMES_A_CALL = 8;
const script = fileURLToPath(new URL("component_run.py", import.meta.url));
const folder = temporaryFolder();
afterAll(() => folder.remove());

type Call = readonly [name: string, ...values: (readonly number[] | { readonly ones: number })[]];

/** Results of calls to a fresh instance in wasmtime. */
function inWasmtime({ component }: BuiltComponent, calls: readonly Call[]): unknown[] {
  writeFileSync(folder.path("m.wasm"), component);
  const input = JSON.stringify(calls);
  const { stdout, stderr } = spawnSync("python3", [script, folder.path("m.wasm")], { encoding: "utf8", input });
  expect(stderr).toBe("");
  return JSON.parse(stdout);
}

/** Frames of three calls, and the rows and the state with which the reference answers; undefined where it refuses. */
function referenceRun(gate: Uint8Array, seed: number) {
  const stream = new ReferenceModel(gate).createStream();
  const { header } = new ReferenceModel(gate).gate;
  const frames = randomFrames(seed, header, 3 * FRAMES_A_CALL);
  const answers = frames.map((frame) => stream.step(frame));
  if (answers.some(({ status }) => status !== 0)) return undefined;
  const calls = [0, 1, 2].map((at) => {
    const range = [at * FRAMES_A_CALL, (at + 1) * FRAMES_A_CALL] as const;
    const rows = answers.slice(...range).flatMap((answer) => answer.rows.flatMap((row) => [...row]));
    return { frames: frames.slice(...range).flatMap((frame) => [...frame]), rows };
  });
  return { calls, state: [...stream.saveState()], run: header.inputKind === 1 ? "run-tokens" : "run" };
}

const open = (gate: Uint8Array, simd = false) => buildComponent(gate, "m", { simd, frames: FRAMES_A_CALL });

describe.skipIf(missing("jco"))("the component's shell", () => {
  it("is what jco makes of the WIT today", async () => {
    const path = new URL("../../packages/kernels-as/src/link/component-shell.gen.ts", import.meta.url);
    expect(readFileSync(path, "utf8")).toBe(await componentShell());
    expect(await componentWit()).toContain("world model");
  });
  it("around a linked module is byte for byte the component that jco makes of that module", async () => {
    for (const kernel of ["LSTM", "EMBEDDING", "FIFO"] as const) {
      const built = await open(encodeModel(kernelModel(kernel, 3)));
      expect(Buffer.compare(built.component, await jcoComponent(built.bytes)), kernel).toBe(0);
    }
  });
});

describe.skipIf(missing("wasmtime"))("a component in wasmtime", () => {
  const kernels: readonly KernelName[] = ["LSTM", "GRU", "CONV1D", "FIFO", "EMBEDDING", "SOFTMAX", "GLOBAL_POOL"];
  it.each(kernels)("gives the rows and the state of the reference for %s, scalar and SIMD", async (kernel) => {
    const gate = encodeModel(kernelModel(kernel, 3));
    const expected = referenceRun(gate, 9)!;
    for (const simd of [false, true]) {
      const calls = expected.calls.map(({ frames }): Call => [expected.run, frames]);
      const results = inWasmtime(await open(gate, simd), [...calls, ["save-state"]]);
      expect(results).toEqual([...expected.calls.map(({ rows }) => rows), expected.state]);
    }
  });
  it("gives the rows and the state of the reference for mixtures of layers", async () => {
    let compared = 0;
    for (let seed = 700; seed < 712; seed++) {
      const gate = encodeModel(randomModel(seed));
      const expected = referenceRun(gate, seed);
      if (expected === undefined) continue;
      compared++;
      const calls = expected.calls.map(({ frames }): Call => [expected.run, frames]);
      const results = inWasmtime(await open(gate), [...calls, ["save-state"]]);
      expect(results, `model ${seed}`).toEqual([...expected.calls.map(({ rows }) => rows), expected.state]);
    }
    expect(compared).toBeGreaterThan(6);
  });
  it("carries a state to another instance, and refuses a broken one without a change", async () => {
    const gate = encodeModel(kernelModel("LSTM", 3));
    const { calls, state } = referenceRun(gate, 9)!;
    const built = await open(gate);
    const [first] = calls;
    const [, after] = inWasmtime(built, [["run", first.frames], ["save-state"]]) as [unknown, number[]];
    const broken = after.with(60, after[60] ^ 1);
    const results = inWasmtime(built, [
      ["restore-state", after],
      ["run", calls[1].frames],
      ["restore-state", broken],
      ["restore-state", after.slice(1)],
      ["restore-state", []],
      ["run", calls[2].frames],
      ["save-state"],
      ["reset"],
      ["run", first.frames],
    ]);
    const refused = ["bad-state", "bad-state", "bad-state"];
    expect(results).toEqual([null, calls[1].rows, ...refused, calls[2].rows, state, null, first.rows]);
  });
  it("answers with typed errors, changes nothing, and lives on", async () => {
    const gate = encodeModel(kernelModel("LSTM", 3));
    const { calls } = referenceRun(gate, 9)!;
    const { frameSize, window } = new ReferenceModel(gate).gate.header;
    const [description, ...results] = inWasmtime(await open(gate), [
      ["describe"],
      ["run", new Array(frameSize * (FRAMES_A_CALL + 1)).fill(1)],
      ["run", new Array(200_000).fill(1)],
      ["step", new Array(frameSize * 2).fill(1)],
      ["run", new Array(frameSize + 1).fill(1)],
      ["run-tokens", [1]],
      ["run", []],
      ["run", calls[0].frames],
    ]);
    expect(description).toMatchObject({
      window,
      "frame-size": frameSize,
      "most-frames": FRAMES_A_CALL,
      input: "frames",
    });
    const errors = ["out-of-budget", "out-of-budget", "bad-frame", "bad-frame", "bad-frame"];
    expect(results).toEqual([...errors, [], calls[0].rows]);
  });
  it("refuses lists far beyond 1 MiB, and lives on", async () => {
    const gate = encodeModel(kernelModel("LSTM", 3));
    const { calls, state } = referenceRun(gate, 9)!;
    const results = inWasmtime(await open(gate), [
      ["run", calls[0].frames],
      ["run", { ones: 600_000 }],
      ["restore-state", { ones: 2 << 20 }],
      ["run", calls[1].frames],
      ["run", calls[2].frames],
      ["save-state"],
    ]);
    const [first, second, third] = calls.map(({ rows }) => rows);
    expect(results).toEqual([first, "out-of-budget", "bad-state", second, third, state]);
  });
  it("refuses a token outside the vocabulary before any is taken", async () => {
    const gate = encodeModel(kernelModel("EMBEDDING", 3));
    const { calls } = referenceRun(gate, 9)!;
    const { vocabularySize } = new ReferenceModel(gate).gate.header;
    const results = inWasmtime(await open(gate), [
      ["run-tokens", [...calls[0].frames.slice(0, 3), vocabularySize]],
      ["run", [1]],
      ["step", [1]],
      ["run-tokens", calls[0].frames],
    ]);
    expect(results).toEqual(["bad-token", "bad-frame", "bad-frame", calls[0].rows]);
  });
});
