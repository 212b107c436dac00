import { decodeMultiply, decodeRegisterData } from "./decode-dsp.js";
import { decodeCoprocessor } from "./decode-vfp.js";
import { countBits, type Insn, newInsn, setImmediateShift, signExtend } from "./insn.js";

/** Decodes one 32-bit Thumb instruction (Arm ARM DDI 0403, A5.3); `hw1` starts with 11101, 11110 or 11111. */
export function decode32(hw1: number, hw2: number, addr: number, inIt: boolean): Insn {
  const insn = newInsn(addr, 4, ((hw1 << 16) | hw2) >>> 0);
  insn.inIt = inIt;
  const group = (hw1 >>> 11) & 3;
  if (group === 1) {
    if ((hw1 & 0x0400) !== 0) decodeCoprocessor(insn, hw1, hw2);
    else if ((hw1 & 0x0200) !== 0) shiftedRegister(insn, hw1, hw2);
    else if ((hw1 & 0x0040) === 0) multiple(insn, hw1, hw2);
    else dualOrExclusive(insn, hw1, hw2);
  } else if (group === 2) {
    if ((hw2 & 0x8000) !== 0) branchOrSystem(insn, hw1, hw2);
    else if ((hw1 & 0x0200) === 0) modifiedImmediate(insn, hw1, hw2);
    else plainImmediate(insn, hw1, hw2);
  } else if ((hw1 & 0x0400) !== 0) {
    // Second coprocessor space: nothing in FPv4-SP.
  } else if ((hw1 & 0x0200) === 0) singleTransfer(insn, hw1, hw2);
  else if ((hw1 & 0x0100) === 0) decodeRegisterData(insn, hw1, hw2);
  else decodeMultiply(insn, hw1, hw2);
  return insn;
}

const DATA_OPS: Record<number, string> = {
  0: "and",
  1: "bic",
  2: "orr",
  3: "orn",
  4: "eor",
  6: "pkh",
  8: "add",
  10: "adc",
  11: "sbc",
  13: "sub",
  14: "rsb",
};
const COMPARE_OPS: Record<number, string> = { 0: "tst", 4: "teq", 8: "cmn", 13: "cmp" };

/** Fills op, s, d and n of the data-processing encodings; false when undefined. */
function dataOperation(insn: Insn, hw1: number, rd: number): boolean {
  const index = (hw1 >>> 5) & 15;
  const rn = hw1 & 15;
  const s = (hw1 & 0x10) !== 0;
  const op = DATA_OPS[index];
  if (op === undefined) return false;
  insn.s = s;
  insn.n = rn;
  if (rd === 15) {
    if (!s || COMPARE_OPS[index] === undefined || rn === 15) return false;
    insn.op = COMPARE_OPS[index];
    return true;
  }
  insn.op = op;
  insn.d = rd;
  if (rn === 15) {
    if (index !== 2 && index !== 3) return false;
    insn.op = index === 2 ? "mov" : "mvn";
    insn.n = -1;
  }
  return true;
}

function shiftedRegister(insn: Insn, hw1: number, hw2: number): void {
  const index = (hw1 >>> 5) & 15;
  const amount = ((hw2 >>> 10) & 0x1c) | ((hw2 >>> 6) & 3);
  const type = (hw2 >>> 4) & 3;
  insn.m = hw2 & 15;
  if (insn.m === 15 || (hw2 & 0x8000) !== 0) return;
  if (index === 6) {
    if ((hw1 & 0x10) !== 0 || (type & 1) !== 0) return;
    insn.op = type === 0 ? "pkhbt" : "pkhtb";
    insn.d = (hw2 >>> 8) & 15;
    insn.n = hw1 & 15;
    setImmediateShift(insn, type, amount);
    if (insn.d === 15 || insn.n === 15) insn.op = "udf";
    return;
  }
  if (!dataOperation(insn, hw1, (hw2 >>> 8) & 15)) {
    insn.op = "udf";
    return;
  }
  setImmediateShift(insn, type, amount);
}

/** Arm ARM ThumbExpandImm_C. */
function expandImmediate(insn: Insn, imm12: number): void {
  const byte = imm12 & 255;
  if (imm12 >>> 10 === 0) {
    const pattern = imm12 >>> 8;
    insn.imm = pattern === 0 ? byte : pattern === 1 ? byte * 0x10001 : pattern === 2 ? (byte * 0x1000100) | 0 : 0;
    if (pattern === 3) insn.imm = Math.imul(byte, 0x1010101);
    return;
  }
  const value = 0x80 | (imm12 & 127);
  const rotation = imm12 >>> 7;
  insn.imm = (value >>> rotation) | (value << (32 - rotation));
  insn.carry = insn.imm >>> 31;
}

