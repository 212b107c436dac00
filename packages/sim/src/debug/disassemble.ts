import { ALWAYS, type Insn, RRX } from "../cpu/insn.js";

const CONDITIONS = ["eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", ""] as const;
const REGISTERS = [...Array.from({ length: 13 }, (_, i) => `r${i}`), "sp", "lr", "pc"];
const SHIFTS = ["lsl", "lsr", "asr", "ror"] as const;
const SPECIAL: Record<number, string> = {
  0: "apsr",
  1: "iapsr",
  2: "eapsr",
  3: "xpsr",
  5: "ipsr",
  6: "epsr",
  7: "iepsr",
  8: "msp",
  9: "psp",
  16: "primask",
  17: "basepri",
  18: "basepri_max",
  19: "faultmask",
  20: "control",
};
const LONG = /^(smull|umull|smlal|umlal|umaal|smlal[bt][bt]|sml[as]ldx?)$/;

const reg = (index: number) => REGISTERS[index] ?? `?${index}`;
const hex = (value: number) => `0x${(value >>> 0).toString(16)}`;

/** Ranges of a register list: "{r4-r7, lr}". */
function list(mask: number): string {
  const parts: string[] = [];
  for (let i = 0; i < 16; i++) {
    if ((mask & (1 << i)) === 0) continue;
    let end = i;
    while (end < 12 && (mask & (1 << (end + 1))) !== 0) end++;
    parts.push(end > i + 1 ? `${reg(i)}-${reg(end)}` : reg(i));
    if (end > i + 1) i = end;
  }
  return `{${parts.join(", ")}}`;
}

function shift(insn: Insn): string {
  if (insn.sh === RRX) return ", rrx";
  return insn.shn === 0 ? "" : `, ${SHIFTS[insn.sh]} #${insn.shn}`;
}

function address(insn: Insn): string {
  const base = reg(insn.n);
  if (insn.m >= 0 && !insn.op.startsWith("strex")) return `[${base}, ${reg(insn.m)}${shift(insn)}]`;
  const offset = insn.imm === 0 && insn.up ? "" : `#${insn.up ? "" : "-"}${insn.imm}`;
  if (!insn.pre) return `[${base}]${offset === "" ? "" : `, ${offset}`}`;
  return `[${base}${offset === "" ? "" : `, ${offset}`}]${insn.wb ? "!" : ""}`;
}

function operand2(insn: Insn): string {
  return insn.m < 0 ? `#${insn.imm}` : `${reg(insn.m)}${shift(insn)}`;
}

function itMask(insn: Insn): string {
  const cond = insn.imm >>> 4;
  const mask = insn.imm & 15;
  let suffix = "";
  const length = 3 - (31 - Math.clz32(mask & -mask));
  for (let i = 0; i < length; i++) suffix += ((mask >>> (3 - i)) & 1) === (cond & 1) ? "t" : "e";
  return `it${suffix} ${CONDITIONS[cond]}`;
}

/** One instruction as text in unified syntax; `describe` names branch targets. */
export function disassemble(insn: Insn, describe: (address: number) => string = hex): string {
  const { op } = insn;
  if (op === "it") return itMask(insn);
  if (op === "udf") return `.word ${hex(insn.raw)}`;
  const suffix = insn.cond === ALWAYS ? "" : CONDITIONS[insn.cond];
  const flags = insn.s && !/^(cmp|cmn|tst|teq)$/.test(op) ? "s" : "";
  const operands = op[0] === "v" ? floating(insn) : integer(insn, describe);
  const [stem, ...types] = mnemonic(insn).split(".");
  const name = [`${stem}${flags}${suffix}`, ...types].join(".");
  return operands === "" ? name : `${name} ${operands}`;
}

function mnemonic(insn: Insn): string {
  const { op } = insn;
  if ((op === "ldm" || op === "stm") && insn.n === 13 && insn.wb) {
    if (op === "ldm" && insn.up) return "pop";
    if (op === "stm" && !insn.up) return "push";
  }
  if (op === "ldm" || op === "stm") return op + (insn.up ? "ia" : "db");
  if (op === "vldm" || op === "vstm") return op + (insn.up ? "ia" : "db");
  if (op === "mov" && insn.m >= 0 && (insn.shn !== 0 || insn.sh === RRX))
    return insn.sh === RRX ? "rrx" : SHIFTS[insn.sh];
  if (/^v(add|sub|n?mul|n?ml[as]|fn?m[as]|div|sqrt|abs|neg|mov|cmpe?z?)$/.test(op))
    return `${op.replace(/z$/, "")}.f32`;
  if (op === "vmov.imm") return "vmov.f32";
  return op.startsWith("vmov.") ? "vmov" : op;
}

