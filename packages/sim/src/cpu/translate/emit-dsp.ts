import type { Insn } from "../insn.js";
import { HIGH } from "../state.js";
import type { Emitter } from "./emitter.js";

const PARALLEL = /^(s|q|sh|u|uq|uh)(add8|add16|asx|sub8|sub16|sax)$/;

/** Emits multiplies, divides, saturation and parallel arithmetic; false when `insn` belongs to another emitter. */
export function emitDsp(
  e: Emitter,
  insn: Insn,
  divideCycles: (a: string, b: string, signed: boolean) => string,
): boolean {
  const { op } = insn;
  if (insn.op === "mul" || op === "mla" || op === "mls") plainMultiply(e, insn);
  else if (op === "sdiv" || op === "udiv") divide(e, insn, divideCycles);
  else if (/^sm(ul|la)[bt][bt]$/.test(op) || /^sm(ul|la)w[bt]$/.test(op)) halfMultiply(e, insn);
  else if (/^sm(uad|lad|usd|lsd)x?$/.test(op)) dualMultiply(e, insn);
  else if (/^smm(ul|la|ls)r?$/.test(op)) highMultiply(e, insn);
  else if (op === "usad8" || op === "usada8") {
    const sum = `USAD8(${e.reg(insn, insn.n)},${e.reg(insn, insn.m)})`;
    e.setReg(insn, insn.d, insn.a < 0 ? sum : `${sum}+${e.reg(insn, insn.a)}|0`);
  } else if (/^([su]ml[al]l|umull|smull|umaal|smlal[bt][bt]|sml[as]ldx?|umlal|smlal)$/.test(op)) longMultiply(e, insn);
  else return saturation(e, insn);
  return true;
}

function plainMultiply(e: Emitter, insn: Insn): void {
  const product = `Math.imul(${e.reg(insn, insn.n)},${e.reg(insn, insn.m)})`;
  if (insn.op === "mul") {
    e.setReg(insn, insn.d, product);
    if (insn.s) e.setNz(e.reg(insn, insn.d));
  } else e.setReg(insn, insn.d, `${e.reg(insn, insn.a)}${insn.op === "mla" ? "+" : "-"}${product}|0`);
}

function divide(e: Emitter, insn: Insn, cycles: (a: string, b: string, signed: boolean) => string): void {
  const a = e.reg(insn, insn.n);
  const b = e.reg(insn, insn.m);
  const signed = insn.op === "sdiv";
  e.push(`if(${b}===0)DIVZERO(${e.at(insn)});`);
  const extra = cycles(a, b, signed);
  if (extra !== "") e.push(`cyc+=${extra};`);
  // x / 0 is NaN or an infinity, which |0 turns into 0; INT_MIN / -1 wraps.
  e.setReg(insn, insn.d, signed ? `${a}/${b}|0` : `(${a}>>>0)/(${b}>>>0)|0`);
}

function half(value: string, top: boolean): string {
  return top ? `(${value}>>16)` : `(${value}<<16>>16)`;
}

/** d = t + accumulator, Q on signed overflow of that addition; t is an int32. */
function accumulate(e: Emitter, insn: Insn): void {
  const a = e.reg(insn, insn.a);
  e.push(`u=${a};w=t+u|0;q|=(t^w)&(u^w);`);
  e.setReg(insn, insn.d, "w");
}

function halfMultiply(e: Emitter, insn: Insn): void {
  const n = e.reg(insn, insn.n);
  const m = e.reg(insn, insn.m);
  const { op } = insn;
  if (op[4] === "w") {
    e.push(`x=${half(m, op[5] === "t")};t=Math.imul(${n}>>16,x)+(Math.imul(${n}&65535,x)>>16)|0;`);
  } else e.push(`t=Math.imul(${half(n, op[4] === "t")},${half(m, op[5] === "t")});`);
  if (insn.a < 0) e.setReg(insn, insn.d, "t");
  else accumulate(e, insn);
}

function dualMultiply(e: Emitter, insn: Insn): void {
  const n = e.reg(insn, insn.n);
  const m = e.reg(insn, insn.m);
  const crossed = insn.op.endsWith("x");
  const subtract = insn.op[3] === "s" || insn.op[2] === "u" ? insn.op.includes("sd") : false;
  const low = `Math.imul(${half(n, false)},${half(m, crossed)})`;
  const high = `Math.imul(${half(n, true)},${half(m, !crossed)})`;
  if (subtract) {
    e.push(`t=${low}-${high}|0;`);
    if (insn.a < 0) e.setReg(insn, insn.d, "t");
    else accumulate(e, insn);
    return;
  }
  // The sum of the products overflows only as 2^31 (both 2^30), which then wraps to INT_MIN.
  if (insn.a < 0) {
    e.push(`t=${low}+${high}|0;q|=t===-2147483648?-1:0;`);
    e.setReg(insn, insn.d, "t");
    return;
  }
  const a = e.reg(insn, insn.a);
  e.push(`t=${low}+${high}|0;u=${a};w=t+u|0;q|=(t^w)&(u^w)^(t===-2147483648?-1:0);`);
  e.setReg(insn, insn.d, "w");
}

