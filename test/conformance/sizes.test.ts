import { convert, openModel } from "@gatelet/converter";
import { describe, expect, it } from "vitest";
import { buildWasm } from "../../packages/cli/src/targets/build-wasm.js";
import { missing } from "../support/requirements.js";
import { sharedModel } from "../support/shared-models.js";

const KIB = 1024;
/** Bytes by which a module may be larger than its .gate file. */
const LIMITS = [
  ["hapt-lstm32", 3 * KIB],
  ["hapt-lstm", 4 * KIB],
] as const;

describe.skipIf(missing("shared"))("a self-contained scalar module", () => {
  it.each(LIMITS)("of %s stays below %i bytes over its file", async (name, limit) => {
    const model = sharedModel(name);
    const { bytes } = await convert(await openModel(model.folder), { calibration: model.calibrationWindows(8) });
    const { bytes: wasm, layout, facts } = await buildWasm(bytes);
    expect(wasm.length - bytes.length).toBeLessThanOrEqual(limit);
    expect(layout.end - layout.staticBytes - facts.arenaBytes).toBeLessThanOrEqual(256);
  });
});
