import type { Core } from "../cpu/core.js";
import { isWide } from "../cpu/decode.js";
import type { AccessKind, CpuFault, FaultKind } from "../cpu/memory.js";
import type { SymbolTable } from "../elf/symbols.js";

export interface Frame {
  address: number;
  /** "name+0x12" or the bare address. */
  place: string;
}

/** All a developer needs to see of a fault; plain data. */
export interface FaultRecord {
  kind: FaultKind;
  message: string;
  access: AccessKind;
  /** Address that was accessed, or of the instruction. */
  address: number;
  /** Memory region of that address: "flash", "ram", a peripheral, "unmapped". */
  region: string;
  /** r0..r12, sp, lr, pc at the faulting instruction, and xPSR. */
  registers: number[];
  xpsr: number;
  /** Fault status registers as the processor would have set them. */
  cfsr: number;
  hfsr: number;
  /** Innermost first. Callers are return addresses found on the stack, so a stale one may appear. */
  backtrace: Frame[];
  instructions: number;
  cycles: number;
}

const CFSR_BITS: Record<FaultKind, number> = {
  unmapped: 0x8200, // BFARVALID, PRECISERR
  unaligned: 1 << 24,
  "flash-write": 0x8200,
  "divide-by-zero": 1 << 25,
  undefined: 1 << 16,
  "no-coprocessor": 1 << 19,
  "invalid-state": 1 << 17,
  "stack-limit": 1 << 4, // MSTKERR
  breakpoint: 0,
  lockup: 0,
  mpu: 0x82,
};

/** CFSR for a fault. Fetches from unmapped memory are IBUSERR. */
export function faultStatus(fault: CpuFault): number {
  return fault.kind === "unmapped" && fault.access === "fetch" ? 1 << 8 : CFSR_BITS[fault.kind];
}

/** Describes the stopped core after `fault`. */
export function recordFault(core: Core, fault: CpuFault, symbols: SymbolTable, stackTop: number): FaultRecord {
  const S = core.state.words;
  const registers = [...S.slice(0, 15), core.pc].map((value) => value >>> 0);
  return {
    kind: fault.kind,
    message: fault.message,
    access: fault.access,
    address: fault.address,
    region: core.memory.regionName(fault.address),
    registers,
    xpsr: core.exceptions.xpsr >>> 0,
    cfsr: faultStatus(fault),
    hfsr: 0x40000000, // FORCED
    backtrace: backtrace(core, symbols, stackTop),
    instructions: core.instructions,
    cycles: core.cycles,
  };
}

/** True when `address` (with Thumb bit) follows a BL or BLX. */
function isReturnAddress(core: Core, value: number): boolean {
  if ((value & 1) === 0) return false;
  const address = (value & ~1) >>> 0;
  if (address < 4 || !core.memory.isBacked(address - 4, 4)) return false;
  const before = core.memory.fetch(address - 2);
  if (!isWide(before) && (before & 0xff87) === 0x4780) return true;
  const first = core.memory.fetch(address - 4);
  return (first & 0xf800) === 0xf000 && (before & 0xd000) === 0xd000;
}

const MAXIMUM_FRAMES = 32;

/** pc, lr where it still holds the caller, and every word of the stack that looks like a return address. */
export function backtrace(core: Core, symbols: SymbolTable, stackTop: number): Frame[] {
  const S = core.state.words;
  const addresses = [core.pc];
  const add = (value: number) => {
    if (!isReturnAddress(core, value)) return;
    // The call, not the instruction behind it: the callee may never return.
    const address = (value & ~1) >>> 0;
    addresses.push(address);
  };
  const start = S[13] >>> 0;
  // The link register is the caller's unless the function has called others or saved it already.
  const inLeaf = symbols.indexOf(S[14] & ~1) !== symbols.indexOf(core.pc);
  const saved =
    core.memory.isBacked(start, 32) &&
    [0, 4, 8, 12, 16, 20, 24, 28].some((at) => core.memory.load(start + at, 4) === S[14]);
  if (inLeaf && !saved) add(S[14]);
  for (let at = start; at + 4 <= stackTop && addresses.length < MAXIMUM_FRAMES; at += 4) {
    if (!core.memory.isBacked(at, 4)) break;
    add(core.memory.load(at, 4));
  }
  return addresses.map((address, i) => ({ address, place: symbols.describe(i === 0 ? address : address - 2) }));
}

/** The record as text: what happened, where, registers, callers. */
export function formatFault(fault: FaultRecord): string {
  const hex = (value: number) => `0x${(value >>> 0).toString(16).padStart(8, "0")}`;
  const names = ["r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "sp", "lr", "pc"];
  const rows: string[] = [];
  for (let i = 0; i < 16; i += 4) {
    rows.push(
      names
        .slice(i, i + 4)
        .map((name, k) => `${name.padStart(4)} ${hex(fault.registers[i + k])}`)
        .join(" "),
    );
  }
  return [
    fault.message.startsWith(`${fault.kind} `) ? fault.message : `${fault.kind}: ${fault.message}`,
    `  address ${hex(fault.address)} in ${fault.region}, cfsr ${hex(fault.cfsr)}, xpsr ${hex(fault.xpsr)}`,
    ...rows,
    ...fault.backtrace.map((frame, i) => `  #${i} ${hex(frame.address)} ${frame.place}`),
  ].join("\n");
}
