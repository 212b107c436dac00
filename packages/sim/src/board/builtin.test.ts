import { beforeEach, describe, expect, it } from "vitest";
import { boardWith, HALT, halfwords } from "../testing/assemble.js";
import { demoElf } from "../testing/demo.gen.js";
import { BuiltinBoard } from "./builtin.js";
import { formatFault } from "./fault.js";

function word(board: BuiltinBoard, name: string, index = 0): number {
  const bytes = board.core.memory.peek(board.symbol(name) + 4 * index, 4);
  return new DataView(bytes.buffer).getUint32(0, true);
}

function demo(mode = 0, options: ConstructorParameters<typeof BuiltinBoard>[0] = {}): BuiltinBoard {
  const board = new BuiltinBoard(options);
  board.loadNow(demoElf());
  board.core.memory.poke(board.symbol("mode"), Uint8Array.of(mode, 0, 0, 0));
  return board;
}

function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) !== 0 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

describe("a firmware from gcc", () => {
  it("prints by UARTE, computes, handles SysTick and SVC and halts", () => {
    const board = demo();
    expect(board.runNow({ until: { halt: true }, maxInstructions: 1e6 }).reason).toBe("halt");
    expect(board.uartText).toBe("start\ndone\n");
    expect(word(board, "results", 0)).toBe(144);
    expect(word(board, "results", 1)).toBe(crc32(Uint8Array.from({ length: 256 }, (_, i) => i * 7)));
    let sum = 0;
    for (let i = 0; i < 64; i++) sum = Math.fround(sum + Math.fround(Math.fround(i * 0.375) ** 2));
    expect(word(board, "results", 2)).toBe(Math.trunc(sum));
    expect(word(board, "results", 4)).toBe(5);
    expect(word(board, "results", 7)).toBe(1000);
    expect(board.core.exceptions.taken).toBe(6);
  });

  it("counts the same instructions and cycles in every run and after a reset", () => {
    const board = demo();
    const first = board.runNow({ until: { halt: true } });
    board.resetNow();
    board.core.memory.poke(board.symbol("ticks"), new Uint8Array(4));
    board.core.memory.poke(board.symbol("results"), new Uint8Array(32));
    expect(board.runNow({ until: { halt: true } })).toEqual(first);
  });

  it("gives CYCCNT the cycles of the model", () => {
    const board = demo();
    const start = board.symbol("compute");
    board.runNow({ until: { symbol: "compute" } });
    expect(board.core.pc).toBe(start);
    const inside = board.runNow({ until: { symbol: "wait_ticks" } });
    // The two reads of CYCCNT bracket the call by a few instructions.
    expect(Math.abs(word(board, "results", 3) - (inside.cycles ?? 0))).toBeLessThan(12);
  });

  it("stops at symbols, uart lines and exact instruction counts", () => {
    const board = demo();
    expect(board.runNow({ until: { uartLine: /^st/ } })).toMatchObject({ reason: "uart-line", line: "start" });
    expect(board.runNow({ until: { symbol: "bench_begin" } }).reason).toBe("symbol");
    const whole = board.runNow({ until: { symbol: "bench_end" } });
    const again = demo();
    again.runNow({ until: { symbol: "bench_begin" } });
    for (const part of [1, 10, 777]) {
      expect(again.runNow({ maxInstructions: part })).toMatchObject({ reason: "max-instructions", instructions: part });
    }
    const rest = again.runNow({ until: { symbol: "bench_end" } });
    expect(rest.instructions + 788).toBe(whole.instructions);
    expect(again.cycles).toBe(board.cycles);
  });

  it("knows the stack's high-water mark", () => {
    const board = demo();
    board.runNow({ until: { halt: true } });
    expect(board.stackHighWater).toBeGreaterThan(64);
    expect(board.stackHighWater).toBeLessThan(1024);
  });
});

describe("faults stop the run with a record", () => {
  const cases = [
    [1, "unmapped", "unmapped", "read_word"],
    [2, "flash-write", "flash", "write_word"],
    [3, "divide-by-zero", "flash", "divide"],
    [4, "unaligned", "ram", "misaligned"],
    [5, "undefined", "flash", "do_fault"],
    [7, "invalid-state", "flash", "do_fault"],
    [8, "unmapped", "unmapped", "0x70000000"],
  ] as const;
  for (const [mode, kind, region, place] of cases) {
    it(`${kind} in mode ${mode}`, () => {
      const board = demo(mode);
      const { reason, fault } = board.runNow({ until: { halt: true }, maxInstructions: 1e6 });
      expect(reason).toBe("fault");
      expect(fault).toMatchObject({ kind, region });
      expect(fault?.backtrace[0].place).toContain(place);
      expect(fault?.backtrace.some((frame) => frame.place.startsWith("reset"))).toBe(true);
      expect(formatFault(fault as NonNullable<typeof fault>)).toContain(`#0 0x`);
    });
  }

  it("stack below its limit, before the store that would overrun it", () => {
    const board = demo(6, { stackLimit: "stack_limit" });
    const { reason, fault } = board.runNow({ until: { halt: true }, maxInstructions: 1e6 });
    expect(reason).toBe("fault");
    expect(fault).toMatchObject({ kind: "stack-limit", region: "ram" });
    expect(fault?.backtrace.filter((frame) => frame.place.startsWith("recurse")).length).toBeGreaterThan(3);
  });

  it("an access beyond the ram budget", () => {
    const board = boardWith([0xf242, 0x0000, 0xf2c2, 0x0000, 0x6801, HALT], { ramBytes: 0x2000 }, {});
    board.core.state.words[13] = 0x20001000;
    const { fault } = board.runNow({ until: { halt: true } });
    expect(fault).toMatchObject({ kind: "unmapped", address: 0x20002000, region: "unmapped" });
  });

  it("floating point while CPACR keeps it off", () => {
    expect(boardWith([0xee30, 0x0a80, HALT]).runNow({}).fault).toMatchObject({ kind: "no-coprocessor" });
  });

  it("dma from flash", () => {
    // r0 = 0x40002000; ENABLE = 8; TXD.PTR = 0x100 (flash); MAXCNT = 4; STARTTX
    const code = [0xf242, 0x0000, 0xf2c4, 0x0000, 0x2108, 0xf8c0, 0x1500, 0xf44f, 0x7180, 0xf8c0, 0x1544];
    const board = boardWith([...code, 0x2104, 0xf8c0, 0x1548, 0x2101, 0x6081, HALT]);
    expect(board.runNow({}).fault?.message).toMatch(/dma from 0x100, which is not in ram/);
  });
});

