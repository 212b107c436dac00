import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { convertExample, EXAMPLE, runCli, temporaryFolder } from "./cli-harness.js";

const folder = temporaryFolder();
const model = join(EXAMPLE, "model.json");
let gate: string;
let streamGate: string;

beforeAll(async () => {
  gate = await convertExample(folder.path("pump.gate"));
  streamGate = await convertExample(folder.path("pump-stream.gate"), "--stream");
});
afterAll(() => folder.remove());

const check = (...args: string[]) => runCli(["check", ...args]);

describe("gatelet check --baseline float", () => {
  it("puts the same graph as float32 C beside the integer one, accuracy of both included", async () => {
    const recording = join(EXAMPLE, "recording.csv");
    const args = [gate, "--baseline", "float", "--float-model", model, "--frames", recording];
    const { code, stdout, stderr } = await check(...args, "--json");
    expect([code, stderr]).toEqual([0, ""]);
    const { baseline, total, units } = JSON.parse(stdout);
    expect(baseline.gatelet.cyclesPerUnit).toBe(total.simulatedCycles / units);
    expect(baseline.float.cyclesPerUnit).toBeGreaterThan(2 * baseline.gatelet.cyclesPerUnit);
    expect(baseline.float.modelBytes).toBeGreaterThan(4 * 2501);
    expect(baseline.float.ramBytes).toBeGreaterThan(0);
    expect(baseline.float.scores.accuracy).toBeGreaterThan(0.9);
    expect(baseline.gatelet.scores.accuracy).toBeGreaterThan(0.9);
    expect(baseline.agreement).toBeGreaterThan(0.95);
    const [junit, markdown] = [folder.path("junit.xml"), folder.path("summary.md")];
    const page = await check(...args, "--junit", junit, "--markdown", markdown);
    expect(readFileSync(junit, "utf8")).toMatch(/<system-out>ms a window: float [\d.]+, gatelet [\d.]+ 0\.\d+ x/);
    expect(readFileSync(markdown, "utf8")).toMatch(/the same graph in float[\s\S]*\| accuracy \| [\d.]+ % \|/);
    expect(page.stdout).toMatch(/ms a window +[\d.]+ +[\d.]+ +0\.\d+ x/);
    expect(page.stdout).toMatch(/accuracy +[\d.]+ % +[\d.]+ %/);
    expect(Math.max(...page.stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it("takes stream models, a frame at a time", async () => {
    const { code, stdout } = await check(streamGate, "--baseline", "float", "--float-model", model, "--json");
    expect(code).toBe(0);
    const { baseline } = JSON.parse(stdout);
    expect(baseline.unit).toBe("frame");
    expect(baseline.float.scores).toBeNull();
    expect(baseline.float.cyclesPerUnit).toBeGreaterThan(2 * baseline.gatelet.cyclesPerUnit);
  });

  it("refuses a baseline without its model, and engines without cycles", async () => {
    const alone = await check(gate, "--baseline", "float");
    expect([alone.code, alone.stderr]).toEqual([2, expect.stringContaining("needs --float-model")]);
    const missing = await check(gate, "--baseline", "float", "--float-model", folder.path("none.json"));
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining("none.json")]);
  });
});
