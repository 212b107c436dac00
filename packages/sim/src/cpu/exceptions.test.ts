import { beforeEach, describe, expect, it } from "vitest";
import { BuiltinBoard } from "../board/builtin.js";
import { CORTEX_M4_TIMING } from "../cycles/parameters.js";
import { runnerElf } from "../runner/elf-file.js";
import { RUNNER } from "../runner/map.gen.js";
import { boardWith } from "../testing/assemble.js";
import { FIRST_IRQ, HARD_FAULT, NMI, PENDSV, SYSTICK } from "./exceptions.js";
import { FP, FPSCR } from "./state.js";

/** Programs, by the halfwords that GNU as gives. r10 points at a log of exception numbers: handlers keep r4 to r11. */
const MAIN = [0xbf00, 0xe7fd]; // nop; b main
const FP_MAIN = [
  ...[0xee00, 0x1a10], // vmov s0, r1
  ...[0xee07, 0x2a90], // vmov s15, r2
  ...[0xee08, 0x3a10], // vmov s16, r3
  ...MAIN,
];
const LOG = [
  ...[0xf3ef, 0x8005], // mrs r0, ipsr
  ...[0xf80a, 0x0b01], // strb r0, [r10], #1
  0x4770, // bx lr
];
/** Logs, stores r5 at r4, logs again with bit 7 set. */
const STORE = [
  ...[0xf3ef, 0x8005, 0xf80a, 0x0b01],
  0x6025, // str r5, [r4]
  ...[0xe7ff, 0xbf00], // b .+2; nop
  ...[0xf3ef, 0x8005, 0xf040, 0x0080, 0xf80a, 0x0b01], // mrs; orr r0, r0, #0x80; strb
  0x4770,
];
/** Leaves SP and LR in r8 and r9 and spoils everything that the frame keeps. */
const SPOIL = [
  ...[0x46e8, 0x46f1], // mov r8, sp; mov r9, lr
  ...[0x2000, 0x2100, 0x2200, 0x2300], // movs r0..r3, #0
  ...[0x4684, 0x2800], // mov r12, r0; cmp r0, #0
  0x4770,
];
/** The same for floating point: s0, s15, s16 from r0, FPSCR from r5. */
const SPOIL_FP = [
  ...[0x46e8, 0x46f1],
  ...[0xee00, 0x0a10, 0xee07, 0x0a90, 0xee08, 0x0a10], // vmov s0, s15, s16 from r0
  ...[0xeee1, 0x5a10], // vmsr fpscr, r5
  0x4770,
];

const LOG_AT = 0x20000100;
const HANDLERS = { log: 0x200, store: 0x220, spoil: 0x260, spoilFp: 0x280 } as const;
const STACK = 0x20010000;
const IRQ = (n: number): number => FIRST_IRQ + n;

let board: BuiltinBoard;

function poke(address: number, halfwords: readonly number[]): void {
  board.core.memory.poke(address, new Uint8Array(Uint16Array.from(halfwords).buffer));
}

/** A board that idles in `main`; all exceptions but faults go to the logging handler. */
function start(main: readonly number[] = MAIN): void {
  board = boardWith(main);
  poke(HANDLERS.log, LOG);
  poke(HANDLERS.store, STORE);
  poke(HANDLERS.spoil, SPOIL);
  poke(HANDLERS.spoilFp, SPOIL_FP);
  for (let n = 2; n < 64; n++) handle(n, "log");
  const { core } = board;
  core.state.words[10] = LOG_AT;
  core.exceptions.enabled.fill(1);
  run(10);
}

function handle(n: number, handler: keyof typeof HANDLERS): void {
  const address = HANDLERS[handler] + 1;
  poke(4 * n, [address & 0xffff, address >>> 16]);
}

const run = (instructions: number) => board.core.run({ maxInstructions: instructions });
const word = (address: number): number => board.core.memory.load(address, 4) >>> 0;

function logged(): number[] {
  const { core } = board;
  return [...core.memory.peek(LOG_AT, core.state.words[10] - LOG_AT)];
}

function pend(priorities: Readonly<Record<number, number>>): void {
  const { exceptions } = board.core;
  for (const [n, priority] of Object.entries(priorities)) {
    exceptions.pending[Number(n)] = 1;
    if (Number(n) > HARD_FAULT) exceptions.priority[Number(n)] = priority;
  }
}

beforeEach(() => start());

describe("the order of exceptions", () => {
  it("is that of priorities, NMI and hard fault first", () => {
    pend({ [IRQ(3)]: 0x40, [PENDSV]: 0xe0, [IRQ(5)]: 0x20, [HARD_FAULT]: 0, [NMI]: 0, [SYSTICK]: 0x60 });
    run(60);
    expect(logged()).toEqual([NMI, HARD_FAULT, IRQ(5), IRQ(3), SYSTICK, PENDSV]);
  });

  it("is that of numbers where priorities are equal", () => {
    pend({ [IRQ(9)]: 0x40, [IRQ(2)]: 0x40, [SYSTICK]: 0x40, [IRQ(40)]: 0x40 });
    run(60);
    expect(logged()).toEqual([SYSTICK, IRQ(2), IRQ(9), IRQ(40)]);
  });

  it("leaves out what is not enabled until it is", () => {
    board.core.exceptions.enabled[IRQ(4)] = 0;
    pend({ [IRQ(4)]: 0x20, [IRQ(6)]: 0x40 });
    run(30);
    expect(logged()).toEqual([IRQ(6)]);
    board.core.memory.store(0xe000e100, 4, 1 << 4);
    run(30);
    expect(logged()).toEqual([IRQ(6), IRQ(4)]);
  });
});

