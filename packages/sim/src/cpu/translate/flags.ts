import { ALWAYS, type Insn, LSL } from "../insn.js";

export const FLAG_N = 1;
export const FLAG_Z = 2;
export const FLAG_C = 4;
export const FLAG_V = 8;
export const ALL_FLAGS = 15;

const NZ = FLAG_N | FLAG_Z;
const ARITHMETIC = new Set(["add", "adc", "sub", "sbc", "rsb", "cmp", "cmn"]);
const LOGICAL = new Set(["and", "eor", "orr", "orn", "bic", "mov", "mvn", "tst", "teq", "lsl", "lsr", "asr", "ror"]);
const REGISTER_SHIFTS = new Set(["lsl", "lsr", "asr", "ror"]);
const CONDITION_USES = [
  FLAG_Z,
  FLAG_C,
  FLAG_N,
  FLAG_V,
  FLAG_C | FLAG_Z,
  FLAG_N | FLAG_V,
  FLAG_N | FLAG_V | FLAG_Z,
  0,
] as const;

/** Flags a condition reads. */
export function conditionUses(cond: number): number {
  return cond === ALWAYS ? 0 : CONDITION_USES[cond >>> 1];
}

/** True when a logical operation's shifter or immediate produces a carry. */
export function shifterSetsCarry(insn: Insn): boolean {
  if (REGISTER_SHIFTS.has(insn.op)) return true;
  if (insn.m < 0) return insn.carry >= 0;
  return insn.sh !== LSL || insn.shn !== 0;
}

/** Flags the instruction may write when executed. */
export function flagDefs(insn: Insn): number {
  if (insn.op === "vmrs") return insn.n === 15 ? ALL_FLAGS : 0;
  if (insn.op === "msr") return ALL_FLAGS;
  if (!insn.s) return 0;
  if (ARITHMETIC.has(insn.op)) return ALL_FLAGS;
  if (LOGICAL.has(insn.op)) return NZ | (shifterSetsCarry(insn) ? FLAG_C : 0);
  return NZ;
}

/** Flags the instruction reads, its condition aside. */
export function flagUses(insn: Insn): number {
  if (insn.op === "adc" || insn.op === "sbc" || insn.sh === 4) return FLAG_C;
  if (REGISTER_SHIFTS.has(insn.op) && insn.s) return FLAG_C;
  if (insn.op === "mrs" || insn.op === "msr") return ALL_FLAGS;
  return 0;
}

export interface FlagPlan {
  /** Per instruction: flags that must be materialised when it sets them. */
  live: number[];
  /** Per instruction: index of the compare whose operands its condition can use directly, or -1. */
  fused: number[];
  /** Per instruction: its operands must be kept for a fused condition. */
  keep: boolean[];
  /** Flags live at the start of the block. */
  liveIn: number;
}

function fusable(insn: Insn): boolean {
  return insn.s && insn.cond === ALWAYS && (insn.op === "cmp" || insn.op === "sub");
}

/** Plans one block backwards from the flags live at its end. */
export function planFlags(insns: readonly Insn[], liveOut: number): FlagPlan {
  const count = insns.length;
  const fused = new Array<number>(count).fill(-1);
  const keep = new Array<boolean>(count).fill(false);
  let setter = -1;
  for (let i = 0; i < count; i++) {
    const insn = insns[i];
    const uses = conditionUses(insn.cond);
    if (setter >= 0 && (uses & (FLAG_C | FLAG_V)) !== 0 && insn.cond !== 6 && insn.cond !== 7) {
      fused[i] = setter;
      keep[setter] = true;
    }
    if (flagDefs(insn) !== 0) setter = fusable(insn) ? i : -1;
  }
  const live = new Array<number>(count).fill(0);
  let flags = liveOut;
  for (let i = count - 1; i >= 0; i--) {
    const insn = insns[i];
    live[i] = flags;
    if (insn.cond === ALWAYS) flags &= ~flagDefs(insn);
    flags |= flagUses(insn);
    if (fused[i] < 0) flags |= conditionUses(insn.cond);
  }
  return { live, fused, keep, liveIn: flags };
}
