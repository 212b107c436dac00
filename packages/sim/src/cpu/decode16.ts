import { type Insn, newInsn, setImmediateShift, signExtend } from "./insn.js";

const ALU_OPS = [
  "and",
  "eor",
  "lsl",
  "lsr",
  "asr",
  "adc",
  "sbc",
  "ror",
  "tst",
  "rsb",
  "cmp",
  "cmn",
  "orr",
  "mul",
  "bic",
  "mvn",
] as const;
const REGISTER_TRANSFERS = ["str", "strh", "strb", "ldrsb", "ldr", "ldrh", "ldrb", "ldrsh"] as const;
const HINTS = ["nop", "yield", "wfe", "wfi", "sev"] as const;

/**
 * Decodes one 16-bit Thumb instruction (Arm ARM DDI 0403, A5.2).
 * @param inIt inside an IT block, where the short arithmetic forms leave the flags alone
 */
export function decode16(hw: number, addr: number, inIt: boolean): Insn {
  const insn = newInsn(addr, 2, hw);
  insn.inIt = inIt;
  const top = hw >>> 12;
  if (top < 4) shiftAddMoveCompare(insn, hw, inIt);
  else if (hw >>> 10 === 0x10) dataProcessing(insn, hw, inIt);
  else if (hw >>> 10 === 0x11) specialData(insn, hw);
  else if (top < 10) loadStore(insn, hw);
  else if (top === 10) addressOrStackAdd(insn, hw);
  else if (top === 11) miscellaneous(insn, hw);
  else if (top === 12) multiple(insn, hw);
  else branch(insn, hw);
  return insn;
}

function shiftAddMoveCompare(insn: Insn, hw: number, inIt: boolean): void {
  insn.s = !inIt;
  const op = hw >>> 11;
  if (op < 3) {
    insn.op = "mov";
    insn.d = hw & 7;
    insn.m = (hw >>> 3) & 7;
    setImmediateShift(insn, op, (hw >>> 6) & 31);
    if (hw >>> 6 === 0) insn.s = true; // MOVS T2
  } else if (op === 3) {
    insn.op = (hw & 0x200) === 0 ? "add" : "sub";
    insn.d = hw & 7;
    insn.n = (hw >>> 3) & 7;
    if ((hw & 0x400) === 0) insn.m = (hw >>> 6) & 7;
    else insn.imm = (hw >>> 6) & 7;
  } else {
    const register = (hw >>> 8) & 7;
    insn.op = ["mov", "cmp", "add", "sub"][op - 4];
    insn.imm = hw & 255;
    if (op !== 4) insn.n = register;
    if (op !== 5) insn.d = register;
    if (op === 5) insn.s = true;
  }
}

function dataProcessing(insn: Insn, hw: number, inIt: boolean): void {
  const index = (hw >>> 6) & 15;
  const low = hw & 7;
  const high = (hw >>> 3) & 7;
  insn.op = ALU_OPS[index];
  insn.s = !inIt;
  if (index === 8 || index === 10 || index === 11) {
    insn.n = low;
    insn.m = high;
    insn.s = true;
  } else if (index === 9) {
    insn.d = low;
    insn.n = high;
    insn.imm = 0;
  } else if (index === 13) {
    insn.d = low;
    insn.n = high;
    insn.m = low;
  } else {
    insn.d = low;
    insn.m = high;
    if (index !== 15) insn.n = low;
  }
}

function specialData(insn: Insn, hw: number): void {
  const d = ((hw >>> 4) & 8) | (hw & 7);
  const m = (hw >>> 3) & 15;
  const op = (hw >>> 8) & 3;
  if (op === 3) {
    if ((hw & 7) !== 0) return;
    insn.op = (hw & 0x80) === 0 ? "bx" : "blx";
    insn.m = m;
    return;
  }
  insn.op = ["add", "cmp", "mov"][op];
  insn.m = m;
  if (op !== 1) insn.d = d;
  if (op !== 2) insn.n = d;
  if (op === 1) insn.s = true;
}

