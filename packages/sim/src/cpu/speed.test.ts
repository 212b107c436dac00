import { describe, expect, it } from "vitest";
import { boardWith, HALT } from "../testing/assemble.js";

/*
 * An LSTM-like matrix-vector loop: two weight words, one activation word, two SXTB16, four SMLAD, twice unrolled.
 * r0 weights, r1 activations, r3 column counter, r4..r7 accumulators, r12 row counter.
 */
const LOAD = [0xf850, 0x8b04, 0xf850, 0x9b04, 0xf851, 0xab04];
const STEP = [
  ...LOAD,
  ...[0xfa2f, 0xfb98, 0xfa2f, 0xfe99], // sxtb16 r11, r8, ror #8; sxtb16 lr, r9, ror #8
  ...[0xfb28, 0x440a, 0xfb2b, 0x550a, 0xfb29, 0x660a, 0xfb2e, 0x770a], // smlad x 4
];
const INNER = [...STEP, ...STEP, 0x3b01];
const OUTER = [
  ...[0xf240, 0x0000, 0xf2c2, 0x0000, 0xf244, 0x0100, 0xf2c2, 0x0100], // r0 = 0x20000000, r1 = 0x20004000
  ...[0x2380], // r3 = 128
  ...INNER,
  0xd100 | (-(INNER.length + 2) & 255), // bne inner
  ...[0xf1ac, 0x0c01, 0xf1bc, 0x0f00], // sub r12, #1; cmp r12, #0
];
const ROWS = 8000;
const CODE = [0xf641, 0x7c40, ...OUTER, 0xd100 | (-(OUTER.length + 2) & 255), HALT]; // movw r12, #8000

describe("speed", () => {
  it("runs a matrix-vector loop at well over 60 million instructions a second, cycle model on", () => {
    const board = boardWith(CODE, { waitStates: 3 });
    const rate = () => {
      board.resetNow();
      // Processor time: a wall clock beside a parallel suite says nothing.
      const start = process.cpuUsage();
      expect(board.runNow({ until: { halt: true } }).reason).toBe("halt");
      const { user, system } = process.cpuUsage(start);
      return board.instructions / (user + system);
    };
    rate();
    const best = Math.max(rate(), rate());
    expect(board.instructions).toBe(2 + ROWS * (5 + 20 * 128 + 3));
    console.log(`matrix-vector loop: ${best.toFixed(0)} million instructions a second`);
    expect(best).toBeGreaterThan(60);
  });
});
