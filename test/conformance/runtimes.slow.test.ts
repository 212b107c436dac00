import { afterAll, describe, expect, it } from "vitest";
import { missing } from "../support/requirements.js";
import { sharedModel, sharedModelNames } from "../support/shared-models.js";
import { checkedModel } from "./check.js";
import { RuntimeCheck } from "./runtime-check.js";
import { removeHosts, startRuntimes } from "./runtimes.js";

/** The scalar build takes seven times as long: every 20th window. */
const SCALAR_STRIDE = 20;

describe.skipIf(missing("shared"))("engines x models", () => {
  afterAll(removeHosts);

  it("all windows of all models give the same bytes in every runtime", async () => {
    const works = [];
    for (const name of missing("shared") ? [] : sharedModelNames())
      works.push((await checkedModel(sharedModel(name), 8, Number.POSITIVE_INFINITY)).work);
    let check: RuntimeCheck | undefined;
    const compared: Record<string, number> = {};
    for await (const runtime of startRuntimes()) {
      check ??= new RuntimeCheck(runtime, SCALAR_STRIDE);
      try {
        for (const work of works) {
          const result = await check.compare(runtime, work);
          expect(result.differing, `${runtime.name} ${runtime.version}, ${work.name}`).toBe(0);
          compared[runtime.name] = (compared[runtime.name] ?? 0) + result.compared;
        }
      } finally {
        await runtime.stop();
      }
    }
    const windows = works.reduce((sum, work) => sum + work.windows, 0);
    for (const [name, count] of Object.entries(compared))
      if (name !== "node") expect(count, name).toBeGreaterThan(windows);
    console.log(`compared windows: ${JSON.stringify(compared)}`);
  });
});
