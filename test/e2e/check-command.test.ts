import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { missing } from "../support/requirements.js";
import { convertExample, EXAMPLE, runCli, startCli, temporaryFolder } from "./cli-harness.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = temporaryFolder();
let gate: string;
let streamGate: string;

beforeAll(async () => {
  gate = await convertExample(folder.path("pump.gate"));
  streamGate = await convertExample(folder.path("pump-stream.gate"), "--stream");
});
afterAll(() => folder.remove());

const check = (...args: string[]) => runCli(["check", ...args]);
const recording = join(EXAMPLE, "recording.csv");

describe("gatelet check", () => {
  it("finds every output and the state equal, and every layer predicted exactly", async () => {
    const { code, stdout, stderr } = await check(gate, "--frames", recording, "--windows", "2", "--json");
    expect([code, stderr]).toEqual([0, ""]);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ board: "nrf52840", unit: "window", units: 2, problems: [] });
    expect(report.engines).toMatchObject([{ engine: "builtin", wrongSteps: 0, stateEqual: true, difference: 0 }]);
    expect(report.engines[0].emulatedInstructionsPerSecond).toBeGreaterThan(1e5);
    for (const layer of [...report.layers, report.executor, report.total]) {
      expect(layer.predictedCycles, layer.name).toBe(layer.simulatedCycles);
      expect(layer.simulatedCycles).toBeGreaterThan(layer.instructions);
    }
    expect(report.millisecondsPerUnit).toBeCloseTo(report.total.simulatedCycles / 2 / 64e3, 6);
    expect(report.memory.arenaBytes + report.memory.stepStackBytes).toBeLessThan(1024);
  });

  // How long that takes is the business of tools/ci/verdict-time.mjs: beside a parallel suite a clock says nothing.
  it.each(["0", "2", "3"])("fits 80 columns, says what it is, and predicts exactly at %s wait states", async (wait) => {
    const { code, stdout } = await check(gate, "--wait-states", wait);
    expect(code).toBe(0);
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(stdout).toMatch(/simulated, not silicon/);
    expect(stdout).toMatch(/energy of a window +about [\d.]+ uJ \(estimate/);
    expect(stdout).toMatch(/RAM .* arena .* stack/s);
    expect(stdout).toMatch(/ total +([\d,]+) +\1 +0 /);
    expect(Number(/passed in ([\d.]+) m?s/.exec(stdout)?.[1])).toBeGreaterThan(0);
  });

  it("takes stream models, a frame at a time", async () => {
    const { code, stdout } = await check(streamGate, "--json");
    const report = JSON.parse(stdout);
    expect([code, report.unit, report.units]).toEqual([0, "frame", 32]);
    expect(report.total.predictedCycles).toBe(report.total.simulatedCycles);
    expect(report.duty).toBeGreaterThan(0);
  });

  it("cuts the board's RAM to the budget: an overrun is a fault with registers and backtrace, exit status 3", async () => {
    const enough = await check(gate, "--ram", "1K", "--json");
    expect(enough.code).toBe(0);
    const { arenaBytes, variableBytes, stackBytes } = JSON.parse(enough.stdout).memory;
    const exact = arenaBytes + variableBytes + stackBytes;
    expect((await check(gate, "--ram", `${exact + 64}`)).code).toBe(0);
    const stack = await check(gate, "--ram", `${exact - 64}`);
    expect(stack.code).toBe(3);
    expect(stack.stderr).toMatch(/RAM: [\d,]+ bytes and the stack needed, the budget is/);
    expect(stack.stdout).toMatch(/stack-limit: stack pointer 0x2\w+ is below the limit/);
    expect(stack.stdout).toMatch(/#1 0x\w+ gatelet_check/);
    const arena = await check(gate, "--ram", `${variableBytes + 64}`);
    expect(arena.code).toBe(3);
    expect(arena.stdout).toMatch(/builtin: unmapped write of \d bytes? at 0x2\w+/);
    expect(arena.stderr).toMatch(/^error: check of .* failed: RAM: \d+ bytes needed, the budget is \d+\n$/);
    const flash = await check(gate, "--flash", "4K");
    expect([flash.code, flash.stderr]).toEqual([
      3,
      expect.stringMatching(/flash: [\d,]+ bytes needed, the budget is 4,096/),
    ]);
  });

  it("writes JUnit and Markdown, also of a check that fails", async () => {
    const [junit, markdown] = [folder.path("junit.xml"), folder.path("summary.md")];
    await check(gate, "--junit", junit, "--markdown", markdown, "--ram", "200");
    expect(readFileSync(junit, "utf8")).toMatch(
      /failures="2".*builtin equals WebAssembly.*<failure message="[^"]*unmapped/s,
    );
    expect(readFileSync(markdown, "utf8")).toMatch(/pump on nrf52840: failed/);
    await check(gate, "--junit", junit, "--markdown", markdown);
    expect(readFileSync(junit, "utf8")).toMatch(/tests="3" failures="0"/);
    expect(readFileSync(markdown, "utf8")).toMatch(/passed[\s\S]*\| total \|/);
  });

  it("sets estimates for other runtimes beside its own cycles, and says what they do not offer", async () => {
    const { otherRuntimes, total } = JSON.parse((await check(gate, "--json")).stdout);
    expect(otherRuntimes.basis).toMatch(/^estimated from counted instructions a MAC/);
    expect(otherRuntimes.runtimes.map(({ name }: { name: string }) => name)).toEqual([
      "CMSIS-NN s8",
      "TFLM ref.",
      "NNoM",
    ]);
    const weighted = otherRuntimes.layers.map(({ name }: { name: string }) => name);
    expect(weighted.length).toBeGreaterThan(1);
    for (const { layers } of otherRuntimes.runtimes) expect(layers).toHaveLength(weighted.length);
    const gru = otherRuntimes.layers.findIndex(({ name }: { name: string }) => name.startsWith("gru"));
    expect(otherRuntimes.runtimes[0].layers[gru]).toEqual({ cycles: null, offered: false });
    const dense = weighted.length - 1;
    expect(otherRuntimes.runtimes[0].layers[dense].cycles).toBeGreaterThan(0);
    expect(otherRuntimes.runtimes[0].layers[dense].cycles).toBeLessThan(total.simulatedCycles);
    for (const { layers } of otherRuntimes.runtimes.slice(1))
      expect(layers[dense].cycles).toBeGreaterThan(otherRuntimes.runtimes[0].layers[dense].cycles);
    expect((await check(gate)).stdout).toMatch(/gru +[\d,]+ +not offered +not offered/);
  });

  it("compares the work of a layer: not the ticks in which it only looks for a row", async () => {
    const { otherRuntimes, layers } = JSON.parse((await check(gate, "--json")).stdout);
    const work = (index: number) => otherRuntimes.layers[index].workCycles;
    const all = (index: number) => layers[otherRuntimes.layers[index].record].simulatedCycles;
    expect(work(0)).toBe(all(0));
    const dense = otherRuntimes.layers.length - 1;
    expect(work(dense)).toBeLessThan(all(dense) / 2);
  });

  it("runs a firmware of one's own: a runner as the runner, anything else to its end", async () => {
    const generated = join(root, "firmware/generated");
    const runner = await check(gate, "--firmware", join(generated, "runner-nrf52840.gen.elf"));
    expect(runner.code).toBe(0);
    const blinky = join(root, "packages/renode-test-harness/test/firmware/blinky.gen.elf");
    const own = await check(gate, "--firmware", blinky);
    expect([own.code, own.stderr]).toEqual([0, ""]);
    expect(own.stdout).toMatch(/it is no runner[\s\S]*2,008 instructions[\s\S]*led on/);
    const loader = await check(gate, "--firmware", join(generated, "runner-nrf52840-0x10000.gen.elf"));
    expect([loader.code, loader.stderr]).toEqual([
      2,
      expect.stringMatching(/the model begins at 0x10000: link it at 0/),
    ]);
    const text = await check(gate, "--firmware", join(root, "README.md"));
    expect([text.code, text.stderr]).toEqual([
      1,
      expect.stringMatching(/^error: .*README\.md: not an elf file: bad magic number\n$/),
    ]);
  });

  it("writes a profile and a trace of the run that it counts", async () => {
    const [speedscope, folded, trace] = ["p.json", "p.folded", "t.txt"].map((name) => folder.path(name));
    const { stdout } = await check(gate, "--profile", speedscope, "--trace", trace, "--trace-lines", "200", "--json");
    const { total } = JSON.parse(stdout);
    const { shared, profiles } = JSON.parse(readFileSync(speedscope, "utf8"));
    const frames = shared.frames.map(({ name }: { name: string }) => name);
    expect(frames).toEqual(expect.arrayContaining(["board_main", "gatelet_step", "gl_gru"]));
    const [{ samples, weights, endValue }] = profiles;
    expect(weights.reduce((sum: number, weight: number) => sum + weight, 0)).toBe(endValue);
    const inStep = samples.map((path: number[]) => path.some((frame) => frames[frame] === "gatelet_step"));
    const cycles = weights.reduce((sum: number, weight: number, i: number) => sum + (inStep[i] ? weight : 0), 0);
    // The frames behind the counted window, and the hooks, are in the profile, too.
    expect(cycles).toBeGreaterThan(total.simulatedCycles);
    expect(cycles).toBeLessThan(1.3 * total.simulatedCycles);
    const lines = readFileSync(trace, "utf8").trimEnd().split("\n");
    expect(lines).toHaveLength(200);
    expect(lines[0]).toMatch(/ bx lr {2}; bench_begin$/);
    expect(lines.some((line) => line.endsWith("; gatelet_step"))).toBe(true);
    await check(gate, "--profile", folded);
    expect(readFileSync(folded, "utf8")).toMatch(/^reset_handler;board_main;gatelet_step;gl_gru \d+$/m);
  });

  it("waits for gdb on loopback, and ends with it", async () => {
    const child = startCli(["check", gate, "--gdb", "0"]);
    const ended = new Promise((resolve) => child.on("exit", resolve));
    const port = await new Promise<number>((resolve) => {
      let text = "";
      child.stdout.on("data", (data: Buffer) => {
        text += data.toString();
        const found = /target remote 127\.0\.0\.1:(\d+)" \S+\.elf\n/.exec(text);
        if (found !== null) resolve(Number(found[1]));
      });
    });
    const socket = connect(port, "127.0.0.1");
    const answer = new Promise<string>((resolve) => {
      let text = "";
      socket.on("data", (data) => {
        text += data.toString("latin1");
        if (/#[0-9a-f]{2}/.test(text)) resolve(text);
      });
    });
    socket.write("$?#3f");
    expect(await answer).toMatch(/^\+\$S05#b8/);
    socket.write("$D#44");
    expect(await ended).toBe(0);
  });

  it("names what is wrong with its arguments", async () => {
    const cases: [string[], number, RegExp][] = [
      [[folder.path("nothing.gate")], 1, /cannot read .*nothing\.gate: no such file/],
      [[recording], 1, /./],
      [[gate, "--board", "uno"], 2, /board uno is not known/],
      [[gate, "--wait-states", "1"], 2, /choices are 0, 2, 3/i],
      [[gate, "--engine", "qemu", "--all-engines"], 2, /cannot be used with/],
      [[gate, "--gdb", "x"], 2, /whole number, 0 .. 65535/],
      [[gate, "--profile", folder.path("no/such.json")], 1, /there is no folder/],
      [[gate, "--windows", "0"], 2, /whole number, at least 1/],
      [[gate, "--windows", "100000"], 2, /do not fit the board's flash, at most \d+ do/],
      [[gate, "--frames", recording, "--windows", "900"], 1, /has 3000 frames, the check needs \d+/],
      [[gate, "--junit", folder.path("no/such/folder.xml")], 1, /there is no folder/],
    ];
    for (const [args, code, message] of cases) {
      const result = await check(...args);
      expect([result.code, result.stdout], args.join(" ")).toEqual([code, ""]);
      expect(result.stderr).toMatch(message);
    }
  });

  it("says that an engine is absent, and fails where none ran", async () => {
    const { RENODE, PATH } = process.env;
    delete process.env["RENODE"];
    process.env["PATH"] = folder.path("empty");
    const { code, stdout } = await check(gate, "--engine", "renode").finally(() => {
      process.env["PATH"] = PATH;
      if (RENODE !== undefined) process.env["RENODE"] = RENODE;
    });
    expect(code).toBe(1);
    expect(stdout).toMatch(/renode: not installed: put renode on PATH or set RENODE/);
  });
});

describe.skipIf(missing("renode", "qemu"))("gatelet check --all-engines", () => {
  it("counts the same instructions in the built-in engine, Renode and QEMU", async () => {
    const { code, stdout } = await check(gate, "--all-engines", "--json");
    expect(code).toBe(0);
    const { engines } = JSON.parse(stdout);
    expect(engines.map(({ engine }: { engine: string }) => engine)).toEqual(["builtin", "renode", "qemu"]);
    for (const engine of engines) {
      expect(engine).toMatchObject({ absent: null, wrongSteps: 0, stateEqual: true, difference: 0, fault: null });
    }
  });
});