function modifiedImmediate(insn: Insn, hw1: number, hw2: number): void {
  if (((hw1 >>> 5) & 15) === 6 || !dataOperation(insn, hw1, (hw2 >>> 8) & 15)) {
    insn.op = "udf";
    return;
  }
  expandImmediate(insn, ((hw1 & 0x400) << 1) | ((hw2 >>> 4) & 0x700) | (hw2 & 255));
}

function plainImmediate(insn: Insn, hw1: number, hw2: number): void {
  const op = (hw1 >>> 4) & 31;
  const rn = hw1 & 15;
  const imm12 = ((hw1 & 0x400) << 1) | ((hw2 >>> 4) & 0x700) | (hw2 & 255);
  const lsb = ((hw2 >>> 10) & 0x1c) | ((hw2 >>> 6) & 3);
  const low5 = hw2 & 31;
  insn.d = (hw2 >>> 8) & 15;
  insn.n = rn;
  if (insn.d === 15) return;
  if (op >= 16 && ((hw1 & 0x400) !== 0 || (hw2 & 0x20) !== 0)) return;
  if (op === 0 || op === 10) {
    insn.imm = imm12;
    insn.op = op === 0 ? "add" : "sub";
    if (rn === 15) {
      const base = (insn.addr + 4) & ~3;
      insn.op = "adr";
      insn.n = -1;
      insn.imm = (op === 0 ? base + imm12 : base - imm12) | 0;
    }
  } else if (op === 4 || op === 12) {
    insn.op = op === 4 ? "movw" : "movt";
    insn.n = -1;
    insn.imm = (rn << 12) | imm12;
  } else if (rn === 15 && op !== 22) {
    return;
  } else if (op === 16 || op === 18 || op === 24 || op === 26) {
    const unsigned = op >= 24;
    insn.m = rn;
    insn.n = -1;
    insn.imm = unsigned ? low5 : low5 + 1;
    if ((op & 2) !== 0 && lsb === 0) {
      insn.op = unsigned ? "usat16" : "ssat16";
      insn.imm = unsigned ? low5 : low5 + 1;
      if (low5 > 15) insn.op = "udf";
    } else {
      insn.op = unsigned ? "usat" : "ssat";
      insn.sh = (op & 2) === 0 ? 0 : 2;
      insn.shn = lsb;
    }
  } else if (op === 20 || op === 28) {
    insn.op = op === 20 ? "sbfx" : "ubfx";
    insn.imm = lsb;
    insn.shn = low5 + 1;
    if (lsb + insn.shn > 32) insn.op = "udf";
  } else if (op === 22) {
    insn.op = rn === 15 ? "bfc" : "bfi";
    insn.imm = lsb;
    insn.shn = low5 - lsb + 1;
    if (insn.shn < 1) insn.op = "udf";
  }
}

function branchOrSystem(insn: Insn, hw1: number, hw2: number): void {
  const s = (hw1 >>> 10) & 1;
  const j1 = (hw2 >>> 13) & 1;
  const j2 = (hw2 >>> 11) & 1;
  if ((hw2 & 0x1000) !== 0) {
    const i1 = j1 ^ s ^ 1;
    const i2 = j2 ^ s ^ 1;
    const offset = (s << 24) | (i1 << 23) | (i2 << 22) | ((hw1 & 0x3ff) << 12) | ((hw2 & 0x7ff) << 1);
    insn.op = (hw2 & 0x4000) === 0 ? "b" : "bl";
    insn.imm = (insn.addr + 4 + signExtend(offset, 25)) | 0;
    return;
  }
  if ((hw2 & 0x4000) !== 0) return; // BLX immediate: no Arm state here
  const cond = (hw1 >>> 6) & 15;
  if (cond < 14) {
    const offset = (s << 20) | (j2 << 19) | (j1 << 18) | ((hw1 & 0x3f) << 12) | ((hw2 & 0x7ff) << 1);
    insn.op = "b";
    insn.cond = cond;
    insn.imm = (insn.addr + 4 + signExtend(offset, 21)) | 0;
    return;
  }
  systemInstruction(insn, hw1, hw2);
}

const BARRIERS: Record<number, string> = { 2: "clrex", 4: "dsb", 5: "dmb", 6: "isb" };

function systemInstruction(insn: Insn, hw1: number, hw2: number): void {
  const op = (hw1 >>> 4) & 0x7f;
  if (op === 0x38 || op === 0x39) {
    insn.op = "msr";
    insn.n = hw1 & 15;
    insn.imm = hw2 & 255;
    insn.shn = (hw2 >>> 10) & 3;
  } else if (op === 0x3e || op === 0x3f) {
    insn.op = "mrs";
    insn.d = (hw2 >>> 8) & 15;
    insn.imm = hw2 & 255;
    if (insn.d === 13 || insn.d === 15) insn.op = "udf";
  } else if (op === 0x3b) {
    insn.op = BARRIERS[(hw2 >>> 4) & 15] ?? "udf";
  } else if (op === 0x3a) {
    const hint = hw2 & 255;
    insn.op = ["nop", "yield", "wfe", "wfi", "sev"][hint] ?? "nop";
    if ((hw2 & 0x700) !== 0) insn.op = "udf";
  }
}

