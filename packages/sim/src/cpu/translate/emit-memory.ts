import { countBits, type Insn, isSingleLoad, isSingleStore } from "../insn.js";
import { EXCLUSIVE } from "../state.js";
import type { Access, Emitter } from "./emitter.js";

/** Bytes a single transfer moves. */
export function transferBytes(op: string): Access {
  if (op.endsWith("b")) return 1;
  return op.endsWith("h") ? 2 : 4;
}

/**
 * Emits loads and stores except those that write PC, which the region emitter asks for through `emitLoadValue`.
 * Returns false when `insn` belongs to another emitter.
 */
export function emitMemory(e: Emitter, insn: Insn): boolean {
  const { op } = insn;
  if (op === "pld" || op === "clrex") {
    if (op === "clrex") e.push(`S[${EXCLUSIVE}]=0;`);
    return true;
  }
  if (op === "strex" || op === "strexb" || op === "strexh") storeExclusive(e, insn);
  else if (isSingleLoad(insn)) singleLoad(e, insn);
  else if (isSingleStore(insn)) singleStore(e, insn);
  else if (op === "ldrd" || op === "strd") dual(e, insn);
  else if (op === "ldm") loadMultiple(e, insn);
  else if (op === "stm") storeMultiple(e, insn);
  else return false;
  return true;
}

/** Sets local t to the access address; x to the written-back base when it differs. Returns true when the base changes. */
export function emitAddress(e: Emitter, insn: Insn): boolean {
  const offset = insn.up ? insn.imm : -insn.imm;
  if (insn.n === 15) {
    e.push(`t=${(((insn.addr + 4) & ~3) + offset) | 0};`);
    return false;
  }
  const base = e.reg(insn, insn.n);
  if (insn.m >= 0 && !insn.op.startsWith("strex")) {
    e.push(`t=${base}+${e.shifted(insn, e.reg(insn, insn.m))}|0;`);
    return false;
  }
  const moved = offset === 0 ? base : `${base}+${offset < 0 ? `(${offset})` : offset}|0`;
  e.push(`t=${insn.pre ? moved : base};`);
  if (insn.wb) e.push(insn.pre ? "x=t;" : `x=${moved};`);
  return insn.wb;
}

/** Sets local w to the loaded, extended value. */
export function emitLoadValue(e: Emitter, insn: Insn): void {
  const bytes = transferBytes(insn.op);
  e.loadFrom(insn, bytes, "w");
  if (insn.op === "ldrsb") e.push("w=w<<24>>24;");
  else if (insn.op === "ldrsh") e.push("w=w<<16>>16;");
}

function singleLoad(e: Emitter, insn: Insn): void {
  const exclusive = insn.op.startsWith("ldrex");
  const writesBack = emitAddress(e, insn);
  if (exclusive) e.push(`ALIGNED(t,${transferBytes(insn.op)},${e.at(insn)});S[${EXCLUSIVE}]=1;`);
  emitLoadValue(e, insn);
  if (writesBack) e.setReg(insn, insn.n, "x");
  e.setReg(insn, insn.d, "w");
}

function singleStore(e: Emitter, insn: Insn): void {
  const writesBack = emitAddress(e, insn);
  if (writesBack && insn.n === 13) e.push(`if(x<S[28])LOWSP(x,${e.at(insn)});`);
  e.storeTo(insn, transferBytes(insn.op), e.reg(insn, insn.d));
  if (writesBack) e.setReg(insn, insn.n, "x");
}

function storeExclusive(e: Emitter, insn: Insn): void {
  emitAddress(e, insn);
  const bytes = transferBytes(insn.op);
  e.push(`ALIGNED(t,${bytes},${e.at(insn)});`);
  e.push(`if(S[${EXCLUSIVE}]!==0){`);
  e.storeTo(insn, bytes, e.reg(insn, insn.m));
  e.push(`S[${EXCLUSIVE}]=0;`);
  e.setReg(insn, insn.d, "0");
  e.push("}else{");
  e.setReg(insn, insn.d, "1");
  e.push("}");
}

