import { encodeModel } from "@gatelet/converter/format";
import { afterAll, describe, expect, it } from "vitest";
import { kernelModel } from "../support/random-models.js";
import { missing, type Requirement } from "../support/requirements.js";
import { randomCase } from "./check.js";
import { RuntimeCheck } from "./runtime-check.js";
import { removeHosts, startNode, startRuntime } from "./runtimes.js";

const KERNELS = ["LSTM", "GRU", "CONV1D", "FIFO"] as const;
const RUNTIMES = ["workerd", "deno", "bun", "wasmtime", "chromium"] as const satisfies readonly Requirement[];

describe("the same bytes in every runtime", () => {
  afterAll(removeHosts);

  for (const name of RUNTIMES) {
    it.skipIf(missing(name))(`as in Node: ${name}`, async () => {
      const check = new RuntimeCheck(await startNode(), 1);
      const runtime = (await startRuntime(name))!;
      try {
        for (const [seed, kernel] of KERNELS.entries()) {
          const { work } = randomCase(kernel, encodeModel(kernelModel(kernel, seed)), 6);
          expect(await check.compare(runtime, work), kernel).toEqual({ differing: 0, compared: 12 });
        }
        // a comparison that sees every difference: the other model's windows
        const other = randomCase("LSTM", encodeModel(kernelModel("LSTM", 99)), 6).work;
        expect((await check.compare(runtime, other)).differing).toBeGreaterThan(0);
      } finally {
        await runtime.stop();
      }
    });
  }
});
