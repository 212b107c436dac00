import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runStudy, UEA5_SETS, uea5Study } from "@gatelet/train";
import { expect, it } from "vitest";
import { missing, sharedFolder } from "../support/requirements.js";
import { windowEngine as engine } from "./window-engine.js";

it.skipIf(missing("shared"))("the study of five sets runs on the recordings themselves", async () => {
  const folder = await mkdtemp(join(tmpdir(), "gatelet-uea5-"));
  const data = join(sharedFolder() as string, "data");
  const request = uea5Study({ folder, data, seeds: 1, epochs: 1, limit: 60, bits: [8] });
  const { rows, averages } = await runStudy(request, { tools: { engine }, pool: { workers: 1 } });
  expect(rows).toHaveLength(30);
  const tested = UEA5_SETS.map((set) => rows.find((row) => row.set === set)?.runs[0].testWindows);
  // The archives' own test parts; windows of the last six people of MotionSense.
  expect(tested.slice(0, 4)).toEqual([391, 40, 850, 320]);
  expect(tested[4]).toBeGreaterThan(2000);
  // Networks of a single epoch decide by little, and 40 series are few: two of them were told otherwise once.
  for (const { runs, set, name } of rows) {
    expect(runs[0].quantized[0].agreement, `${set} ${name}`).toBeGreaterThanOrEqual(0.9);
  }
  expect(averages).toHaveLength(12);
  await rm(folder, { recursive: true, force: true });
});