describe("pre-emption", () => {
  /** IRQ 0's handler pends IRQ 1. */
  function nest(first: number, second: number): void {
    const S = board.core.state.words;
    handle(IRQ(0), "store");
    S[4] = 0xe000ef00 | 0; // software trigger
    S[5] = 1;
    board.core.exceptions.priority[IRQ(1)] = second;
    pend({ [IRQ(0)]: first });
    run(60);
  }

  it("comes from a higher priority, in the middle of a handler", () => {
    nest(0x80, 0x40);
    expect(logged()).toEqual([IRQ(0), IRQ(1), IRQ(0) | 0x80]);
    expect(board.core.state.words[13] >>> 0).toBe(STACK);
    expect(board.core.exceptions.active.every((active) => active === 0)).toBe(true);
  });

  it.each([0x80, 0xc0])("does not come from an equal or lower priority, 0x%s", (second) => {
    nest(0x80, second);
    expect(logged()).toEqual([IRQ(0), IRQ(0) | 0x80, IRQ(1)]);
  });

  it("looks at the group only, the order at sub-priorities too", () => {
    board.core.memory.store(0xe000ed0c, 4, 0x05fa0000 | (6 << 8) | 0);
    nest(0x60, 0x20);
    expect(logged()).toEqual([IRQ(0), IRQ(0) | 0x80, IRQ(1)]);
    pend({ [IRQ(7)]: 0x60, [IRQ(8)]: 0x20 });
    run(60);
    expect(logged().slice(3)).toEqual([IRQ(8), IRQ(7)]);
  });

  it("returns to the handler with EXC_RETURN 0xfffffff1, to the thread with 0xfffffff9", () => {
    const { core } = board;
    handle(IRQ(1), "spoil");
    nest(0x80, 0x40);
    expect(core.state.words[9] >>> 0).toBe(0xfffffff1);
    expect(core.state.words[8] >>> 0).toBe(STACK - 64);
    pend({ [IRQ(1)]: 0x40 });
    run(30);
    expect(core.state.words[9] >>> 0).toBe(0xfffffff9);
  });
});

describe("masks", () => {
  it("PRIMASK holds back all but hard fault and NMI", () => {
    board.core.exceptions.primask = 1;
    pend({ [IRQ(0)]: 0, [HARD_FAULT]: 0, [NMI]: 0 });
    run(40);
    expect(logged()).toEqual([NMI, HARD_FAULT]);
    board.core.exceptions.primask = 0;
    board.core.attend();
    run(40);
    expect(logged()).toEqual([NMI, HARD_FAULT, IRQ(0)]);
  });

  it("BASEPRI holds back its own priority and lower ones", () => {
    board.core.exceptions.basepri = 0x60;
    pend({ [IRQ(0)]: 0x40, [IRQ(1)]: 0x60, [IRQ(2)]: 0x80 });
    run(40);
    expect(logged()).toEqual([IRQ(0)]);
  });

  it("FAULTMASK lets NMI through only, and the return from NMI keeps it", () => {
    board.core.exceptions.faultmask = 1;
    pend({ [IRQ(0)]: 0, [HARD_FAULT]: 0, [NMI]: 0 });
    run(40);
    expect(logged()).toEqual([NMI]);
    expect(board.core.exceptions.faultmask).toBe(1);
  });
});

describe("cycles", () => {
  const { exceptionEntry, exceptionExit, tailChain } = CORTEX_M4_TIMING;
  /** Cycles of as many instructions of `main` and handlers as it takes. */
  function cyclesOf(exceptions: number): number {
    start();
    const before = board.core.cycles;
    for (let i = 0; i < exceptions; i++) board.core.exceptions.pending[IRQ(i)] = 1;
    run(3 * exceptions + 20);
    expect(logged().length).toBe(exceptions);
    return board.core.cycles - before;
  }

  it("of a second pending exception are its handler's and a tail-chain", () => {
    const [none, one, two, three] = [0, 1, 2, 3].map(cyclesOf);
    const handler = one - none - exceptionEntry.value - exceptionExit.value;
    expect(handler).toBeGreaterThanOrEqual(3);
    expect(two - one).toBe(handler + tailChain.value);
    expect(three - two).toBe(handler + tailChain.value);
  });
});

