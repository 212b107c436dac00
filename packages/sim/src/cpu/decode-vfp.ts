import type { Insn } from "./insn.js";

/**
 * Floating-point encodings of FPv4-SP-D16 (Arm ARM DDI 0403, A6.4 to A6.7). S registers are numbered 0..31, a D register
 * is its even S register. Double-precision arithmetic is undefined, double-precision moves and transfers are not.
 */
export function decodeCoprocessor(insn: Insn, hw1: number, hw2: number): void {
  const coprocessor = (hw2 >>> 8) & 15;
  if ((coprocessor !== 10 && coprocessor !== 11) || hw1 >>> 12 !== 14) return;
  const double = coprocessor === 11;
  if ((hw1 & 0x0200) === 0) {
    if ((hw1 & 0x01e0) === 0x0040) transferTwo(insn, hw1, hw2, double);
    else extensionTransfer(insn, hw1, hw2, double);
  } else if ((hw1 & 0x0100) !== 0) {
    // SVC space
  } else if ((hw2 & 0x10) !== 0) transferOne(insn, hw1, hw2, double);
  else if (!double) dataProcessing(insn, hw1, hw2);
}

const single = (field: number, extra: number) => (field << 1) | extra;

function transferTwo(insn: Insn, hw1: number, hw2: number, double: boolean): void {
  if ((hw2 & 0xd0) !== 0x10) return;
  const toCore = (hw1 & 0x10) !== 0;
  const m = double ? (hw2 & 15) << 1 : single(hw2 & 15, (hw2 >>> 5) & 1);
  if (double && (hw2 & 0x20) !== 0) return;
  insn.n = hw2 >>> 12;
  insn.a = hw1 & 15;
  insn.d = m;
  insn.list = 2;
  if (m === 31 || insn.n === 15 || insn.a === 15 || insn.n === 13 || insn.a === 13) return;
  if (toCore && insn.n === insn.a) return;
  insn.op = toCore ? "vmov.rrss" : "vmov.ssrr";
}

function extensionTransfer(insn: Insn, hw1: number, hw2: number, double: boolean): void {
  const p = (hw1 & 0x100) !== 0;
  const u = (hw1 & 0x80) !== 0;
  const w = (hw1 & 0x20) !== 0;
  const load = (hw1 & 0x10) !== 0;
  const imm8 = hw2 & 255;
  const extra = (hw1 >>> 6) & 1;
  if (double && extra !== 0) return;
  insn.d = double ? (hw2 >>> 12) << 1 : single(hw2 >>> 12, extra);
  insn.n = hw1 & 15;
  insn.up = u;
  insn.imm = imm8 * 4;
  if (p && !w) {
    insn.list = double ? 2 : 1;
    insn.op = load ? "vldr" : "vstr";
    if (!load && insn.n === 15) insn.op = "udf";
    return;
  }
  if (p === u || insn.n === 15) return;
  insn.list = double ? imm8 & 0xfe : imm8;
  insn.wb = w;
  insn.pre = p;
  if (insn.list === 0 || insn.list > 32 || insn.d + insn.list > 32 || (double && (imm8 & 1) !== 0)) return;
  insn.op = load ? "vldm" : "vstm";
}

function transferOne(insn: Insn, hw1: number, hw2: number, double: boolean): void {
  const toCore = (hw1 & 0x10) !== 0;
  const op = (hw1 >>> 5) & 7;
  const rt = hw2 >>> 12;
  if ((hw2 & 15) !== 0 || (hw2 & 0x60) !== 0) return;
  insn.n = rt;
  if (op === 7 && !double) {
    if ((hw1 & 15) !== 1 || (hw2 & 0x80) !== 0 || rt === 13 || (rt === 15 && !toCore)) return;
    insn.op = toCore ? "vmrs" : "vmsr";
    return;
  }
  if (rt === 15 || rt === 13) return;
  if (double) {
    if (op > 1 || (hw2 & 0x80) !== 0) return;
    insn.d = single(hw1 & 15, op);
  } else {
    if (op !== 0) return;
    insn.d = single(hw1 & 15, (hw2 >>> 7) & 1);
  }
  insn.op = toCore ? "vmov.rs" : "vmov.sr";
}

const TWO_OPERAND: Record<number, readonly [string, string]> = {
  0: ["vmla", "vmls"],
  1: ["vnmls", "vnmla"],
  2: ["vmul", "vnmul"],
  3: ["vadd", "vsub"],
  4: ["vdiv", ""],
  5: ["vfnms", "vfnma"],
  6: ["vfma", "vfms"],
};

function dataProcessing(insn: Insn, hw1: number, hw2: number): void {
  const opcode = ((hw1 >>> 5) & 4) | ((hw1 >>> 4) & 3);
  const alternate = (hw2 >>> 6) & 1;
  insn.d = single(hw2 >>> 12, (hw1 >>> 6) & 1);
  insn.m = single(hw2 & 15, (hw2 >>> 5) & 1);
  if (opcode !== 7) {
    insn.n = single(hw1 & 15, (hw2 >>> 7) & 1);
    insn.op = TWO_OPERAND[opcode][alternate] || "udf";
    return;
  }
  const op2 = hw1 & 15;
  const high = (hw2 >>> 7) & 1;
  if (alternate === 0) {
    const imm8 = (op2 << 4) | (hw2 & 15);
    if ((hw2 & 0xa0) !== 0) return;
    insn.op = "vmov.imm";
    insn.imm = expandFloat(imm8);
    return;
  }
  unaryOperation(insn, op2, high);
}

function unaryOperation(insn: Insn, op2: number, high: number): void {
  if (op2 === 0) insn.op = high ? "vabs" : "vmov";
  else if (op2 === 1) insn.op = high ? "vsqrt" : "vneg";
  else if (op2 === 2 || op2 === 3) insn.op = (high ? "vcvtt" : "vcvtb") + (op2 === 2 ? ".f32.f16" : ".f16.f32");
  else if (op2 === 4) insn.op = high ? "vcmpe" : "vcmp";
  else if (op2 === 5) {
    insn.op = high ? "vcmpez" : "vcmpz";
    if (insn.m !== 0) insn.op = "udf";
  } else if (op2 === 8) insn.op = high ? "vcvt.f32.s32" : "vcvt.f32.u32";
  else if (op2 === 12 || op2 === 13) insn.op = `${high ? "vcvt" : "vcvtr"}.${op2 === 13 ? "s32" : "u32"}.f32`;
  else if (op2 === 10 || op2 === 11 || op2 >= 14) {
    // Fixed point: m holds imm4:i, the number of integer bits; imm becomes the number of fraction bits.
    const size = high ? 32 : 16;
    insn.imm = size - insn.m;
    insn.m = insn.d;
    const fixed = `${op2 & 1 ? "u" : "s"}${size}`;
    insn.op = op2 < 12 ? `vcvt.f32.${fixed}` : `vcvt.${fixed}.f32`;
    insn.sh = 1;
    if (insn.imm < 0) insn.op = "udf";
  }
}

/** VFPExpandImm for single precision, as a bit pattern. */
export function expandFloat(imm8: number): number {
  const sign = (imm8 >>> 7) << 31;
  const exponent = ((imm8 & 0x40) === 0 ? 0x80 : 0x7c) | ((imm8 >>> 4) & 3);
  return sign | (exponent << 23) | ((imm8 & 15) << 19);
}
