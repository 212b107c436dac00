import { describe, expect, it } from "vitest";
import { boardWith, HALT } from "../testing/assemble.js";

const CODE = 0x100;

/** Cycles and instructions from the first halfword of `code` to its HALT, with r1 = 3 and r2, r3 in RAM. */
function measure(code: readonly number[], prepare: readonly number[] = []): { cycles: number; instructions: number } {
  // r1 = 3; r2 = 0x20000100; r3 = 0x20000200; then B.N to the aligned code under test.
  const setup = [0x2103, 0xf240, 0x1200, 0xf2c2, 0x0200, 0xf240, 0x2300, 0xf2c2, 0x0300, ...prepare];
  while ((setup.length + 1) % 2 !== 0) setup.push(0xbf00);
  const start = CODE + 2 * (setup.length + 1);
  const board = boardWith([...setup, 0xe7ff, ...code, HALT]);
  board.runNow({ until: { address: start } });
  const before = { cycles: board.cycles, instructions: board.instructions };
  const end = start + 2 * code.length;
  expect(board.runNow({ until: { address: end }, maxInstructions: 10_000 }).reason).toBe("address");
  return { cycles: board.cycles - before.cycles, instructions: board.instructions - before.instructions };
}

describe("silicon samples (compendium.i-0.nl, DWT on a Cortex-M4, zero-wait-state memory)", () => {
  it("takes 16 cycles for the 14-instruction loop that starts with a narrow ADD", () => {
    // mov r2, r0; mov.w r0, #1; loop: add r0, r2; sub.w r1, #1; cmp r1, #0; bne loop
    const code = [0x4602, 0xf04f, 0x0001, 0x4410, 0xf1a1, 0x0101, 0x2900, 0xd1fa];
    expect(measure(code)).toEqual({ cycles: 16, instructions: 14 });
  });

  it("takes 19 cycles when the loop starts with an unaligned wide MUL", () => {
    // mov r2, r0; mov.w r0, #1; loop: mul r0, r0, r2; sub.w r1, #1; cmp r1, #0; bne loop
    const code = [0x4602, 0xf04f, 0x0001, 0xfb00, 0xf002, 0xf1a1, 0x0101, 0x2900, 0xd1f9];
    expect(measure(code)).toEqual({ cycles: 19, instructions: 14 });
  });

  it("takes 2 cycles for a taken branch, 3 to an unaligned wide instruction, 1 when not taken", () => {
    expect(measure([0xe7ff]).cycles).toBe(2); // b.n to the next instruction
    const toAligned = measure([0xbf00, 0xe000, 0xbf00, 0xbf00]).cycles;
    const toWide = measure([0xbf00, 0xe000, 0xbf00, 0xfb00, 0xf002]).cycles;
    expect(toAligned).toBe(1 + 2 + 1);
    expect(toWide).toBe(1 + 3 + 1);
    expect(measure([0x4289, 0xd1ff]).cycles).toBe(2); // cmp r1, r1; bne not taken
  });
});

describe("load and store timing", () => {
  it("pipelines k back-to-back loads into k + 1 cycles", () => {
    expect(measure([0x6810]).cycles).toBe(2); // ldr r0, [r2]
    expect(measure([0x6810, 0x681c]).cycles).toBe(3);
    expect(measure([0x6810, 0x681c, 0x6855]).cycles).toBe(4);
  });

  it("does not pipeline a load whose address was just loaded", () => {
    // ldr r4, [r2]; ldr r0, [r4]: the word at r2 is 0, a flash address
    expect(measure([0x6814, 0x6820]).cycles).toBe(4);
  });

  it("follows the pairing examples of the manuals", () => {
    expect(measure([0x5890, 0x6158], [0x2200]).cycles).toBe(3); // ldr r0, [r2, r2]; str r0, [r3, #20]
    expect(measure([0x5898, 0x5099], [0x2200]).cycles).toBe(3); // ldr r0, [r3, r2]; str r1, [r3, r2]
    expect(measure([0x6019]).cycles).toBe(1); // str r1, [r3]
    expect(measure([0x5099], [0x2200]).cycles).toBe(2); // str r1, [r3, r2]
    expect(measure([0x6019, 0x6810]).cycles).toBe(3); // nothing pipelines behind a store
  });

  it("stalls when data processing has just made the address", () => {
    expect(measure([0x3204, 0x6810]).cycles).toBe(1 + 3); // adds r2, #4; ldr r0, [r2]
    expect(measure([0x3204, 0xbf00, 0x6810]).cycles).toBe(1 + 1 + 2);
  });

  it("costs 1 + N for multiple and double transfers", () => {
    expect(measure([0xca30]).cycles).toBe(3); // ldmia r2!, {r4, r5}
    expect(measure([0xe9d2, 0x4500]).cycles).toBe(3); // ldrd r4, r5, [r2]
    expect(measure([0xb4f0]).cycles).toBe(5); // push {r4-r7}
  });
});

