import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { EXAMPLE, runCli, temporaryFolder } from "./cli-harness.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());

describe("gatelet prune on a trained model", () => {
  it("takes classes and the scale of counts from the model's meta.json, whatever the data's order", async () => {
    const data = ["--data", join(EXAMPLE, "recording.csv"), "--window", "64", "--hop", "64", "--split", "random"];
    const epochs = ["--sparse-epochs", "2", "--tune-epochs", "2"];
    const { code, stdout, stderr } = await runCli([
      "prune",
      EXAMPLE,
      ...data,
      ...epochs,
      "-o",
      folder.path("pruned"),
      "--json",
    ]);
    expect(code, stderr).toBe(0);
    const rows: { stage: string; accuracy: number }[] = JSON.parse(stdout).rows;
    for (const stage of ["simple", "simple int8"])
      expect(rows.find((row) => row.stage === stage)?.accuracy, stage).toBeGreaterThan(0.8);
  });
});
