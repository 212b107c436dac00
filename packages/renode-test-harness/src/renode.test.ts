import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { missing } from "../../../test/support/requirements.js";
import { type Board, platformFile, type Renode, RenodeError, startRenode } from "./index.js";
import "./vitest.js";

const elf = fileURLToPath(new URL("../test/firmware/blinky.gen.elf", import.meta.url));

/** What the test firmware does after its banner; the word it reads lies behind its image in flash. */
const MODE = { blink: 0, abort: 1, undefinedInstruction: 2, spin: 3, flood: 4, binary: 5, reset: 6 } as const;
const MODE_ADDRESS = 0x80000;

async function failure(promise: Promise<unknown>): Promise<RenodeError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof RenodeError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe.skipIf(missing("renode"))("a real renode", () => {
  let renode: Renode;
  beforeAll(async () => {
    renode = await startRenode();
    console.info(`renode: ${renode.version.text}`);
  });
  afterAll(async () => {
    await renode?.stop();
  });

  async function boot(mode: keyof typeof MODE = "blink"): Promise<Board> {
    return renode.boot({ elf, blobs: [{ data: new Uint8Array([MODE[mode], 0, 0, 0]), address: MODE_ADDRESS }] });
  }

  it("blinks: lines in order, virtual time, the pin of the led", async () => {
    const board = await boot();
    await expect(board).toPrintLine("blinky ready");
    await expect(board).toPrintLine(/^led (?<state>on)$/);
    const position = await board.position();
    expect(position.virtualSeconds).toBeGreaterThan(0.499);
    expect(position.virtualSeconds).toBeLessThan(0.501);
    expect(await board.command("gpio0.led0 State")).toBe("True");
    await expect(board).toPrintLine("led off", { virtualTimeoutSeconds: 0.6 });
    expect(await board.command("gpio0.led0 State")).toBe("False");
    expect(await board.readUint32("g_blinks")).toBe(2);
    await expect(board).not.toPrintLine("led on", { virtualTimeoutSeconds: 0.4 });
    expect(board.uart().lines()).toEqual(["blinky ready", "cycles 2002", "led on", "led off"]);
  });

  it("tells the groups of a line and takes a line that was printed before the call", async () => {
    const board = await boot();
    await board.runFor(0.1);
    const stop = await board.runUntil({ line: /^cycles (\d+)$/ });
    expect(stop.match?.[1]).toBe("2002");
    expect((await failure(board.runUntil({ line: /^cycles/ }, { virtualTimeoutSeconds: 0.1 }))).code).toBe(
      "virtual-timeout",
    );
  });

  it("counts instructions exactly, as often as one likes, and as the firmware's own counter does", async () => {
    for (let run = 0; run < 2; run++) {
      const board = await boot();
      await expect(board).toRetireInstructions(2008, { from: "bench_begin", to: "bench_end" });
      expect(await board.readUint32("g_cycles")).toBe(2002);
    }
  });

  it("gives marks the same counts without stopping", async () => {
    const board = await boot();
    await board.addMarks("bench_begin", "bench_end");
    await expect(board).toReach("bench_end");
    await board.runFor(0.01);
    const marks = await board.takeMarks();
    expect(marks.map((mark) => mark.name)).toEqual(["bench_begin", "bench_end"]);
    expect(marks[1].instructions - marks[0].instructions).toBe(2008);
    expect(await board.takeMarks()).toEqual([]);
  });

  it("reaches the same symbol again and again", async () => {
    const board = await boot();
    const counts = [];
    for (let turn = 0; turn < 3; turn++) counts.push((await board.runUntil({ symbol: "tick" })).instructions);
    const periods = [counts[1] - counts[0], counts[2] - counts[1]];
    expect(periods[0]).toBeGreaterThan(5);
    expect(periods[1]).toBe(periods[0]);
  });

  it("reads memory by symbol and in large ranges, and writes it", async () => {
    const board = await boot();
    await board.runUntil({ line: "cycles" });
    const squares = await board.readMemory("g_squares");
    expect(Array.from(new Uint32Array(squares.buffer, squares.byteOffset, 16))).toEqual(
      Array.from({ length: 16 }, (_, i) => i * i),
    );
    const bytes = Uint8Array.from({ length: 0x20000 }, (_, i) => (i * 167 + (i >> 8)) & 255);
    await board.writeMemory(0x20010000, bytes);
    expect(Buffer.compare(await board.readMemory(0x20010000, bytes.length), bytes)).toBe(0);
    expect((await failure(board.readMemory("no_such_thing"))).code).toBe("no-symbol");
  });

  it("captures binary output byte for byte", async () => {
    const board = await boot("binary");
    await board.runUntil({ line: "binary done" });
    const bytes = board.uart().bytes();
    const start = bytes.indexOf("\n") + 1;
    expect(Array.from(bytes.subarray(start, start + 256))).toEqual(Array.from({ length: 256 }, (_, i) => i));
  });

  it("stops at whichever of several conditions comes first", async () => {
    const board = await boot("undefinedInstruction");
    const stop = await board.runUntil([{ line: "cycles" }, { symbol: "fault" }]);
    expect(stop.index).toBe(1);
    expect(stop.pc).toBe(board.symbol("fault").address);
  });

  it("tells a pause that nobody asked for from one that was", async () => {
    const pauseAtTick = `cpu AddHook ${"0x" + (await boot()).symbol("tick").address.toString(16)} "machine.PauseAndRequestEmulationPause(True)"`;
    const board = await boot();
    await board.command(pauseAtTick);
    expect((await board.runUntil({ pause: true })).pc).toBe(board.symbol("tick").address);
    expect((await failure(board.runUntil({ line: "led off" }))).code).toBe("unexpected-stop");
  });

  it("starts over after a reset", async () => {
    const board = await boot();
    await board.runUntil({ line: "led on" });
    await board.reset();
    expect((await board.position()).instructions).toBe(0);
    await board.runUntil({ line: "blinky ready" });
    await expect(board).toRetireInstructions(2008, { from: "bench_begin", to: "bench_end" });
  });

  it("reports a jump into the void at once and can still read memory", async () => {
    const board = await boot("abort");
    const error = await failure(board.runUntil({ line: "led on" }));
    expect(error.code).toBe("cpu-abort");
    expect(error.message).toContain("CPU abort [PC=0x60000000]");
    expect(await board.readUint32("g_answer")).toBe(42);
    const { pid } = renode;
    await boot();
    expect(renode.pid).toBe(pid);
  });

  it("does not wait for a RunFor that never returns, and starts a new process for the next case", async () => {
    const board = await boot("abort");
    const { pid } = renode;
    const error = await failure(board.runFor(0.1));
    expect(error.code).toBe("cpu-abort");
    expect(error.signal).toBe("SIGKILL");
    await expect(await boot()).toPrintLine("blinky ready");
    expect(renode.pid).not.toBe(pid);
  });

  it("limits a firmware that never gets there, in virtual and in real time", async () => {
    const board = await boot("spin");
    const late = await failure(board.runUntil({ symbol: "bench_begin" }, { virtualTimeoutSeconds: 0.02 }));
    expect(late.code).toBe("virtual-timeout");
    expect(late.message).toContain("blinky ready");
    const { pid } = renode;
    const slow = await failure(
      board.runUntil({ symbol: "bench_begin" }, { virtualTimeoutSeconds: 1e6, wallTimeoutMs: 300 }),
    );
    expect(slow.code).toBe("wall-timeout");
    expect(() => process.kill(-(pid as number), 0)).toThrow();
  });

  it("limits the log of a firmware that floods it", async () => {
    await using noisy = await startRenode({ maxOutputBytes: 200_000, transcriptBytes: 4096 });
    const board = await noisy.boot({
      elf,
      blobs: [{ data: new Uint8Array([MODE.flood, 0, 0, 0]), address: MODE_ADDRESS }],
    });
    const error = await failure(board.runUntil({ line: "cycles" }, { virtualTimeoutSeconds: 1000 }));
    expect(error.code).toBe("output-flood");
    expect(error.transcript.length).toBeLessThan(4300);
  });

  it("runs a monitor script with variables", async () => {
    const board = await renode.boot({
      script: platformFile("nrf52840-bench.resc"),
      variables: { bin: { file: elf } },
      elf,
    });
    await expect(board).toReach("bench_end");
  });

  it("refuses commands that fail, boards of the past and a second call at a time", async () => {
    const board = await boot();
    expect((await failure(board.command("gpio0.led7 State"))).code).toBe("command-failed");
    const running = board.runFor(0.5);
    expect((await failure(board.position())).code).toBe("busy");
    await running;
    await boot();
    expect((await failure(board.position())).code).toBe("stale-board");
  });

  it("ends in an orderly way when it is stopped", async () => {
    const orphan = await startRenode();
    const { pid } = orphan;
    await orphan.stop();
    await sleep(50);
    expect(() => process.kill(pid as number, 0)).toThrow();
    expect(orphan.facts().exitCode).toBe(0);
  });
});