describe("other costs", () => {
  it("folds an IT behind a 16-bit instruction and charges 1 for a skipped instruction", () => {
    expect(measure([0x4289, 0xbf18, 0x3007])).toEqual({ cycles: 2, instructions: 3 }); // cmp; it ne; addne skipped
    expect(measure([0xf1a1, 0x0101, 0xbf18, 0x3007]).cycles).toBe(3); // behind a wide instruction
    expect(measure([0x4289, 0xbf18, 0x6810])).toEqual({ cycles: 2, instructions: 3 }); // ldrne skipped
  });

  it("charges one cycle for three unaligned wide instructions in a row, for four stores", () => {
    const add = [0xf100, 0x0001];
    const store = [0xf8c3, 0x1000];
    expect(measure([0xbf00, ...add, ...add]).cycles).toBe(3);
    expect(measure([0xbf00, ...add, ...add, ...add]).cycles).toBe(5);
    expect(measure([0xbf00, ...add, ...add, ...add, ...add, ...add]).cycles).toBe(7);
    expect(measure([0xbf00, ...store, ...store, ...store]).cycles).toBe(4);
    expect(measure([0xbf00, ...store, ...store, ...store, ...store]).cycles).toBe(6);
    expect(measure([...add, ...add, ...add, ...add]).cycles).toBe(4);
  });

  it("divides in 2 to 12 cycles by quotient size", () => {
    const udiv = [0xfbb1, 0xf0f4]; // udiv r0, r1, r4
    expect(measure(udiv, [0x2400]).cycles).toBe(2); // by zero
    expect(measure(udiv, [0x2405]).cycles).toBe(2); // 3 / 5
    expect(measure(udiv, [0x2401]).cycles).toBe(5); // 3 / 1
    expect(measure([0xfbb4, 0xf0f5], [0x2400, 0x43e4, 0x2501]).cycles).toBe(12); // 0xffffffff / 1
  });

  it("gives the multiply-accumulate block its manual count", () => {
    // 3 x ldr with write-back, 2 x sxtb16, 4 x smlad
    const block = [0xf852, 0x0b04, 0xf852, 0x4b04, 0xf853, 0x5b04, 0xfa2f, 0xf690, 0xfa2f, 0xf794];
    const smlad = [0xfb20, 0x8805, 0xfb26, 0x9905, 0xfb24, 0xaa05, 0xfb27, 0xbb05];
    expect(measure([...block, ...smlad])).toEqual({ cycles: 4 + 2 + 4, instructions: 9 });
  });
});

describe("wait states", () => {
  const loop = [0x2414, 0x3c01, 0xd1fd]; // movs r4, #20; subs r4, #1; bne
  const run = (waitStates: 0 | 2 | 3, cache: boolean) => {
    // NVMC.ICACHECNF = 1 through movw/movt r0 and r1
    const enable = [0xf24e, 0x5040, 0xf2c4, 0x0001, 0x2101, 0x6001];
    const board = boardWith([...(cache ? enable : []), ...loop, HALT], { waitStates });
    expect(board.runNow({ until: { halt: true } }).reason).toBe("halt");
    return board.cycles;
  };

  it("makes flash execution slower without the cache than with it", () => {
    expect(run(2, false)).toBeGreaterThan(run(0, false) + 20);
    expect(run(3, true)).toBeGreaterThan(run(0, true));
    expect(run(3, true)).toBeLessThan(run(2, false));
  });

  it("charges data reads of flash", () => {
    const cycles = (waitStates: 0 | 2 | 3) => {
      const board = boardWith([0x2000, 0x6801, 0x6842, HALT], { waitStates });
      board.runNow({ until: { halt: true } });
      return board.cycles;
    };
    expect(cycles(3) - cycles(0)).toBeGreaterThanOrEqual(6);
  });
});
