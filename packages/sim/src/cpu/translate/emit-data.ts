import type { Insn } from "../insn.js";
import type { Emitter } from "./emitter.js";
import { shifterSetsCarry } from "./flags.js";

const LOGICAL: Record<string, (a: string, b: string) => string> = {
  and: (a, b) => `${a}&${b}`,
  tst: (a, b) => `${a}&${b}`,
  eor: (a, b) => `${a}^${b}`,
  teq: (a, b) => `${a}^${b}`,
  orr: (a, b) => `${a}|${b}`,
  orn: (a, b) => `${a}|~${b}`,
  bic: (a, b) => `${a}&~${b}`,
  mov: (_a, b) => b,
  mvn: (_a, b) => `~${b}`,
};
const ARITHMETIC = new Set(["add", "adc", "sub", "sbc", "rsb", "cmp", "cmn"]);
const REGISTER_SHIFTS: Record<string, string> = { lsl: "LSLR", lsr: "LSRR", asr: "ASRR", ror: "RORR" };

/** Emits integer data processing; false when `insn` belongs to another emitter. Never called with PC as destination. */
export function emitData(e: Emitter, insn: Insn): boolean {
  const { op } = insn;
  if (LOGICAL[op] !== undefined) logical(e, insn);
  else if (ARITHMETIC.has(op)) arithmetic(e, insn);
  else if (REGISTER_SHIFTS[op] !== undefined) registerShift(e, insn);
  else return bitOperation(e, insn);
  return true;
}

function logical(e: Emitter, insn: Insn): void {
  const a = insn.n >= 0 ? e.reg(insn, insn.n) : "0";
  const value = `${LOGICAL[insn.op](a, e.operand(insn))}`;
  const setsFlags = insn.s && e.live !== 0;
  if (!setsFlags) {
    if (insn.d >= 0) e.setReg(insn, insn.d, value);
    return;
  }
  e.push(`t=${value};`);
  if ((e.live & 4) !== 0 && shifterSetsCarry(insn)) e.push(`${e.flag("c")}=${e.shifterCarry(insn)};`);
  e.setNz("t");
  if (insn.d >= 0) e.setReg(insn, insn.d, "t");
}

function arithmetic(e: Emitter, insn: Insn): void {
  const { op } = insn;
  let a = e.reg(insn, insn.n);
  let b = e.operand(insn);
  if (op === "rsb") [a, b] = [b, a];
  const subtract = op === "sub" || op === "cmp" || op === "rsb";
  const withCarry = op === "adc" || op === "sbc";
  const needsOperands = insn.s && (e.keep || (e.live & 12) !== 0);
  if (op === "sbc") b = `~${b}`;
  if (!needsOperands) {
    const sum = withCarry ? `(${a}+${b}+${e.readFlag("c")}|0)` : `(${a}${subtract ? "-" : "+"}${wrapNegative(b)}|0)`;
    if (insn.s && (e.live & 3) !== 0) {
      e.push(`t=${sum};`);
      e.setNz("t");
      if (insn.d >= 0) e.setReg(insn, insn.d, "t");
    } else if (insn.d >= 0) e.setReg(insn, insn.d, sum);
    return;
  }
  e.push(`fa=${a};fb=${b};`);
  if (withCarry) e.push(`w=(fa>>>0)+(fb>>>0)+${e.readFlag("c")};t=w|0;`);
  else e.push(`t=fa${subtract ? "-" : "+"}fb|0;`);
  e.setNz("t");
  if ((e.live & 4) !== 0) {
    const carry = withCarry ? "w>4294967295?1:0" : subtract ? "(fa>>>0)>=(fb>>>0)?1:0" : "(t>>>0)<(fa>>>0)?1:0";
    e.push(`${e.flag("c")}=${carry};`);
  }
  if ((e.live & 8) !== 0) e.push(`${e.flag("v")}=${subtract ? "(fa^fb)&(fa^t)" : "(fa^t)&(fb^t)"};`);
  if (insn.d >= 0) e.setReg(insn, insn.d, "t");
}

function wrapNegative(expression: string): string {
  return expression.startsWith("-") || expression.startsWith("~") ? `(${expression})` : expression;
}

