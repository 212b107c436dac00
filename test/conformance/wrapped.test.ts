import { encodeModel } from "@gatelet/converter/format";
import { expect, it } from "vitest";
import { buildWasm } from "../../packages/cli/src/targets/build-wasm.js";
import { kernelModel, randomModel } from "../support/random-models.js";
import { randomCase } from "./check.js";
import { expectedChecksum, WRAPPED_EXPORT, wrapModule } from "./wrapped.js";

const MODELS = [
  ...(["LSTM", "CONV1D", "EMBEDDING", "SOFTMAX"] as const).map((kernel) => kernelModel(kernel, 4)),
  ...[1, 2, 3, 4].map((seed) => randomModel(seed)),
];

it("a wrapped module returns the checksum of its rows and its state, and another one where a frame differs", async () => {
  for (const [i, model] of MODELS.entries()) {
    const gate = encodeModel(model);
    const { frames } = randomCase(`model ${i}`, gate, 3);
    const { instance } = await WebAssembly.instantiate(Uint8Array.from(wrapModule(await buildWasm(gate), frames)));
    const answer = (instance.exports[WRAPPED_EXPORT] as () => number)();
    expect(answer, `model ${i}`).toBe(await expectedChecksum(gate, frames));
    if (answer < 0 && answer > -100) continue;
    const changed = frames.map((value, at) => (at === 0 ? value ^ 1 : value));
    const other = await WebAssembly.instantiate(Uint8Array.from(wrapModule(await buildWasm(gate), changed)));
    expect((other.instance.exports[WRAPPED_EXPORT] as () => number)()).toBe(await expectedChecksum(gate, changed));
  }
});
