import { beforeEach, describe, expect, it } from "vitest";
import type { BuiltinBoard } from "../board/builtin.js";
import { FIRST_IRQ, PENDSV, SYSTICK } from "../cpu/exceptions.js";
import { FPSCR } from "../cpu/state.js";
import { boardWith } from "../testing/assemble.js";

const SCS = 0xe000e000;
const LONG_LOOP = [...new Array<number>(100).fill(0xbf00), 0xe79a]; // nop ...; b back

let board: BuiltinBoard;
beforeEach(() => {
  board = boardWith(LONG_LOOP);
});

const store = (offset: number, value: number) => board.core.memory.store(SCS + offset, 4, value);
const load = (offset: number) => board.core.memory.load(SCS + offset, 4) >>> 0;
const run = (cycles: number) => board.core.run({ maxCycles: cycles });

describe("SysTick", () => {
  it("counts down, reloads and flags the wrap once", () => {
    store(0x14, 999);
    store(0x18, 5);
    expect(load(0x18)).toBe(0);
    const from = board.core.cycles;
    store(0x10, 5);
    run(700);
    expect(load(0x18)).toBe(1000 - (board.core.cycles - from));
    expect(load(0x10)).toBe(5);
    run(2000);
    run(1);
    expect(load(0x10)).toBe(0x10005);
    expect(load(0x10)).toBe(5);
  });

  it("keeps its period however late the core looks", () => {
    board.core.exceptions.primask = 1;
    store(0x14, 999);
    store(0x18, 0);
    const from = board.core.cycles;
    store(0x10, 7);
    let wraps = 0;
    for (let i = 0; i < 500; i++) {
      run(300);
      wraps += board.core.exceptions.pending[SYSTICK];
      board.core.exceptions.pending[SYSTICK] = 0;
    }
    expect(Math.abs(wraps - (board.core.cycles - from) / 1000)).toBeLessThanOrEqual(1);
    run(1);
    const elapsed = board.core.cycles - from;
    expect(load(0x18)).toBe((1000 - (elapsed % 1000)) % 1000);
  });
});

describe("NVIC registers", () => {
  it("set and clear enables and pendings bit by bit", () => {
    board.core.exceptions.primask = 1;
    store(0x100, 0x21);
    store(0x104, 0x8000);
    store(0x180, 0x20);
    expect([load(0x100), load(0x104)]).toEqual([1, 0x8000]);
    store(0x204, 0x4);
    expect(board.core.exceptions.pending[FIRST_IRQ + 34]).toBe(1);
    store(0x284, 0x4);
    expect(board.core.exceptions.pending[FIRST_IRQ + 34]).toBe(0);
  });

  it("keep three bits of a priority", () => {
    store(0x404, 0xff804021 | 0);
    expect(load(0x404)).toBe(0xe0804020);
    expect(board.core.exceptions.priority[FIRST_IRQ + 7]).toBe(0xe0);
    store(0xd20, 0xc0600000 | 0);
    expect([board.core.exceptions.priority[PENDSV], board.core.exceptions.priority[SYSTICK]]).toEqual([0x60, 0xc0]);
  });

  it("pend and withdraw PendSV, and show both in ICSR", () => {
    board.core.exceptions.primask = 1;
    store(0xd04, 1 << 28);
    expect((load(0xd04) >>> 28) & 1).toBe(1);
    store(0xd04, 1 << 27);
    expect((load(0xd04) >>> 28) & 1).toBe(0);
  });

  it("take AIRCR only with its key", () => {
    store(0xd0c, 0x300);
    expect((load(0xd0c) >>> 8) & 7).toBe(0);
    store(0xd0c, 0x05fa0300);
    expect((load(0xd0c) >>> 8) & 7).toBe(3);
  });
});

describe("floating point", () => {
  it("of a handler begins with the default rounding, the thread's comes back", () => {
    const { core } = board;
    // vmrs r6, fpscr; bx lr
    core.memory.poke(0x300, Uint8Array.of(0xf1, 0xee, 0x10, 0x6a, 0x70, 0x47));
    core.memory.poke(4 * FIRST_IRQ, Uint8Array.of(0x01, 0x03, 0, 0));
    store(0xd88, 0xf << 20);
    // vmov s0, r0 in front of the loop: the thread uses floating point
    core.memory.poke(0x100, Uint8Array.of(0x00, 0xee, 0x10, 0x0a));
    core.pc = 0x100;
    run(4);
    core.state.words[FPSCR] = 0x00c00000;
    core.exceptions.enabled[FIRST_IRQ] = 1;
    core.exceptions.pending[FIRST_IRQ] = 1;
    run(300);
    expect(core.state.words[6]).toBe(0);
    expect(core.state.words[FPSCR]).toBe(0x00c00000);
  });
});