describe("code that changes", () => {
  let board: BuiltinBoard;
  beforeEach(() => {
    // r1 = 0x20000101 (Thumb), blx r1, halt
    board = boardWith([0xf240, 0x1101, 0xf2c2, 0x0100, 0x4788, HALT]);
  });

  it("runs from ram, sees new code after a host write and after its own store", () => {
    const memory = board.core.memory;
    memory.poke(0x20000100, halfwords(0x2005, 0x4770)); // movs r0, #5; bx lr
    board.runNow({});
    expect(board.core.state.words[0]).toBe(5);
    memory.poke(0x20000100, halfwords(0x2006, 0x4770));
    board.resetNow();
    board.runNow({});
    expect(board.core.state.words[0]).toBe(6);
    // Code in flash that patches the routine in ram between two calls.
    const patch = [0xf240, 0x1101, 0xf2c2, 0x0100, 0x4788, 0x4604, 0x2309, 0xf801, 0x3c01, 0x4788, HALT];
    const patched = boardWith(patch);
    patched.core.memory.poke(0x20000100, halfwords(0x2005, 0x4770));
    patched.runNow({});
    expect([patched.core.state.words[4], patched.core.state.words[0]]).toEqual([5, 9]);
  });
});

describe("peripherals", () => {
  it("wakes from WFI by TIMER0 at the right cycle", () => {
    // TIMER0 with PRESCALER 0, CC[0] = 100, INTENSET COMPARE0, NVIC irq 8, START; cpsid i; wfi; halt
    const code = [
      ...[0xf248, 0x0000, 0xf2c4, 0x0000], // r0 = 0x40008000
      ...[0x2100, 0xf8c0, 0x1510, 0x2103, 0xf8c0, 0x1508], // PRESCALER = 0, BITMODE = 32
      ...[0x2164, 0xf8c0, 0x1540, 0xf44f, 0x3180, 0xf8c0, 0x1304], // CC0 = 100, INTENSET = 1 << 16
      ...[0xb672, 0xf04f, 0x22e0, 0xf44f, 0x7380, 0xf8c2, 0x3100], // cpsid i, ISER0 = 1 << 8
      ...[0x2101, 0x6001, 0xbf30, HALT],
    ];
    const board = boardWith(code);
    const result = board.runNow({ until: { halt: true }, maxInstructions: 1000 });
    expect(result.reason).toBe("halt");
    // 100 ticks of 16 MHz are 400 core cycles.
    expect(board.core.sleepCycles).toBeGreaterThan(380);
    expect(board.core.sleepCycles).toBeLessThanOrEqual(400);
  });

  it("sleeps for ever without an event source", () => {
    expect(boardWith([0xbf30, HALT]).runNow({}).reason).toBe("idle");
  });

  it("writes flash only while NVMC allows it, clearing bits", () => {
    const board = boardWith([0x6801, HALT]);
    const { memory } = board.core;
    memory.store(0x4001e504, 4, 1);
    memory.store(0x8000, 4, 0x12345678);
    memory.store(0x8000, 4, 0xff00ff00 | 0);
    expect(memory.load(0x8000, 4)).toBe(0x12005600);
    memory.store(0x4001e504, 4, 2);
    memory.store(0x4001e508, 4, 0x8000);
    expect(memory.load(0x8000, 4)).toBe(-1);
    memory.store(0x4001e504, 4, 0);
    expect(() => memory.store(0x8000, 4, 0)).toThrow(/store to flash/);
  });

  it("tells the part and its memory through FICR and drives GPIO", () => {
    const board = boardWith([HALT]);
    const { memory } = board.core;
    expect(memory.load(0x10000100, 4)).toBe(0x52840);
    expect(memory.load(0x1000010c, 4)).toBe(256);
    memory.store(0x50000518, 4, 1 << 13);
    memory.store(0x50000508, 4, 1 << 13);
    expect(memory.load(0x50000510, 4)).toBe(1 << 13);
    memory.store(0x4000000c, 4, 1);
    memory.store(0x40000000, 4, 1);
    expect(memory.load(0x40000100, 4)).toBe(1);
  });
});
