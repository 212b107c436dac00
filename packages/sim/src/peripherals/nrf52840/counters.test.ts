import { beforeEach, describe, expect, it } from "vitest";
import type { BuiltinBoard } from "../../board/builtin.js";
import { boardWith } from "../../testing/assemble.js";

const TIMER0 = 0x40008000;
const RTC0 = 0x4000b000;
const START = 0;
const CLEAR = 0x0c;
const COUNT = 0x08;
const CAPTURE1 = 0x44;
const COMPARE0 = 0x140;
const SHORTS = 0x200;
const MODE = 0x504;
const BITMODE = 0x508;
const PRESCALER = 0x510;
const CC0 = 0x540;
const CC1 = 0x544;

/** A loop of a hundred instructions: what the core does at once is long beside a tick. */
const LONG_LOOP = [...new Array<number>(100).fill(0xbf00), 0xe79a]; // nop ...; b back

let board: BuiltinBoard;
beforeEach(() => {
  board = boardWith(LONG_LOOP);
});

const store = (base: number, offset: number, value: number) => board.core.memory.store(base + offset, 4, value);
const load = (base: number, offset: number) => board.core.memory.load(base + offset, 4);
const run = (cycles: number) => board.core.run({ maxCycles: cycles });

/** Value of the timer now, by a capture. */
function count(): number {
  store(TIMER0, CAPTURE1, 1);
  return load(TIMER0, CC1);
}

function startTimer(prescaler: number, compare: number, shorts = 0): void {
  store(TIMER0, BITMODE, 3);
  store(TIMER0, PRESCALER, prescaler);
  store(TIMER0, CC0, compare);
  store(TIMER0, SHORTS, shorts);
  store(TIMER0, START, 1);
}

describe("TIMER", () => {
  it.each([
    [0, 4],
    [4, 64],
    [9, 2048],
  ])("of prescaler %i counts every %i cycles", (prescaler, period) => {
    const from = board.core.cycles;
    startTimer(prescaler, 0xffffff);
    run(100_000);
    expect(count()).toBe(Math.floor((board.core.cycles - from) / period));
  });

  it("raises a compare however short the tick is beside the core's stride", () => {
    startTimer(0, 1001);
    run(3900);
    expect(load(TIMER0, COMPARE0)).toBe(0);
    run(400);
    expect(load(TIMER0, COMPARE0)).toBe(1);
  });

  it("that clears itself at a compare keeps its period", () => {
    const from = board.core.cycles;
    startTimer(0, 250, 1);
    let events = 0;
    for (let i = 0; i < 1000; i++) {
      run(300);
      events += load(TIMER0, COMPARE0);
      store(TIMER0, COMPARE0, 0);
    }
    // A run that ends at its limit serves what has just become due at the begin of the next.
    const expected = Math.floor((board.core.cycles - from) / 1000);
    run(1);
    expect(events + load(TIMER0, COMPARE0)).toBe(expected);
    expect(count()).toBe(Math.floor((board.core.cycles - from) / 4) % 250);
  });

  it("stops at a compare where it is told to", () => {
    startTimer(0, 500, 1 << 8);
    run(10_000);
    expect(count()).toBe(500);
  });

  it("as a counter moves with its task only, and compares", () => {
    store(TIMER0, MODE, 1);
    startTimer(0, 2);
    run(1000);
    expect(count()).toBe(0);
    store(TIMER0, COUNT, 1);
    expect(load(TIMER0, COMPARE0)).toBe(0);
    store(TIMER0, COUNT, 1);
    expect([count(), load(TIMER0, COMPARE0)]).toEqual([2, 1]);
    store(TIMER0, CLEAR, 1);
    expect(count()).toBe(0);
  });
});

describe("RTC", () => {
  it("counts 32768 Hz and compares", () => {
    store(RTC0, 0x508, 0);
    store(RTC0, CC0, 32);
    const from = board.core.cycles;
    store(RTC0, START, 1);
    run(62_300);
    expect(load(RTC0, COMPARE0)).toBe(0);
    run(400);
    expect(load(RTC0, COMPARE0)).toBe(1);
    run(1_000_000);
    expect(load(RTC0, 0x504)).toBe(Math.floor((board.core.cycles - from) / 1953.125));
  });
});
