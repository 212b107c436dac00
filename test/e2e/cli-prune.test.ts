import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { EXAMPLE, runCli, temporaryFolder } from "./cli-harness.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());

const DATA = ["--data", join(EXAMPLE, "recording.csv"), "--window", "64", "--split", "random"];

describe("gatelet prune on a trained model", () => {
  it("takes classes and the scale of counts from the model's meta.json, whatever the data's order", async () => {
    const epochs = ["--sparse-epochs", "2", "--tune-epochs", "2"];
    const output = ["-o", folder.path("pruned"), "--json"];
    const { code, stdout, stderr } = await runCli(["prune", EXAMPLE, ...DATA, ...epochs, ...output]);
    expect(code, stderr).toBe(0);
    const rows: { stage: string; accuracy: number; bytes: number; describedBytes: number }[] = JSON.parse(stdout).rows;
    const last = rows[rows.length - 1];
    expect(last.stage).toBe("reshaped int8");
    expect(readFileSync(folder.path("pruned/reshaped.gate")).length).toBe(last.describedBytes);
    expect(last.bytes).toBeLessThan(last.describedBytes - 400);
    // Like with like: what computes, half of the units, at 8 bits.
    expect(last.bytes / rows[0].bytes).toBeLessThan(0.44);
    for (const stage of ["simple", "simple int8"])
      expect(rows.find((row) => row.stage === stage)?.accuracy, stage).toBeGreaterThan(0.8);
    // Physical units stay physical: what is written can be pruned again.
    const meta = JSON.parse(readFileSync(folder.path("pruned/reshaped/best/meta.json"), "utf8"));
    const before = JSON.parse(readFileSync(join(EXAMPLE, "meta.json"), "utf8"));
    expect([meta.inputScale, meta.mean, meta.classes]).toEqual([before.inputScale, before.mean, before.classes]);
  });
});

describe("gatelet shrink with models that do not fit each other", () => {
  /** The example with another meta.json. */
  function variant(name: string, change: object): string {
    const path = folder.path(name);
    cpSync(EXAMPLE, path, { recursive: true });
    const meta = JSON.parse(readFileSync(join(path, "meta.json"), "utf8"));
    writeFileSync(join(path, "meta.json"), JSON.stringify({ ...meta, ...change }));
    return path;
  }
  const swapped = ["idle", "off", "pumping", "cavitation", "bearing_fault"];
  const cases: [string, object, RegExp][] = [
    ["the order of classes", { classes: swapped }, /classes of .*model and .*pump differ: idle against off at place 1/],
    ["the number of classes", { classes: swapped.slice(1) }, /classes of .*model and .*pump differ: 4 against 5/],
    ["the scale of counts", { inputScale: [1, 1, 1] }, /input scales of .*model and .*pump differ: 1 against 0.0004/],
  ];

  it.each(cases)("refuses %s by name", async (what, change, message) => {
    const model = variant(`${what.replaceAll(" ", "-")}-model`, change);
    for (const second of [
      ["--teacher", model],
      ["--model", model],
    ]) {
      const args = ["shrink", "--teacher", EXAMPLE, ...second, ...DATA, "-o", folder.path("refused")];
      const { code, stderr } = await runCli(args);
      expect(code).toBe(1);
      expect(stderr).toMatch(message);
    }
  });
});

describe("gatelet shrink with a target that nothing can meet", () => {
  it("trains nothing, shows what every variant costs, and names the nearest with exit code 3", async () => {
    const output = folder.path("impossible");
    const target = ["--target", "flash<=1K,ms<=0.5@nrf52840", "--shares", "0,0.5"];
    const { code, stdout, stderr } = await runCli(["shrink", "--model", EXAMPLE, ...DATA, ...target, "-o", output]);
    expect(code).toBe(3);
    expect(stderr).toMatch(
      /^error: nothing meets the target; pruned-50-int\d comes nearest, but: flash bytes \d+, limit 1024; ms [\d.]+, limit 0.5$/m,
    );
    expect(stdout.match(/^(student|pruned-50)-int[48]: .*: not trained$/gm)).toHaveLength(4);
    const { plans, stages } = JSON.parse(readFileSync(join(output, "shrink.json"), "utf8"));
    expect([plans.length, stages]).toEqual([4, []]);
  });
});
