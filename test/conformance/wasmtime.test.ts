import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { crc32, encodeModel } from "@gatelet/converter/format";
import { afterAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../e2e/cli-harness.js";
import { kernelModel, randomFrames } from "../support/random-models.js";
import { missing } from "../support/requirements.js";
import { LinkedStream } from "./linked-stream.js";

const hasWasmtime = !missing("wasmtime");
if (!hasWasmtime) console.warn("skipped: wasmtime is missing: pip install wasmtime");

describe.skipIf(!hasWasmtime)("wasmtime", () => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());
  const script = fileURLToPath(new URL("hosts/wasmtime_run.py", import.meta.url));

  it.each(["LSTM", "GRU", "CONV1D", "FIFO"] as const)(
    "gives the rows and the state of Node for %s, scalar and SIMD",
    async (kernel) => {
      const bytes = encodeModel(kernelModel(kernel, 3));
      for (const simd of [false, true]) {
        const stream = await LinkedStream.open(bytes, { simd, frames: 4 });
        const { header } = stream.built.model;
        const frames = randomFrames(9, header, 24).map((frame) => [...frame]);
        const rowBytes = header.outputSize * stream.built.facts.outputBytesEach;
        const rows: number[] = [];
        for (let at = 0; at < frames.length; at += 4) {
          const answer = stream.run(frames.slice(at, at + 4).flat(), 4);
          if (typeof answer === "number") throw new Error(`status ${answer}`);
          rows.push(...answer);
        }
        const values = stream.built.facts.outputBytesEach === 4 ? Int32Array : Int16Array;
        writeFileSync(folder.path("m.wasm"), stream.built.bytes);
        writeFileSync(folder.path("frames"), new Uint8Array(Int16Array.from(frames.flat()).buffer));
        const args = [folder.path("m.wasm"), folder.path("frames"), header.frameSize, 4, rowBytes].map(String);
        const { stdout, stderr } = spawnSync("python3", [script, ...args], { encoding: "utf8" });
        expect(stderr).toBe("");
        const [output, state, count] = stdout.trim().split(" ").map(Number);
        expect(output).toBe(crc32(new Uint8Array(new values(rows).buffer)));
        expect(state).toBe(crc32(stream.saveState()));
        expect(count).toBe(rows.length / header.outputSize);
      }
    },
  );
});
