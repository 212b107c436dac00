import { describe, expect, it } from "vitest";
import { BuiltinBoard } from "../board/builtin.js";
import { demoElf } from "../testing/demo.gen.js";
import { Profiler } from "./profiler.js";
import { toCollapsedStacks, toSpeedscope } from "./writers.js";

function profiled() {
  const board = new BuiltinBoard();
  board.loadNow(demoElf());
  const profiler = new Profiler(board);
  const { reason } = board.runNow({ until: { halt: true }, maxInstructions: 1e6 });
  expect(reason).toBe("halt");
  profiler.stop();
  return { board, profiler };
}

describe("profile of a whole run", () => {
  it("accounts for every cycle and instruction once", () => {
    const { board, profiler } = profiled();
    const functions = profiler.functions();
    const sum = (key: "selfCycles" | "selfInstructions") => functions.reduce((total, f) => total + f[key], 0);
    expect(sum("selfCycles")).toBe(board.cycles);
    expect(sum("selfInstructions")).toBe(board.instructions);
  });

  it("changes no count", () => {
    const plain = new BuiltinBoard();
    plain.loadNow(demoElf());
    plain.runNow({ until: { halt: true } });
    const { board } = profiled();
    expect([board.cycles, board.instructions]).toEqual([plain.cycles, plain.instructions]);
  });

  it("counts calls and nests totals", () => {
    const { profiler } = profiled();
    const by = new Map(profiler.functions().map((f) => [f.name, f]));
    expect(by.get("crc32")).toMatchObject({ calls: 1 });
    expect(by.get("print")).toMatchObject({ calls: 2 });
    expect(by.get("systick")).toMatchObject({ calls: 5 });
    expect(by.get("fibonacci")?.calls).toBeGreaterThan(50);
    const compute = by.get("compute");
    const inner = ["crc32", "fibonacci", "dot"].map((name) => by.get(name)?.totalCycles ?? 0);
    expect(compute?.totalCycles).toBeGreaterThanOrEqual(
      inner.reduce((a, b) => a + b, 0) - (by.get("dot")?.totalCycles ?? 0),
    );
  });

  it("writes collapsed stacks and a speedscope file with the same weight", () => {
    const { board, profiler } = profiled();
    const paths = profiler.paths();
    const collapsed = toCollapsedStacks(paths).trim().split("\n");
    expect(collapsed.some((line) => /^reset;compute;crc32 \d+$/.test(line))).toBe(true);
    const weight = collapsed.reduce((total, line) => total + Number(line.slice(line.lastIndexOf(" "))), 0);
    expect(weight).toBe(board.cycles);
    const file = JSON.parse(toSpeedscope(paths, "demo")) as {
      shared: { frames: { name: string }[] };
      profiles: { samples: number[][]; weights: number[]; endValue: number }[];
    };
    expect(file.profiles[0].endValue).toBe(board.cycles);
    expect(file.profiles[0].samples.length).toBe(file.profiles[0].weights.length);
    expect(file.shared.frames.map((frame) => frame.name)).toContain("fibonacci");
  });
});
