import type { Exceptions } from "./exceptions.js";
import { SVCALL } from "./exceptions.js";
import type { Insn } from "./insn.js";
import { CpuFault } from "./memory.js";
import { type CpuState, FP_ACTIVE, readApsr, writeApsr } from "./state.js";

/** What the driver does after a system instruction. */
export type SystemEffect = "none" | "recheck" | "sleep" | "halt";

/**
 * Executes MRS, MSR, CPS, SVC, barriers, hints, BKPT and UDF with all registers in the register file.
 * "recheck": masks or pending exceptions may have changed. Throws CpuFault for UDF, BKPT and failed fetches.
 */
export function executeSystem(insn: Insn, state: CpuState, exceptions: Exceptions): SystemEffect {
  const S = state.words;
  switch (insn.op) {
    case "mrs":
      S[insn.d] = readSpecial(insn.imm, S, exceptions);
      return "none";
    case "msr":
      writeSpecial(insn.imm, S[insn.n], insn.shn, S, exceptions);
      return "recheck";
    case "cps": {
      const disable = (insn.imm & 0x10) !== 0 ? 1 : 0;
      if ((insn.imm & 2) !== 0) exceptions.primask = disable;
      if ((insn.imm & 1) !== 0) exceptions.faultmask = disable;
      return "recheck";
    }
    case "svc":
      exceptions.pending[SVCALL] = 1;
      return "recheck";
    case "wfi":
    case "wfe":
      return "sleep";
    case "bkpt":
      if (insn.imm === 0xab) return "halt";
      throw new CpuFault("breakpoint", insn.addr, "fetch", `bkpt #${insn.imm}`);
    case "udf":
      throw undefinedInstruction(insn);
    default:
      return "recheck";
  }
}

function undefinedInstruction(insn: Insn): CpuFault {
  const at = `0x${(insn.addr >>> 0).toString(16).padStart(8, "0")}`;
  if (insn.imm === -1)
    return new CpuFault("unmapped", insn.addr >>> 0, "fetch", `instruction fetch from unmapped ${at}`);
  const raw = insn.raw.toString(16).padStart(insn.size * 2, "0");
  return new CpuFault("undefined", insn.addr >>> 0, "fetch", `undefined instruction 0x${raw} at ${at}`);
}

function readSpecial(register: number, S: Int32Array, x: Exceptions): number {
  if (register < 8) {
    const ipsr = (register & 1) !== 0 ? x.ipsr : 0;
    return (register & 4) === 0 ? readApsr(S) | ipsr : ipsr;
  }
  switch (register) {
    case 8:
      return x.mainSp;
    case 9:
      return x.processSp;
    case 16:
      return x.primask;
    case 17:
    case 18:
      return x.basepri;
    case 19:
      return x.faultmask;
    case 20:
      return x.control | (S[FP_ACTIVE] << 2);
    default:
      return 0;
  }
}

function writeSpecial(register: number, value: number, mask: number, S: Int32Array, x: Exceptions): void {
  if (register < 4) writeApsr(S, value, (mask & 2) !== 0, (mask & 1) !== 0);
  else if (register === 8) x.mainSp = value;
  else if (register === 9) x.processSp = value;
  else if (register === 16) x.primask = value & 1;
  else if (register === 17) x.basepri = value & 0xe0;
  else if (register === 18) {
    const level = value & 0xe0;
    if (level !== 0 && (x.basepri === 0 || level < x.basepri)) x.basepri = level;
  } else if (register === 19) x.faultmask = value & 1;
  else if (register === 20) x.writeControl(value);
}
