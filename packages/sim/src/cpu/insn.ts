/** One decoded Thumb instruction: plain data shared by the translator, the cycle model and the disassembler. */
export interface Insn {
  /** Operation name in lower case without condition, width or flag suffix; "udf" when undefined. */
  op: string;
  /** Address the instruction was fetched from. */
  addr: number;
  size: 2 | 4;
  /** 16-bit encoding, or first halfword << 16 | second halfword (unsigned). */
  raw: number;
  /** Condition 0..14; 14 is always. Set from the encoding (B) or by the enclosing IT block. */
  cond: number;
  /** True inside an IT block (also for AL conditions). */
  inIt: boolean;
  /** Sets the flags. */
  s: boolean;
  /** Destination, first, second and third source register; -1 where absent. Loads and stores keep Rt in d. */
  d: number;
  n: number;
  m: number;
  a: number;
  /** Immediate, byte offset, branch target, lowest bit or saturation width, by op. */
  imm: number;
  /** Carry-out of a modified immediate: 0, 1, or -1 for unchanged. */
  carry: number;
  /** Shift of m: 0 LSL, 1 LSR, 2 ASR, 3 ROR, 4 RRX, and its amount (or a width or a rotation, by op). */
  sh: number;
  shn: number;
  /** Register list of LDM, STM; first register and count of VLDM, VSTM are d and list. */
  list: number;
  /** Indexed before the access, offset added, base written back. */
  pre: boolean;
  up: boolean;
  wb: boolean;
}

export const ALWAYS = 14;
export const LSL = 0;
export const LSR = 1;
export const ASR = 2;
export const ROR = 3;
export const RRX = 4;

/** A blank instruction at `addr`; decoders fill in what the encoding says. */
export function newInsn(addr: number, size: 2 | 4, raw: number): Insn {
  return {
    op: "udf",
    addr,
    size,
    raw,
    cond: ALWAYS,
    inIt: false,
    s: false,
    d: -1,
    n: -1,
    m: -1,
    a: -1,
    imm: 0,
    carry: -1,
    sh: LSL,
    shn: 0,
    list: 0,
    pre: true,
    up: true,
    wb: false,
  };
}

/** Sets shift type and amount from the two fields of a shifted-register encoding (Arm ARM DecodeImmShift). */
export function setImmediateShift(insn: Insn, type: number, amount: number): void {
  insn.sh = type;
  insn.shn = amount;
  if (amount !== 0) return;
  if (type === LSR || type === ASR) insn.shn = 32;
  if (type === ROR) {
    insn.sh = RRX;
    insn.shn = 1;
  }
}

/** Sign-extends the low `bits` bits of `value`. */
export function signExtend(value: number, bits: number): number {
  return (value << (32 - bits)) >> (32 - bits);
}

/** Single loads and stores of the integer side, any addressing mode. */
export function isSingleTransfer(insn: Insn): boolean {
  return isSingleLoad(insn) || isSingleStore(insn);
}

const LOADS = new Set(["ldr", "ldrb", "ldrh", "ldrsb", "ldrsh", "ldrex", "ldrexb", "ldrexh"]);
const STORES = new Set(["str", "strb", "strh", "strex", "strexb", "strexh"]);

export function isSingleLoad(insn: Insn): boolean {
  return LOADS.has(insn.op);
}

export function isSingleStore(insn: Insn): boolean {
  return STORES.has(insn.op);
}

/** Number of registers in a list. */
export function countBits(list: number): number {
  let count = 0;
  for (let rest = list; rest !== 0; rest &= rest - 1) count++;
  return count;
}