function loadStore(insn: Insn, hw: number): void {
  const top5 = hw >>> 11;
  insn.d = hw & 7;
  insn.n = (hw >>> 3) & 7;
  if (top5 === 9) {
    insn.op = "ldr";
    insn.d = (hw >>> 8) & 7;
    insn.n = 15;
    insn.imm = (hw & 255) * 4;
  } else if (hw >>> 12 === 5) {
    insn.op = REGISTER_TRANSFERS[(hw >>> 9) & 7];
    insn.m = (hw >>> 6) & 7;
  } else if (hw >>> 12 === 9) {
    insn.op = (hw & 0x800) === 0 ? "str" : "ldr";
    insn.d = (hw >>> 8) & 7;
    insn.n = 13;
    insn.imm = (hw & 255) * 4;
  } else {
    const imm5 = (hw >>> 6) & 31;
    const load = (hw & 0x800) !== 0;
    const kind = hw >>> 12;
    insn.op = (load ? "ldr" : "str") + (kind === 7 ? "b" : kind === 8 ? "h" : "");
    insn.imm = imm5 * (kind === 7 ? 1 : kind === 8 ? 2 : 4);
  }
}

function addressOrStackAdd(insn: Insn, hw: number): void {
  insn.d = (hw >>> 8) & 7;
  insn.imm = (hw & 255) * 4;
  if ((hw & 0x800) === 0) {
    insn.op = "adr";
    insn.imm = (((insn.addr + 4) & ~3) + insn.imm) | 0;
  } else {
    insn.op = "add";
    insn.n = 13;
  }
}

function miscellaneous(insn: Insn, hw: number): void {
  const op = (hw >>> 8) & 15;
  if ((op & 5) === 1) {
    // CBZ, CBNZ: op is x0x1
    insn.op = (hw & 0x800) === 0 ? "cbz" : "cbnz";
    insn.n = hw & 7;
    insn.imm = (insn.addr + 4 + (((hw >>> 3) & 0x40) | ((hw >>> 2) & 0x3e))) | 0;
    return;
  }
  if (op === 0) {
    insn.op = (hw & 0x80) === 0 ? "add" : "sub";
    insn.d = insn.n = 13;
    insn.imm = (hw & 127) * 4;
  } else if (op === 2) {
    insn.op = ["sxth", "sxtb", "uxth", "uxtb"][(hw >>> 6) & 3];
    insn.d = hw & 7;
    insn.m = (hw >>> 3) & 7;
  } else if (op === 4 || op === 5) {
    insn.op = "stm";
    insn.n = 13;
    insn.up = false;
    insn.wb = true;
    insn.list = (hw & 255) | ((hw & 0x100) << 6);
    if (insn.list === 0) insn.op = "udf";
  } else if (op === 12 || op === 13) {
    insn.op = "ldm";
    insn.n = 13;
    insn.wb = true;
    insn.pre = false;
    insn.list = (hw & 255) | ((hw & 0x100) << 7);
    if (insn.list === 0) insn.op = "udf";
  } else if (op === 6) {
    if ((hw & 0xffec) === 0xb660) {
      insn.op = "cps";
      insn.imm = hw & 0x13;
    }
  } else if (op === 10) {
    const which = (hw >>> 6) & 3;
    if (which === 2) return;
    insn.op = which === 0 ? "rev" : which === 1 ? "rev16" : "revsh";
    insn.d = hw & 7;
    insn.m = (hw >>> 3) & 7;
  } else if (op === 14) {
    insn.op = "bkpt";
    insn.imm = hw & 255;
  } else if (op === 15) {
    if ((hw & 15) !== 0) {
      insn.op = "it";
      insn.imm = hw & 255;
      if (hw >>> 4 === 0xbff) insn.op = "udf";
    } else {
      insn.op = HINTS[(hw >>> 4) & 15] ?? "nop";
    }
  }
}

function multiple(insn: Insn, hw: number): void {
  insn.n = (hw >>> 8) & 7;
  insn.list = hw & 255;
  insn.pre = false;
  if (insn.list === 0) return;
  if ((hw & 0x800) === 0) {
    insn.op = "stm";
    insn.wb = true;
  } else {
    insn.op = "ldm";
    insn.wb = (insn.list & (1 << insn.n)) === 0;
  }
}

function branch(insn: Insn, hw: number): void {
  if (hw >>> 11 === 0x1c) {
    insn.op = "b";
    insn.imm = (insn.addr + 4 + signExtend((hw & 0x7ff) << 1, 12)) | 0;
    return;
  }
  if (hw >>> 12 !== 13) return;
  const cond = (hw >>> 8) & 15;
  if (cond === 14) return;
  if (cond === 15) {
    insn.op = "svc";
    insn.imm = hw & 255;
    return;
  }
  insn.op = "b";
  insn.cond = cond;
  insn.imm = (insn.addr + 4 + signExtend((hw & 255) << 1, 9)) | 0;
}
