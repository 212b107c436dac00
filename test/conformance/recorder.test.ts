import { encodeModel } from "@gatelet/converter/format";
import { describe, expect, it } from "vitest";
import { buildWasm } from "../../packages/cli/src/targets/build-wasm.js";
import { kernelModel, randomModel } from "../support/random-models.js";
import { randomCase } from "./check.js";
import { CHECKSUM, checksumOf, expectedRecording, makeRecorder, RECORD } from "./recorder.js";

const MODELS = [
  ...(["LSTM", "CONV1D", "EMBEDDING", "SOFTMAX"] as const).map((kernel) => kernelModel(kernel, 4)),
  ...[1, 2, 3, 4].map((seed) => randomModel(seed)),
];
const STATE_EVERY = 7;

interface RecorderExports {
  readonly memory: WebAssembly.Memory;
  [RECORD](): void;
  [CHECKSUM](): number;
}

async function recorderOf(gate: Uint8Array, frames: Int16Array) {
  const recorder = makeRecorder(await buildWasm(gate), frames, STATE_EVERY);
  const { instance } = await WebAssembly.instantiate(Uint8Array.from(recorder.bytes));
  return { recorder, exports: instance.exports as unknown as RecorderExports };
}

describe("a module that feeds itself", () => {
  it.each(MODELS.map((model, i) => [i, encodeModel(model)] as const))(
    "records the rows and states of a stream, and returns their checksum: model %i",
    async (i, gate) => {
      const { frames, frameSize } = randomCase(`model ${i}`, gate, 3);
      const expected = await expectedRecording(gate, frames, STATE_EVERY);
      const first = await recorderOf(gate, frames);
      expect(first.exports[CHECKSUM]()).toBe(checksumOf(expected));
      const second = await recorderOf(gate, frames);
      second.exports[RECORD]();
      expect(second.recorder.recordingOf(new Uint8Array(second.exports.memory.buffer))).toEqual(expected);
      if (typeof expected === "number") return;
      const states = Math.floor(frames.length / frameSize / STATE_EVERY) + 1;
      expect(expected.states.length % states).toBe(0);
    },
  );

  it("returns another checksum where the frames differ", async () => {
    const gate = encodeModel(MODELS[0]);
    const { frames } = randomCase("LSTM", gate, 3);
    const changed = frames.map((value) => ~value);
    const { exports } = await recorderOf(gate, changed);
    const checksum = exports[CHECKSUM]();
    expect(checksum).toBe(checksumOf(await expectedRecording(gate, changed, STATE_EVERY)));
    expect(checksum).not.toBe(checksumOf(await expectedRecording(gate, frames, STATE_EVERY)));
  });

  it("answers the status of a frame that is refused", async () => {
    const gate = encodeModel(kernelModel("EMBEDDING", 4));
    const { frames } = randomCase("EMBEDDING", gate, 1);
    const bad = frames.map((value, at) => (at === frames.length - 1 ? -1 : value));
    const expected = await expectedRecording(gate, bad, STATE_EVERY);
    expect(expected).toBeLessThan(0);
    const { recorder, exports } = await recorderOf(gate, bad);
    exports[RECORD]();
    expect(recorder.recordingOf(new Uint8Array(exports.memory.buffer))).toBe(expected);
  });
});
