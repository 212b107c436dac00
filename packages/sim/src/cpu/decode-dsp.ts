import type { Insn } from "./insn.js";

const EXTENDS = ["sxth", "uxth", "sxtb16", "uxtb16", "sxtb", "uxtb"] as const;
const PARALLEL_KINDS = ["add8", "add16", "asx", "", "sub8", "sub16", "sax"] as const;
const PARALLEL_PREFIXES = ["s", "q", "sh", "", "u", "uq", "uh"] as const;
const MISC = [
  ["qadd", "qdadd", "qsub", "qdsub"],
  ["rev", "rev16", "rbit", "revsh"],
  ["sel", "", "", ""],
  ["clz", "", "", ""],
] as const;

/** Data processing, register (first halfword 0xFAxx): register shifts, extends, parallel arithmetic, saturation. */
export function decodeRegisterData(insn: Insn, hw1: number, hw2: number): void {
  if (hw2 >>> 12 !== 15) return;
  insn.d = (hw2 >>> 8) & 15;
  insn.n = hw1 & 15;
  insn.m = hw2 & 15;
  if (insn.d === 15 || insn.m === 15) return;
  const op1 = (hw1 >>> 4) & 15;
  const op2 = (hw2 >>> 4) & 15;
  if (op1 < 8 && op2 === 0) {
    if (insn.n === 15) return;
    insn.op = ["lsl", "lsr", "asr", "ror"][op1 >>> 1];
    insn.s = (op1 & 1) !== 0;
  } else if (op1 < 6 && op2 >= 8) {
    if ((op2 & 4) !== 0) return;
    insn.op = EXTENDS[op1];
    insn.shn = (op2 & 3) * 8;
    if (insn.n === 15) insn.n = -1;
  } else if (op1 >= 8 && op2 < 8) {
    const kind = PARALLEL_KINDS[op1 & 7];
    const prefix = PARALLEL_PREFIXES[op2];
    if (!kind || !prefix || insn.n === 15) return;
    insn.op = prefix + kind;
  } else if (op1 >= 8 && op1 < 12 && op2 >= 8 && op2 < 12) {
    const op = MISC[op1 & 3][op2 & 3];
    if (op === "" || insn.n === 15) return;
    insn.op = op;
    if ((op1 & 3) === 1 || op === "clz") {
      if (insn.n !== insn.m) insn.op = "udf";
      insn.n = -1;
    }
  }
}

/** Multiplies, multiply accumulates, absolute differences, long multiplies and divides (first halfword 0xFBxx). */
export function decodeMultiply(insn: Insn, hw1: number, hw2: number): void {
  insn.n = hw1 & 15;
  insn.m = hw2 & 15;
  const op1 = (hw1 >>> 4) & 15;
  const op2 = (hw2 >>> 4) & 15;
  if (insn.n === 15 || insn.m === 15) return;
  if (op1 < 8) shortMultiply(insn, op1, op2, hw2);
  else longMultiply(insn, op1 & 7, op2, hw2);
}

function shortMultiply(insn: Insn, op1: number, op2: number, hw2: number): void {
  const ra = hw2 >>> 12;
  const b = (bit: number) => ((op2 >>> bit) & 1 ? "t" : "b");
  const x = op2 & 1 ? "x" : "";
  insn.d = (hw2 >>> 8) & 15;
  insn.a = ra === 15 ? -1 : ra;
  if (insn.d === 15) return;
  const plain = ra === 15;
  if (op1 === 0 && op2 < 2) {
    if (op2 === 1 && plain) return;
    insn.op = op2 === 1 ? "mls" : plain ? "mul" : "mla";
  } else if (op1 === 1 && op2 < 4) insn.op = (plain ? "smul" : "smla") + b(1) + b(0);
  else if (op1 === 2 && op2 < 2) insn.op = (plain ? "smuad" : "smlad") + x;
  else if (op1 === 3 && op2 < 2) insn.op = (plain ? "smulw" : "smlaw") + b(0);
  else if (op1 === 4 && op2 < 2) insn.op = (plain ? "smusd" : "smlsd") + x;
  else if (op1 === 5 && op2 < 2) insn.op = (plain ? "smmul" : "smmla") + (op2 ? "r" : "");
  else if (op1 === 6 && op2 < 2 && !plain) insn.op = "smmls" + (op2 ? "r" : "");
  else if (op1 === 7 && op2 === 0) insn.op = plain ? "usad8" : "usada8";
}

function longMultiply(insn: Insn, op1: number, op2: number, hw2: number): void {
  // Long results: d is the low word, a the high word.
  insn.d = hw2 >>> 12;
  insn.a = (hw2 >>> 8) & 15;
  if (op1 === 1 || op1 === 3) {
    if (op2 !== 15 || insn.d !== 15) return;
    insn.op = op1 === 1 ? "sdiv" : "udiv";
    insn.d = insn.a;
    insn.a = -1;
    if (insn.d === 15) insn.op = "udf";
    return;
  }
  if (insn.d === 15 || insn.a === 15 || insn.d === insn.a) return;
  const x = op2 & 1 ? "x" : "";
  if (op1 === 0 && op2 === 0) insn.op = "smull";
  else if (op1 === 2 && op2 === 0) insn.op = "umull";
  else if (op1 === 4 && op2 === 0) insn.op = "smlal";
  else if (op1 === 4 && op2 >= 8 && op2 < 12) insn.op = `smlal${op2 & 2 ? "t" : "b"}${op2 & 1 ? "t" : "b"}`;
  else if (op1 === 4 && (op2 & 14) === 12) insn.op = "smlald" + x;
  else if (op1 === 5 && (op2 & 14) === 12) insn.op = "smlsld" + x;
  else if (op1 === 6 && op2 === 0) insn.op = "umlal";
  else if (op1 === 6 && op2 === 6) insn.op = "umaal";
}
