import { type ContextTable, type Cost, type CycleModel, FRESH, type PipelineContext } from "../../cycles/model.js";
import { decode, isWide } from "../decode.js";
import { ALWAYS, type Insn } from "../insn.js";
import { type FlagPlan, planFlags } from "./flags.js";

/** How a block hands over control. */
export type Ending =
  | "branch" // direct, perhaps conditional, perhaps a call
  | "indirect" // PC from a register or memory
  | "system" // the driver executes the last instruction
  | "cut"; // straight on, block too long or a stop address follows

export interface Block {
  /** Address and pipeline context this block was built for. */
  pc: number;
  context: number;
  insns: Insn[];
  costs: Cost[];
  ending: Ending;
  /** Address behind the last instruction. */
  end: number;
  /** Context there, for a block that is cut or falls through. */
  endContext: number;
  /** Address of a direct branch, -1 otherwise. */
  target: number;
  isCall: boolean;
  plan: FlagPlan;
}

export interface BlockSource {
  /** Halfword at an address, -1 where nothing can be fetched. */
  fetch(address: number): number;
  /** True where a block must end before this address. */
  isStop(address: number): boolean;
  model: CycleModel;
  contexts: ContextTable;
}

const SYSTEM_OPS = new Set(["svc", "bkpt", "udf", "cps", "mrs", "msr", "wfi", "wfe", "isb", "dsb", "dmb", "sev"]);

/** True when executing `insn` can change PC by data. */
export function writesPc(insn: Insn): boolean {
  const { op } = insn;
  if (op === "bx" || op === "blx" || op === "tbb" || op === "tbh") return true;
  if (op === "ldm") return (insn.list & 0x8000) !== 0;
  return insn.d === 15 && (op === "ldr" || op === "mov" || op === "add");
}

/** Decodes from `pc` to the next control transfer, at most about `limit` instructions. */
export function buildBlock(source: BlockSource, pc: number, context: number, limit: number): Block {
  const insns: Insn[] = [];
  const costs: Cost[] = [];
  let state: PipelineContext = source.contexts.get(context);
  const conditions = [...state.it];
  let at = pc;
  let ending: Ending = "cut";
  for (;;) {
    const hw1 = source.fetch(at);
    const wide = hw1 >= 0 && isWide(hw1);
    const hw2 = wide ? source.fetch(at + 2) : 0;
    const inIt = conditions.length > 0;
    const insn = decode(hw1 < 0 ? 0xde00 : hw1, Math.max(hw2, 0), at, inIt);
    if (hw1 < 0 || hw2 < 0) insn.imm = -1; // fetch fault, told apart from a real UDF
    if (inIt) insn.cond = conditions.shift() ?? ALWAYS;
    const cost = source.model.cost(insn, state);
    insns.push(insn);
    costs.push(cost);
    state = cost.next;
    at += insn.size;
    if (insn.op === "it") conditions.push(...expandIt(insn.imm));
    if (SYSTEM_OPS.has(insn.op)) ending = "system";
    else if (writesPc(insn)) ending = "indirect";
    else if (/^(b|bl|cbz|cbnz)$/.test(insn.op)) ending = "branch";
    else if (insns.length < limit && !source.isStop(at)) continue;
    break;
  }
  const last = insns[insns.length - 1];
  const isBranch = ending === "branch";
  if (ending === "branch" || ending === "indirect" || ending === "system")
    state = { ...FRESH, narrow: last.size === 2 };
  const nextIsIt = (source.fetch(at) & 0xff00) === 0xbf00;
  const plain = ending !== "cut" && !nextIsIt ? FRESH : state;
  const after = { ...plain, it: conditions };
  return {
    pc,
    context,
    insns,
    costs,
    ending,
    end: at,
    endContext: source.contexts.id(after),
    target: isBranch ? last.imm : -1,
    isCall: last.op === "bl" || last.op === "blx",
    plan: planFlags(insns, 15),
  };
}

/** Conditions of the instructions behind an IT, from its low byte. */
export function expandIt(firstCondAndMask: number): number[] {
  const base = firstCondAndMask >>> 4;
  const mask = firstCondAndMask & 15;
  const count = 4 - (31 - Math.clz32(mask & -mask));
  const conditions = [base];
  for (let i = 1; i < count; i++) conditions.push((base & 14) | ((mask >>> (4 - i)) & 1));
  return conditions.map((cond) => (cond === 15 ? ALWAYS : cond));
}

/** Whether the last instruction of a branch block may fall through. */
export function mayFallThrough(block: Block): boolean {
  if (block.ending === "cut" || block.ending === "system") return true;
  const last = block.insns[block.insns.length - 1];
  return last.op === "cbz" || last.op === "cbnz" || last.cond !== ALWAYS;
}

/** Re-plans flags when the flags live behind the block are known. */
export function replan(block: Block, liveOut: number): boolean {
  const before = block.plan.liveIn;
  block.plan = planFlags(block.insns, liveOut);
  return block.plan.liveIn !== before;
}