function dual(e: Emitter, insn: Insn): void {
  const writesBack = emitAddress(e, insn);
  if (insn.op === "ldrd") {
    multipleWords(e, insn, ["w", "y"], "load");
    if (writesBack) e.setReg(insn, insn.n, "x");
    e.setReg(insn, insn.d, "w");
    e.setReg(insn, insn.a, "y");
    return;
  }
  if (writesBack && insn.n === 13) e.push(`if(x<S[28])LOWSP(x,${e.at(insn)});`);
  multipleWords(e, insn, [e.reg(insn, insn.d), e.reg(insn, insn.a)], "store");
  if (writesBack) e.setReg(insn, insn.n, "x");
}

/**
 * Moves consecutive words from or to the address in t, which must be word aligned. One range check covers them all.
 * `places` are assignable expressions (load) or values (store).
 */
export function multipleWords(e: Emitter, insn: Insn, places: readonly string[], kind: "load" | "store"): void {
  const { memory, flashDataWaitStates, checkCodeWrites } = e.options;
  const bytes = places.length * 4;
  const at = e.at(insn);
  const ram = `((u=t-${memory.ramBase}|0)>>>0)<=${memory.ramBytes - bytes}&&(u&3)===0`;
  if (kind === "load") {
    const inline = (array: string) => places.map((place, i) => `${place}=${array}[u+${i}];`).join("");
    const wait = flashDataWaitStates === 0 ? "" : `cyc+=${flashDataWaitStates * places.length};`;
    const slow = places.map((place, i) => `${place}=L4(t+${4 * i}|0,${at});`).join("");
    e.push(`if(${ram}){u>>=2;${inline("m32")}}`);
    e.push(`else if(((u=t-${memory.flashBase}|0)>>>0)<=${memory.flashBytes - bytes}&&(u&3)===0)`);
    e.push(`{${wait}u>>=2;${inline("f32")}}else{ALIGNED(t,4,${at});${slow}}`);
    return;
  }
  const inline = places.map((place, i) => `m32[u+${i}]=${place};`).join("");
  const slow = places.map((place, i) => `S4(t+${4 * i}|0,${place},${at});`).join("");
  e.push(
    `if(${ram}${checkCodeWrites ? "&&NOCODE(u," + bytes + ")" : ""}){u>>=2;${inline}}else{ALIGNED(t,4,${at});${slow}}`,
  );
}

function registersOf(list: number): number[] {
  const registers: number[] = [];
  for (let i = 0; i < 16; i++) if ((list & (1 << i)) !== 0) registers.push(i);
  return registers;
}

/**
 * LDM without PC in the list, or with it: then the loaded PC is left in local `pc` and `emitMemory` is not used.
 * All words are read before any register changes, so a fault leaves the registers as they were.
 */
export function loadMultiple(e: Emitter, insn: Insn): void {
  const registers = registersOf(insn.list);
  const base = e.reg(insn, insn.n);
  const bytes = countBits(insn.list) * 4;
  e.push(`t=${insn.up ? base : `${base}-${bytes}|0`};`);
  if (insn.wb) e.push(`x=${insn.up ? `t+${bytes}|0` : "t"};`);
  const places = registers.map((r) => (r === 15 ? "pc" : r === insn.n || r === 13 ? "w" : e.target(`r${r}`)));
  // The base register may be in the list; its load must not disturb a faulting retry, so it goes through w.
  multipleWords(e, insn, places, "load");
  if (insn.wb) e.setReg(insn, insn.n, "x");
  if (places.includes("w")) e.setReg(insn, insn.n, "w");
}

function storeMultiple(e: Emitter, insn: Insn): void {
  const registers = registersOf(insn.list);
  const base = e.reg(insn, insn.n);
  const bytes = countBits(insn.list) * 4;
  if (insn.up) {
    e.push(`t=${base};`);
    if (insn.wb) e.push(`x=t+${bytes}|0;`);
  } else {
    e.push(`t=${base}-${bytes}|0;`);
    if (insn.wb) e.push("x=t;");
    if (insn.wb && insn.n === 13) e.push(`if(x<S[28])LOWSP(x,${e.at(insn)});`);
  }
  multipleWords(
    e,
    insn,
    registers.map((r) => e.reg(insn, r)),
    "store",
  );
  if (insn.wb) e.setReg(insn, insn.n, "x");
}