function multiple(insn: Insn, hw1: number, hw2: number): void {
  const mode = (hw1 >>> 7) & 3;
  const load = (hw1 & 0x10) !== 0;
  insn.n = hw1 & 15;
  insn.list = hw2;
  insn.wb = (hw1 & 0x20) !== 0;
  insn.up = mode === 1;
  insn.pre = mode === 2;
  if (mode === 0 || mode === 3 || insn.n === 15 || countBits(hw2) < 2 || (hw2 & 0x2000) !== 0) return;
  if (!load && (hw2 & 0x8000) !== 0) return;
  if (load && (hw2 & 0xc000) === 0xc000) return;
  if (insn.wb && (hw2 & (1 << insn.n)) !== 0) return;
  insn.op = load ? "ldm" : "stm";
}

function dualOrExclusive(insn: Insn, hw1: number, hw2: number): void {
  const p = (hw1 & 0x100) !== 0;
  const w = (hw1 & 0x20) !== 0;
  const load = (hw1 & 0x10) !== 0;
  insn.n = hw1 & 15;
  insn.d = hw2 >>> 12;
  insn.a = (hw2 >>> 8) & 15;
  insn.up = (hw1 & 0x80) !== 0;
  if (p || w) {
    insn.imm = (hw2 & 255) * 4;
    insn.pre = p;
    insn.wb = w;
    if (insn.d === 15 || insn.a === 15 || insn.d === 13 || insn.a === 13) return;
    if (w && (insn.n === 15 || insn.n === insn.d || insn.n === insn.a)) return;
    if (load && insn.d === insn.a) return;
    if (!load && insn.n === 15) return;
    insn.op = load ? "ldrd" : "strd";
    return;
  }
  if (!insn.up) {
    if (insn.n === 15 || (load && insn.a !== 15)) return;
    insn.imm = (hw2 & 255) * 4;
    insn.up = true;
    insn.op = load ? "ldrex" : "strex";
    if (!load) insn.m = insn.a;
  } else {
    const kind = (hw2 >>> 4) & 15;
    if (kind < 2) {
      if (!load || hw2 >>> 8 !== 0xf0) return;
      insn.op = kind === 0 ? "tbb" : "tbh";
      insn.m = hw2 & 15;
      return;
    }
    if ((kind !== 4 && kind !== 5) || insn.n === 15 || insn.a !== 15 || (load && (hw2 & 15) !== 15)) return;
    insn.op = (load ? "ldrex" : "strex") + (kind === 4 ? "b" : "h");
    if (!load) insn.m = hw2 & 15;
  }
  // STREX: d is the status register, m the stored one.
  if (!load) {
    const stored = hw2 >>> 12;
    insn.d = insn.m;
    insn.m = stored;
    if (insn.d === 15 || insn.d === insn.m || insn.d === insn.n) insn.op = "udf";
  }
}

const TRANSFER_SIZES = ["b", "h", ""] as const;

function singleTransfer(insn: Insn, hw1: number, hw2: number): void {
  const load = (hw1 & 0x10) !== 0;
  const signed = (hw1 & 0x100) !== 0;
  const size = (hw1 >>> 5) & 3;
  insn.n = hw1 & 15;
  insn.d = hw2 >>> 12;
  if (size === 3 || (signed && (!load || size === 2)) || (!load && insn.n === 15)) return;
  insn.op = (load ? "ldr" : "str") + (signed ? "s" : "") + TRANSFER_SIZES[size];
  if (insn.n === 15) {
    insn.imm = hw2 & 0xfff;
    insn.up = (hw1 & 0x80) !== 0;
  } else if ((hw1 & 0x80) !== 0) {
    insn.imm = hw2 & 0xfff;
  } else if ((hw2 & 0x800) === 0) {
    insn.m = hw2 & 15;
    insn.shn = (hw2 >>> 4) & 3;
    if ((hw2 & 0x7c0) !== 0 || insn.m === 15 || insn.m === 13) insn.op = "udf";
  } else {
    insn.imm = hw2 & 255;
    insn.pre = (hw2 & 0x400) !== 0;
    insn.up = (hw2 & 0x200) !== 0;
    insn.wb = (hw2 & 0x100) !== 0;
    if (!insn.pre && !insn.wb) insn.op = "udf";
    if (insn.pre && insn.up && !insn.wb && insn.d === 15) insn.op = "udf"; // unprivileged forms
    if (insn.wb && insn.d === insn.n) insn.op = "udf";
  }
  if (insn.d !== 15 || insn.op === "udf") return;
  // PC as target: a branch for word loads, a preload hint for byte and halfword loads, undefined for stores.
  if (!load) insn.op = "udf";
  else if (size !== 2) insn.op = insn.wb || (signed && size === 1) ? "udf" : "pld";
}
