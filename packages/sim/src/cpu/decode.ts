import { decode16 } from "./decode16.js";
import { decode32 } from "./decode32.js";
import type { Insn } from "./insn.js";

/** True when `hw` is the first halfword of a 32-bit instruction. */
export function isWide(hw: number): boolean {
  return hw >>> 11 > 0x1c;
}

/**
 * Decodes the instruction at `addr`.
 * @param hw1 first halfword
 * @param hw2 the following halfword (ignored for 16-bit encodings)
 */
export function decode(hw1: number, hw2: number, addr: number, inIt = false): Insn {
  return isWide(hw1) ? decode32(hw1, hw2, addr, inIt) : decode16(hw1, addr, inIt);
}
