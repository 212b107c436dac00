import type { Insn } from "../insn.js";
import { FP, FP_ACTIVE, FP_ENABLED, FPSCR } from "../state.js";
import { emitAddress, multipleWords } from "./emit-memory.js";
import type { Emitter } from "./emitter.js";

const s = (index: number) => `S[${FP + index}]`;
/** Bits of FPSCR that exist: N Z C V, AHP DN FZ RMode, IDC and the five cumulative flags. */
const FPSCR_MASK = 0xf7c0009f | 0;

/** Emits floating-point instructions; false when `insn` is none of them. */
export function emitVfp(e: Emitter, insn: Insn): boolean {
  if (insn.op[0] !== "v") return false;
  e.push(`if(S[${FP_ENABLED}]===0)NOCP(${e.at(insn)});S[${FP_ACTIVE}]=1;`);
  if (transfer(e, insn) || move(e, insn) || arithmetic(e, insn)) return true;
  return conversion(e, insn);
}

function transfer(e: Emitter, insn: Insn): boolean {
  const { op } = insn;
  const load = op === "vldr" || op === "vldm";
  if (!load && op !== "vstr" && op !== "vstm") return false;
  const places = Array.from({ length: insn.list }, (_, i) => s(insn.d + i));
  let writesBack = false;
  if (op === "vldr" || op === "vstr") emitAddress(e, insn);
  else {
    const base = e.reg(insn, insn.n);
    const bytes = insn.imm;
    e.push(insn.up ? `t=${base};x=t+${bytes}|0;` : `t=${base}-${bytes}|0;x=t;`);
    writesBack = insn.wb;
    if (writesBack && insn.n === 13) e.push(`if(x<S[28])LOWSP(x,${e.at(insn)});`);
  }
  multipleWords(e, insn, places, load ? "load" : "store");
  if (writesBack) e.setReg(insn, insn.n, "x");
  return true;
}

function move(e: Emitter, insn: Insn): boolean {
  const { d, m, n, a } = insn;
  switch (insn.op) {
    case "vmov":
      e.push(`${s(d)}=${s(m)};`);
      return true;
    case "vmov.imm":
      e.push(`${s(d)}=${insn.imm};`);
      return true;
    case "vabs":
      e.push(`${s(d)}=${s(m)}&2147483647;`);
      return true;
    case "vneg":
      e.push(`${s(d)}=${s(m)}^-2147483648;`);
      return true;
    case "vmov.sr":
      e.push(`${s(d)}=${e.reg(insn, n)};`);
      return true;
    case "vmov.rs":
      e.setReg(insn, n, s(d));
      return true;
    case "vmov.ssrr":
      e.push(`${s(d)}=${e.reg(insn, n)};${s(d + 1)}=${e.reg(insn, a)};`);
      return true;
    case "vmov.rrss":
      e.setReg(insn, n, s(d));
      e.setReg(insn, a, s(d + 1));
      return true;
    case "vmsr":
      e.push(`S[${FPSCR}]=${e.reg(insn, n)}&${FPSCR_MASK};`);
      return true;
    case "vmrs":
      if (n === 15) {
        e.push("VFLAGS();");
        e.push(`${e.target("n")}=S[16];${e.target("z")}=S[17];${e.target("c")}=S[18];${e.target("v")}=S[19];`);
      } else e.setReg(insn, n, `S[${FPSCR}]`);
      return true;
    default:
      return false;
  }
}

const ACCUMULATES: Record<string, readonly [string, boolean, boolean]> = {
  vmla: ["VMLA", false, false],
  vmls: ["VMLA", false, true],
  vnmla: ["VMLA", true, true],
  vnmls: ["VMLA", true, false],
  vfma: ["VFMA", false, false],
  vfms: ["VFMA", false, true],
  vfnma: ["VFMA", true, true],
  vfnms: ["VFMA", true, false],
};

function arithmetic(e: Emitter, insn: Insn): boolean {
  const { op, d, n, m } = insn;
  const accumulate = ACCUMULATES[op];
  if (accumulate !== undefined) {
    e.push(`${accumulate[0]}(${d},${n},${m},${accumulate[1]},${accumulate[2]});`);
    return true;
  }
  switch (op) {
    case "vadd":
    case "vsub":
    case "vmul":
    case "vnmul":
    case "vdiv":
      e.push(`${op.toUpperCase()}(${d},${n},${m});`);
      return true;
    case "vsqrt":
      e.push(`VSQRT(${d},${m});`);
      return true;
    case "vcmp":
    case "vcmpe":
      e.push(`VCMP(${d},${m},${op === "vcmpe"});`);
      return true;
    case "vcmpz":
    case "vcmpez":
      e.push(`VCMP(${d},-1,${op === "vcmpez"});`);
      return true;
    default:
      return false;
  }
}

function conversion(e: Emitter, insn: Insn): boolean {
  const parts = /^vcvt([rbt]?)\.([fsu])(16|32)\.([fsu])(16|32)$/.exec(insn.op);
  if (parts === null) return false;
  const [, variant, toKind, toSize, fromKind, fromSize] = parts;
  const { d, m, imm } = insn;
  if (variant === "b" || variant === "t") e.push(`VHALF(${d},${m},${variant === "t"},${toSize === "16"});`);
  else if (toKind === "f") {
    if (insn.sh === 1) e.push(`VFROMX(${d},${fromSize},${imm},${fromKind === "u"});`);
    else e.push(`VFROMI(${d},${m},${fromKind === "u"});`);
  } else if (insn.sh === 1) e.push(`VTOX(${d},${toSize},${imm},${toKind === "u"});`);
  else e.push(`VTOI(${d},${m},${toKind === "u"},${variant !== "r"});`);
  return true;
}