function highMultiply(e: Emitter, insn: Insn): void {
  const n = e.reg(insn, insn.n);
  const m = e.reg(insn, insn.m);
  const round = insn.op.endsWith("r");
  if (insn.op.startsWith("smmls")) {
    e.setReg(insn, insn.d, `SMMLS(${n},${m},${e.reg(insn, insn.a)},${round})`);
    return;
  }
  let value = `MULH(${n},${m})`;
  if (round) value += `+(Math.imul(${n},${m})>>>31)`;
  if (insn.a >= 0) value += `+${e.reg(insn, insn.a)}`;
  e.setReg(insn, insn.d, `${value}|0`);
}

function longMultiply(e: Emitter, insn: Insn): void {
  const n = e.reg(insn, insn.n);
  const m = e.reg(insn, insn.m);
  const { op } = insn;
  if (op === "smull" || op === "umull") {
    e.push(`t=Math.imul(${n},${m});w=${op === "smull" ? "MULH" : "UMULH"}(${n},${m});`);
  } else {
    const low = e.reg(insn, insn.d);
    const high = e.reg(insn, insn.a);
    let call: string;
    if (op === "smlal" || op === "umlal") call = `${op.toUpperCase()}(${low},${high},${n},${m})`;
    else if (op === "umaal") call = `UMAAL(${low},${high},${n},${m})`;
    else if (/^smlal[bt]/.test(op)) {
      call = `ADD64(${low},${high},Math.imul(${half(n, op[5] === "t")},${half(m, op[6] === "t")}))`;
    } else {
      const crossed = op.endsWith("x");
      const sign = op.startsWith("smls") ? "-" : "+";
      const products = `Math.imul(${half(n, false)},${half(m, crossed)})${sign}Math.imul(${half(n, true)},${half(m, !crossed)})`;
      call = `ADD64(${low},${high},${products})`;
    }
    e.push(`t=${call};w=S[${HIGH}];`);
  }
  e.setReg(insn, insn.d, "t");
  e.setReg(insn, insn.a, "w");
}

function saturation(e: Emitter, insn: Insn): boolean {
  const { op } = insn;
  switch (op) {
    case "ssat":
    case "usat": {
      e.push(`t=${e.shifted(insn, e.reg(insn, insn.m))};`);
      const lowest = op === "usat" ? 0 : -(2 ** (insn.imm - 1));
      const highest = op === "usat" ? 2 ** insn.imm - 1 : 2 ** (insn.imm - 1) - 1;
      e.push(`if(t<${lowest}){t=${lowest};q=-1;}else if(t>${highest}){t=${highest};q=-1;}`);
      e.setReg(insn, insn.d, "t");
      return true;
    }
    case "ssat16":
    case "usat16":
      e.setReg(insn, insn.d, `${op.toUpperCase()}(${e.reg(insn, insn.m)},${insn.imm})`);
      return true;
    case "qadd":
    case "qsub":
    case "qdadd":
    case "qdsub": {
      const n = e.reg(insn, insn.n);
      e.push(op[1] === "d" ? `x=SATURATE(2*${n});` : `x=${n};`);
      e.setReg(insn, insn.d, `SATURATE(${e.reg(insn, insn.m)}${op.endsWith("add") ? "+" : "-"}x)`);
      return true;
    }
    case "sel":
      e.setReg(insn, insn.d, `SEL(${e.reg(insn, insn.n)},${e.reg(insn, insn.m)})`);
      return true;
    case "pkhbt":
      e.setReg(insn, insn.d, `${e.reg(insn, insn.n)}&65535|${e.shifted(insn, e.reg(insn, insn.m))}&-65536`);
      return true;
    case "pkhtb":
      e.setReg(insn, insn.d, `${e.reg(insn, insn.n)}&-65536|${e.shifted(insn, e.reg(insn, insn.m))}&65535`);
      return true;
    default: {
      const parts = PARALLEL.exec(op);
      if (parts === null) return false;
      e.setReg(insn, insn.d, `${op.toUpperCase()}(${e.reg(insn, insn.n)},${e.reg(insn, insn.m)})`);
      return true;
    }
  }
}