function integer(insn: Insn, describe: (address: number) => string): string {
  const { op, d, n, m, a } = insn;
  if (/^(b|bl)$/.test(op)) return describe(insn.imm >>> 0);
  if (op === "cbz" || op === "cbnz") return `${reg(n)}, ${describe(insn.imm >>> 0)}`;
  if (op === "bx" || op === "blx") return reg(m);
  if (op === "tbb" || op === "tbh") return `[${reg(n)}, ${reg(m)}${op === "tbh" ? ", lsl #1" : ""}]`;
  if (op === "ldm" || op === "stm") {
    const stack = mnemonic(insn) === "push" || mnemonic(insn) === "pop";
    return stack ? list(insn.list) : `${reg(n)}${insn.wb ? "!" : ""}, ${list(insn.list)}`;
  }
  if (op === "ldrd" || op === "strd") return `${reg(d)}, ${reg(a)}, ${address(insn)}`;
  if (op.startsWith("strex")) return `${reg(d)}, ${reg(m)}, ${address(insn)}`;
  if (/^(ldr|str)/.test(op)) return `${reg(d)}, ${address(insn)}`;
  if (op === "adr") return `${reg(d)}, ${describe(insn.imm >>> 0)}`;
  if (op === "movw" || op === "movt") return `${reg(d)}, #${insn.imm}`;
  if (op === "mrs") return `${reg(d)}, ${SPECIAL[insn.imm] ?? insn.imm}`;
  if (op === "msr") return `${SPECIAL[insn.imm] ?? insn.imm}, ${reg(n)}`;
  if (op === "svc" || op === "bkpt") return `#${insn.imm}`;
  if (op === "cps")
    return `${insn.imm & 16 ? "disable" : "enable"} ${insn.imm & 2 ? "i" : ""}${insn.imm & 1 ? "f" : ""}`;
  if (/^(nop|yield|wfe|wfi|sev|dsb|dmb|isb|clrex|pld)$/.test(op)) return "";
  if (/^(bfi|bfc)$/.test(op)) return `${reg(d)}, ${op === "bfi" ? `${reg(n)}, ` : ""}#${insn.imm}, #${insn.shn}`;
  if (/^[su]bfx$/.test(op)) return `${reg(d)}, ${reg(n)}, #${insn.imm}, #${insn.shn}`;
  if (/^[su]sat/.test(op)) return `${reg(d)}, #${insn.imm}, ${reg(m)}${shift(insn)}`;
  if (/^[su]xt/.test(op)) {
    const rotation = insn.shn === 0 ? "" : `, ror #${insn.shn}`;
    return `${reg(d)}, ${n >= 0 ? `${reg(n)}, ` : ""}${reg(m)}${rotation}`;
  }
  if (LONG.test(op)) return `${reg(d)}, ${reg(a)}, ${reg(n)}, ${reg(m)}`;
  if (/^(mov|mvn)$/.test(op)) {
    const shifted = mnemonic(insn) !== op && insn.sh !== RRX;
    return shifted ? `${reg(d)}, ${reg(m)}, #${insn.shn}` : `${reg(d)}, ${insn.sh === RRX ? reg(m) : operand2(insn)}`;
  }
  if (/^(cmp|cmn|tst|teq)$/.test(op)) return `${reg(n)}, ${operand2(insn)}`;
  if (/^(clz|rev|rev16|revsh|rbit)$/.test(op)) return `${reg(d)}, ${reg(m)}`;
  if (/^q(d?add|d?sub)$/.test(op)) return `${reg(d)}, ${reg(m)}, ${reg(n)}`;
  const base = `${reg(d)}, ${reg(n)}, ${operand2(insn)}`;
  return a >= 0 ? `${base}, ${reg(a)}` : base;
}

function floating(insn: Insn): string {
  const { op, d, n, m, a } = insn;
  const s = (index: number) => `s${index}`;
  if (op === "vldr" || op === "vstr") return `${insn.list === 2 ? `d${d >> 1}` : s(d)}, ${address({ ...insn, m: -1 })}`;
  if (op === "vldm" || op === "vstm") return `${reg(n)}${insn.wb ? "!" : ""}, {s${d}-s${d + insn.list - 1}}`;
  if (op === "vmov.sr") return `${s(d)}, ${reg(n)}`;
  if (op === "vmov.rs") return `${reg(n)}, ${s(d)}`;
  if (op === "vmov.ssrr") return `${s(d)}, ${s(d + 1)}, ${reg(n)}, ${reg(a)}`;
  if (op === "vmov.rrss") return `${reg(n)}, ${reg(a)}, ${s(d)}, ${s(d + 1)}`;
  if (op === "vmrs") return `${n === 15 ? "apsr_nzcv" : reg(n)}, fpscr`;
  if (op === "vmsr") return `fpscr, ${reg(n)}`;
  if (op === "vmov.imm") return `${s(d)}, #${new Float32Array(Int32Array.of(insn.imm).buffer)[0]}`;
  if (op === "vcmpz" || op === "vcmpez") return `${s(d)}, #0`;
  if (insn.sh === 1) return `${s(d)}, ${s(d)}, #${insn.imm}`;
  return n >= 0 ? `${s(d)}, ${s(n)}, ${s(m)}` : `${s(d)}, ${s(m)}`;
}