describe("the frame", () => {
  it("keeps r0 to r3, r12, LR, the return address and xPSR, and gives them back", () => {
    const S = board.core.state.words;
    handle(IRQ(0), "spoil");
    const registers = [0, 1, 2, 3, 12, 14];
    registers.forEach((register, i) => {
      S[register] = 0x1000 * (i + 1);
    });
    board.core.exceptions.xpsr = 0xa0000000;
    pend({ [IRQ(0)]: 0 });
    run(12);
    expect(registers.map((register) => S[register])).toEqual([0x1000, 0x2000, 0x3000, 0x4000, 0x5000, 0x6000]);
    expect(board.core.exceptions.xpsr >>> 0).toBe(0xa1000000);
    expect(S[8] >>> 0).toBe(STACK - 32);
    const frame = Array.from({ length: 8 }, (_, i) => word(STACK - 32 + 4 * i));
    expect(frame.slice(0, 6)).toEqual([0x1000, 0x2000, 0x3000, 0x4000, 0x5000, 0x6000]);
    expect([0x100, 0x102]).toContain(frame[6]);
    expect(frame[7]).toBe(0xa1000000);
  });

  it("is aligned to 8, and the stack pointer comes back where it was", () => {
    const S = board.core.state.words;
    handle(IRQ(0), "spoil");
    S[13] = STACK - 4;
    pend({ [IRQ(0)]: 0 });
    run(12);
    expect(S[8] >>> 0).toBe(STACK - 40);
    expect(word(STACK - 40 + 28) & 0x200).toBe(0x200);
    expect(S[13] >>> 0).toBe(STACK - 4);
  });

  it("of a thread on the process stack lies there, and the handler runs on the main one", () => {
    const { core } = board;
    const process = 0x20008000;
    handle(IRQ(0), "spoil");
    core.exceptions.processSp = process;
    core.exceptions.writeControl(2);
    pend({ [IRQ(0)]: 0 });
    run(12);
    expect(core.state.words[9] >>> 0).toBe(0xfffffffd);
    expect(core.state.words[8] >>> 0).toBe(STACK);
    expect(core.state.words[13] >>> 0).toBe(process);
    expect(word(process - 32 + 24) >>> 4).toBe(0x10);
    expect(core.exceptions.control).toBe(2);
  });
});

describe("the floating-point frame", () => {
  /** A thread that has used floating point, interrupted by a handler that spoils registers. */
  function interrupt(): void {
    start(FP_MAIN);
    const { core } = board;
    const S = core.state.words;
    core.memory.store(0xe000ed88, 4, 0xf << 20);
    board.core.exceptions.writeControl(0);
    S[13] = STACK;
    core.pc = 0x100;
    [S[1], S[2], S[3], S[5]] = [0x11111111, 0x22222222, 0x33333333, 0];
    run(6);
    S[FPSCR] = 0x20000000;
    handle(IRQ(0), "spoilFp");
    pend({ [IRQ(0)]: 0 });
    run(14);
  }

  it("has 26 words: s0 to s15 and FPSCR come back, s16 does not", () => {
    interrupt();
    const S = board.core.state.words;
    expect(S[9] >>> 0).toBe(0xffffffe9);
    expect(S[8] >>> 0).toBe(STACK - 104);
    expect(S[13] >>> 0).toBe(STACK);
    expect([S[FP], S[FP + 15], S[FPSCR]]).toEqual([0x11111111, 0x22222222, 0x20000000]);
    expect(S[FP + 16]).toBe(0);
    expect([word(STACK - 72), word(STACK - 72 + 60), word(STACK - 8)]).toEqual([0x11111111, 0x22222222, 0x20000000]);
  });

  it("is not made for a thread that has used none", () => {
    board.core.memory.store(0xe000ed88, 4, 0xf << 20);
    handle(IRQ(0), "spoilFp");
    pend({ [IRQ(0)]: 0 });
    run(14);
    expect(board.core.state.words[8] >>> 0).toBe(STACK - 32);
    // The handler's own use does not leak into the thread.
    pend({ [IRQ(0)]: 0 });
    run(14);
    expect(board.core.state.words[8] >>> 0).toBe(STACK - 32);
  });
});

describe("a fault handler of a firmware", () => {
  it("runs when its exception is pending: the runner's books the number and says so", () => {
    const runner = new BuiltinBoard();
    runner.loadNow(runnerElf());
    // With no frames in flash, flags are all set: the runner prints nothing of its own.
    expect(runner.runNow({ until: { symbol: "board_uart_start" } }).reason).toBe("symbol");
    runner.core.run({ addresses: new Set([runner.symbol("board_start_cycles")]) });
    runner.core.exceptions.pending[HARD_FAULT] = 1;
    runner.core.attend();
    expect(runner.core.run({ maxInstructions: 10_000 }).reason).toBe("idle");
    expect(runner.core.exceptions.ipsr).toBe(HARD_FAULT);
    const result = runner.symbol("g_result");
    expect(runner.core.memory.load(result + RUNNER.RESULT_STATUS_AT, 4) | 0).toBe(RUNNER.STATUS_FAULT - HARD_FAULT);
    expect(runner.core.memory.load(result + RUNNER.RESULT_FINISHED_AT, 4)).toBe(1);
    expect(runner.uartText).toBe("fault\nend\n");
  });
});
