import { encodeModel } from "@gatelet/converter/format";
import { describe, expect, it } from "vitest";
import { buildWasm } from "../../packages/cli/src/targets/build-wasm.js";
import { kernelModel } from "../support/random-models.js";
import { missing } from "../support/requirements.js";
import { randomCase } from "./check.js";
import { expectedRecording } from "./recorder.js";
import { recordInWizer } from "./wizer.js";

describe.skipIf(missing("wizer"))("the wasmtime in wizer", () => {
  it.each(["LSTM", "GRU", "CONV1D", "FIFO"] as const)("gives the rows and the states of Node: %s", async (kernel) => {
    const { gate, frames, halfWindow } = randomCase(kernel, encodeModel(kernelModel(kernel, 3)), 3);
    const expected = await expectedRecording(gate, frames, halfWindow);
    for (const simd of [false, true])
      expect(recordInWizer(await buildWasm(gate, { simd }), frames, halfWindow), `simd: ${simd}`).toEqual(expected);
    // a comparison that sees every difference
    const other = await buildWasm(encodeModel(kernelModel(kernel, 99)));
    expect(recordInWizer(other, frames, halfWindow)).not.toEqual(expected);
  });

  it("answers the status of a frame that is refused", async () => {
    const { gate, frames } = randomCase("EMBEDDING", encodeModel(kernelModel("EMBEDDING", 4)), 1);
    const bad = frames.map(() => -1);
    const status = recordInWizer(await buildWasm(gate), bad, 5);
    expect(status).toBeLessThan(0);
    expect(status).toBe(await expectedRecording(gate, bad, 5));
  });
});