function registerShift(e: Emitter, insn: Insn): void {
  const value = e.reg(insn, insn.n);
  const amount = e.reg(insn, insn.m);
  const helper = REGISTER_SHIFTS[insn.op];
  if (!insn.s || e.live === 0) {
    e.setReg(insn, insn.d, `${helper}(${value},${amount})`);
    return;
  }
  e.push(`t=${helper}(${value},${amount});`);
  if ((e.live & 4) !== 0) e.push(`${e.flag("c")}=${helper}C(${value},${amount},${e.readFlag("c")});`);
  e.setNz("t");
  e.setReg(insn, insn.d, "t");
}

function rotated(value: string, rotation: number): string {
  return rotation === 0 ? value : `(${value}>>>${rotation}|${value}<<${32 - rotation})`;
}

function extend(e: Emitter, insn: Insn): string {
  const x = e.reg(insn, insn.m);
  const r = insn.shn;
  switch (insn.op) {
    case "sxtb":
      return r === 0 ? `${x}<<24>>24` : `${x}<<${24 - r}>>24`;
    case "uxtb":
      return `${x}>>>${r}&255`;
    case "sxth":
      return r === 24 ? `${rotated(x, 24)}<<16>>16` : `${x}<<${16 - r}>>16`;
    default:
      return r <= 16 ? `${x}>>>${r}&65535` : `${rotated(x, r)}&65535`;
  }
}

function extend16(e: Emitter, insn: Insn): void {
  const signed = insn.op === "sxtb16";
  const x = e.reg(insn, insn.m);
  const r = insn.shn;
  if (!signed && insn.n < 0) {
    e.setReg(insn, insn.d, `${rotated(x, r)}&16711935`);
    return;
  }
  // Low halfword from byte 0 of the rotated value, high halfword from byte 2.
  const low = signed ? (r === 24 ? `(${x}>>24)` : `(${x}<<${24 - r}>>24)`) : `(${rotated(x, r)}&255)`;
  e.push(`w=${rotated(x, r)};`);
  const high = signed ? "(w<<8>>24)" : "(w>>>16&255)";
  if (insn.n < 0) {
    e.setReg(insn, insn.d, `${low}&65535|${high}<<16`);
    return;
  }
  const n = e.reg(insn, insn.n);
  e.setReg(insn, insn.d, `${n}+${low}&65535|(${n}>>>16)+${high}<<16`);
}

function bitField(e: Emitter, insn: Insn): void {
  const width = insn.shn;
  const lsb = insn.imm;
  const mask = width === 32 ? -1 : ((1 << width) - 1) << lsb;
  if (insn.op === "bfc") {
    e.setReg(insn, insn.d, `${e.reg(insn, insn.d)}&${~mask}`);
  } else if (insn.op === "bfi") {
    e.setReg(insn, insn.d, `${e.reg(insn, insn.d)}&${~mask}|${e.reg(insn, insn.n)}<<${lsb}&${mask}`);
  } else {
    const up = 32 - width - lsb;
    e.setReg(insn, insn.d, `${e.reg(insn, insn.n)}<<${up}>>${insn.op === "ubfx" ? ">" : ""}${32 - width}|0`);
  }
}

function bitOperation(e: Emitter, insn: Insn): boolean {
  const { op } = insn;
  switch (op) {
    case "adr":
    case "movw":
      e.setReg(insn, insn.d, `${insn.imm | 0}`);
      return true;
    case "movt":
      e.setReg(insn, insn.d, `${e.reg(insn, insn.d)}&65535|${insn.imm << 16}`);
      return true;
    case "bfi":
    case "bfc":
    case "ubfx":
    case "sbfx":
      bitField(e, insn);
      return true;
    case "sxtb":
    case "sxth":
    case "uxtb":
    case "uxth": {
      const value = extend(e, insn);
      e.setReg(insn, insn.d, insn.n < 0 ? value : `${e.reg(insn, insn.n)}+(${value})|0`);
      return true;
    }
    case "sxtb16":
    case "uxtb16":
      extend16(e, insn);
      return true;
    case "clz":
      e.setReg(insn, insn.d, `Math.clz32(${e.reg(insn, insn.m)})`);
      return true;
    case "rev":
    case "rev16":
    case "revsh":
    case "rbit":
      e.setReg(insn, insn.d, `${op.toUpperCase()}(${e.reg(insn, insn.m)})`);
      return true;
    default:
      return false;
  }
}
