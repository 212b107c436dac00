import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import {
  type BoardOptions,
  platformFile,
  type Renode,
  type RenodeError,
  type RenodeOptions,
  startRenode,
} from "./index.js";
import "./vitest.js";

const executable = fileURLToPath(new URL("../test/fake-renode.mjs", import.meta.url));
const elf = fileURLToPath(new URL("../test/firmware/blinky.gen.elf", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "fake-renode-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const started: Renode[] = [];
afterEach(async () => {
  for (const renode of started.splice(0)) await renode.stop(500);
});

async function start(scenario: object = {}, options: RenodeOptions = {}): Promise<Renode> {
  const env = { ...process.env, FAKE_RENODE: JSON.stringify(scenario) };
  const renode = await startRenode({ executable, env, ...options });
  started.push(renode);
  return renode;
}

async function boot(scenario: object = {}, options: BoardOptions = {}) {
  return (await start(scenario)).boot({ elf, ...options });
}

/** Commands and keywords a fake was sent, one string each. */
function calls(file: string): string[] {
  const lines = readFileSync(file, "utf8").trim().split("\n");
  return lines.map((line) => (JSON.parse(line) as string[]).join(" ").replace(/^ExecuteCommand /, ""));
}

describe("start", () => {
  it("tells the version and refuses another", async () => {
    const renode = await start({}, { version: "1.16" });
    expect(renode.version.number).toBe("1.16.1.17888");
    expect(renode.version.text).toContain("build: fake");
    await expect(start({}, { version: "1.1" })).rejects.toMatchObject({ code: "version-mismatch" });
    await expect(start({ version: "bash: 1.0" })).rejects.toMatchObject({ code: "start-failed" });
  });

  it("says how to get a renode where there is none", async () => {
    await expect(startRenode({ env: { PATH: scratch } })).rejects.toMatchObject({ code: "not-found" });
    await expect(startRenode({ env: { PATH: scratch } })).rejects.toThrow(/set RENODE/);
  });
});

describe("boot", () => {
  it("resets first, loads the firmware before the blobs, captures last", async () => {
    const file = join(scratch, "boot-order");
    await boot(
      { calls: file },
      { blobs: [{ data: new Uint8Array(4), address: 0x80000 }], prepare: ["logLevel 2"], seed: 7 },
    );
    const sent = calls(file);
    expect(sent[0]).toBe("ResetEmulation");
    const order = [
      /^mach create/,
      /^machine LoadPlatformDescription @.*nrf52840-bench\.repl$/,
      /^logLevel 2$/,
      /^sysbus LoadELF @/,
      /^sysbus LoadBinary @\S+ 0x80000$/,
      /SetGlobalAdvanceImmediately true/,
      /SetGlobalQuantum "0\.001000000"/,
      /SetSeed 7/,
      /MaximumBlockSize 1$/,
      /^sysbus\.uart0 CreateFileBackend @\S+ true$/,
    ];
    const places = order.map((pattern) => sent.findIndex((call) => pattern.test(call)));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  it("sets the variables of a script before it runs", async () => {
    const file = join(scratch, "script");
    const variables = { bin: { file: "/x y/f.elf" }, name: 'a "b"', count: 3 };
    await boot({ calls: file }, { script: platformFile("nrf52840-bench.resc"), variables });
    expect(calls(file).slice(2, 6)).toEqual([
      "$bin=@/x\\ y/f.elf",
      '$name="a \\"b\\""',
      "$count=3",
      `ExecuteScript ${platformFile("nrf52840-bench.resc")}`,
    ]);
    await expect(boot({}, { script: "a.resc", platform: "a.repl" })).rejects.toThrow(TypeError);
    await expect(boot({}, { script: "a.resc", variables: { "a b": 1 } })).rejects.toThrow(/\$a b/);
  });

  it("replaces a process that a failure has killed, and makes its board stale", async () => {
    const renode = await start({ keywords: [["RunFor", { hang: true }]] });
    const first = await renode.boot({ elf, wallTimeoutMs: 300 });
    const { pid } = renode;
    await expect(first.runFor(1)).rejects.toMatchObject({ code: "wall-timeout" });
    expect(renode.alive).toBe(false);
    const second = await renode.boot({ elf });
    expect(renode.pid).not.toBe(pid);
    await expect(second).toReach("bench_end");
    await expect(first.position()).rejects.toMatchObject({ code: "stale-board" });
    await renode.stop();
    await expect(second.position()).rejects.toMatchObject({ code: "stale-board" });
    await expect(renode.boot()).rejects.toMatchObject({ code: "process-exited" });
  });
});

describe("runs", () => {
  it("stops at a line and tells its groups and the position", async () => {
    const board = await boot({
      run: {
        uart: "hello\r\nvalue 17\nhalf a li",
        stop: 0,
        pc: 0x74,
        instructions: 1234,
        virtualSeconds: 0.5,
        afterPolls: 3,
      },
    });
    const stop = await board.runUntil({ line: /^value (?<n>\d+)$/ });
    expect(stop).toMatchObject({ index: 0, line: "value 17", pc: 0x74, instructions: 1234, virtualSeconds: 0.5 });
    expect(stop.match?.[1]).toBe("17");
    expect(board.uart().lines()).toEqual(["hello", "", "value 17"].filter((line) => line !== ""));
    expect(board.uart("uart0").text()).toContain("half a li");
  });

  it("takes every line once, in order, without running when it is there already", async () => {
    const file = join(scratch, "taken");
    const board = await boot({ calls: file, run: [{ uart: "one\ntwo\none\n", stop: 0 }, { stop: "limit" }] });
    await expect(board).toPrintLine("one");
    await expect(board).toPrintLine("one");
    expect(calls(file).filter((call) => call === "StartEmulation")).toHaveLength(1);
    await expect(board).not.toPrintLine("two");
  });

  it("keeps bytes as they are", async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const board = await boot({ run: { base64: bytes.toString("base64"), stop: 0 } });
    await board.runUntil({ symbol: "bench_end" });
    expect(board.uart().bytes()).toEqual(bytes);
  });

  it("hooks the address of a symbol and takes the hook away again", async () => {
    const file = join(scratch, "hooks");
    const board = await boot({ calls: file, run: { stop: 1 } });
    const stop = await board.runUntil([{ line: "x" }, { symbol: "bench_begin" }]);
    expect(stop.index).toBe(1);
    const address = `0x${board.symbol("bench_begin").address.toString(16).toUpperCase()}`;
    expect(calls(file).some((call) => call.startsWith(`sysbus.cpu AddHook ${address} `))).toBe(true);
    expect(calls(file).at(-1)).toBe(`sysbus.cpu RemoveHooksAt ${address}`);
  });

  it("counts between two symbols", async () => {
    const board = await boot({
      run: [
        { stop: 0, instructions: 563 },
        { stop: 0, instructions: 2571 },
      ],
    });
    await expect(board).toRetireInstructions(2008, { from: "bench_begin", to: "bench_end" });
  });

  it("reports virtual timeouts with what the firmware has printed", async () => {
    const board = await boot({ run: { uart: "booting\npanic: x\u0001y\n", stop: "limit" } });
    const error = await board
      .runUntil({ symbol: "tick" }, { virtualTimeoutSeconds: 0.25 })
      .catch((thrown: RenodeError) => thrown);
    expect(error).toMatchObject({ code: "virtual-timeout" });
    expect((error as RenodeError).message).toMatch(
      /^run until tick: not within 0\.25 virtual s\nsysbus\.uart0 printed at last:\nbooting\npanic: x\\x01y\n/,
    );
  });

  it("tells a cpu abort, an unexpected pause and an endless run apart", async () => {
    const log = "[ERROR] cpu: CPU abort [PC=0x60000000]: Trying to execute code outside RAM or ROM\n";
    await expect((await boot({ run: { log } })).runUntil({ line: "x" })).rejects.toMatchObject({ code: "cpu-abort" });
    await expect((await boot({ run: { pause: true } })).runUntil({ line: "x" })).rejects.toMatchObject({
      code: "unexpected-stop",
    });
    expect((await (await boot({ run: { pause: true, pc: 5 } })).runUntil({ pause: true })).pc).toBe(5);
    const endless = await boot({ run: {} }, { wallTimeoutMs: 400 });
    await expect(endless.runUntil({ line: "x" })).rejects.toMatchObject({ code: "wall-timeout", signal: "SIGKILL" });
  });

  it("refuses nonsense before anything runs", async () => {
    const board = await boot();
    await expect(board.runFor(0)).rejects.toThrow(/virtual time is 0 s/);
    await expect(board.runUntil([])).rejects.toThrow(RangeError);
    await expect(board.runUntil({ line: "x", uart: "uart9" })).rejects.toThrow(
      /uart9 is not captured, captured are: sysbus.uart0/,
    );
    await expect(board.runUntil({ line: /x/y })).rejects.toThrow(/flag y/);
    await expect(board.runUntil({ symbol: "nowhere" })).rejects.toMatchObject({ code: "no-symbol" });
    await expect(board.readMemory("stack_top")).rejects.toThrow(/0 bytes, must be 1 to/);
    await expect(board.readMemory(-1, 4)).rejects.toThrow(/outside 0..0xFFFFFFFF/);
    await expect(board.runUntil({ pause: true })).resolves.toBeDefined();
  });

  it("reads memory by symbol, its size taken from the elf file", async () => {
    const board = await boot();
    const { address, bytes } = board.symbol("g_squares");
    expect(bytes).toBe(64);
    const memory = await board.readMemory("g_squares");
    expect(Array.from(memory)).toEqual(Array.from({ length: 64 }, (_, at) => (address + at) & 255));
  });
});

describe("matchers", () => {
  it("fail with a sentence, the output and the transcript", async () => {
    const board = await boot({ run: { uart: "boot\n", stop: "limit" } });
    await expect(expect(board).toPrintLine("ready", { virtualTimeoutSeconds: 2 })).rejects.toThrow(
      /^expected the board to print a line with "ready"\nrun until line "ready": not within 2 virtual s\nsysbus\.uart0 printed at last:\nboot\n--- transcript/,
    );
    await expect(expect(board).toReach("tick")).rejects.toThrow(/^expected the board to reach tick/);
  });

  it("fail when negated and true", async () => {
    const board = await boot({ run: { uart: "fault\n", stop: 0, instructions: 9, virtualSeconds: 0.5 } });
    await expect(expect(board).not.toPrintLine("fault")).rejects.toThrow(
      'expected the board not to print a line with "fault", it did at virtual 0.5 s, 9 instructions: "fault"',
    );
  });

  it("tell by how much a count is off, in percent", async () => {
    const counts = {
      run: [
        { stop: 0, instructions: 100 },
        { stop: 0, instructions: 310 },
      ],
    };
    const span = { from: "bench_begin", to: "bench_end" };
    await expect(expect(await boot(counts)).toRetireInstructions(200, span)).rejects.toThrow(
      "expected 200 instructions from bench_begin to bench_end, got 210 (10, 5.00 %)",
    );
    await expect(await boot(counts)).toRetireInstructions(200, { ...span, tolerance: 10 });
    await expect(await boot(counts)).not.toRetireInstructions(200, span);
  });

  it("do not swallow what is no verdict", async () => {
    const board = await boot({ keywords: [["StartEmulation", { exit: 1 }]] });
    await expect(expect(board).not.toPrintLine("x")).rejects.toMatchObject({ code: "process-exited" });
    await expect(expect({}).toReach("x")).rejects.toThrow(/toReach expects a board/);
  });
});
