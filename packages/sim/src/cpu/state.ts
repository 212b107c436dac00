/**
 * Register file shared by the translated code, the runtime helpers and the driver: one Int32Array.
 *
 *   0..14  r0..r14 (13 is the active stack pointer)      16..21  N, Z, C, V, Q, GE
 *   22..31 run control                                   32..63  s0..s31 (also seen as float32)
 */
export const N = 16; // negative when the value is < 0
export const Z = 17; // zero flag is set when the value is 0
export const C = 18; // 0 or 1
export const V = 19; // overflow when the value is < 0
export const Q = 20; // 0 or 1
export const GE = 21; // four bits
/** Instructions and cycles since the driver last folded them into its totals. */
export const CYCLES = 22;
export const INSTRUCTIONS = 23;
/** Cycles found by slow paths, folded by the driver beside CYCLES. */
export const EXTRA_CYCLES = 24;
/** A block ends its region when CYCLES or INSTRUCTIONS reach these. */
export const CYCLE_LIMIT = 25;
export const INSTRUCTION_LIMIT = 26;
/** High word handed back by the 64-bit helpers. */
export const HIGH = 27;
/** Lowest stack pointer seen so far (signed compare: RAM is below 0x80000000). */
export const LOWEST_SP = 28;
/** Pipeline context at the exit of a block that was cut without a branch. */
export const CONTEXT = 29;
/** Index of the system instruction a region stopped at, -1 for none. */
export const SYSTEM = 30;
export const EXCLUSIVE = 31;
export const FP = 32;
export const FPSCR = 64;
/** Non-zero when CPACR lets floating-point instructions run; set to 1 by the first one executed. */
export const FP_ENABLED = 65;
export const FP_ACTIVE = 66;
const WORDS = 80;

export interface CpuState {
  /** The register file. */
  readonly words: Int32Array;
  /** s0..s31 as floats, over the same bytes as words[FP..FP+31]. */
  readonly floats: Float32Array;
}

/** A zeroed register file. */
export function createState(): CpuState {
  const words = new Int32Array(WORDS);
  words[SYSTEM] = -1;
  words[Z] = 1;
  return { words, floats: new Float32Array(words.buffer, FP * 4, 32) };
}

/** APSR as the architecture packs it: N Z C V Q in 31..27, GE in 19..16. */
export function readApsr(words: Int32Array): number {
  return (
    (words[N] & 0x80000000) |
    (words[Z] === 0 ? 0x40000000 : 0) |
    (words[C] << 29) |
    ((words[V] >>> 31) << 28) |
    (words[Q] << 27) |
    (words[GE] << 16)
  );
}

/** Writes N, Z, C, V and Q when `flags`, GE when `ge`. */
export function writeApsr(words: Int32Array, value: number, flags: boolean, ge: boolean): void {
  if (flags) {
    words[N] = value & 0x80000000;
    words[Z] = (value & 0x40000000) === 0 ? 1 : 0;
    words[C] = (value >>> 29) & 1;
    words[V] = (value << 3) & 0x80000000;
    words[Q] = (value >>> 27) & 1;
  }
  if (ge) words[GE] = (value >>> 16) & 15;
}
