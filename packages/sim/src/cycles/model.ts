import { countBits, type Insn, isSingleLoad, isSingleStore, isSingleTransfer } from "../cpu/insn.js";
import type { CoreTiming } from "./parameters.js";

/** What the pipeline remembers of the instruction before: all that a static cost depends on. */
export interface PipelineContext {
  /** The instruction before was a 16-bit one (an IT behind it folds). */
  narrow: boolean;
  /** It was a load that the next load or store pipelines with, and the register it loads. */
  loading: boolean;
  loaded: number;
  /** Mask of registers that data processing just wrote. */
  results: number;
  /** Unaligned wide instructions in a row, whether all are stores, and whether the run has paid already. */
  run: number;
  stores: boolean;
  paid: boolean;
  /** S registers [fpFirst, fpFirst + fpCount) just computed. */
  fpFirst: number;
  fpCount: number;
  /** Conditions of the instructions still inside an IT block. */
  it: readonly number[];
}

/** Context right after a taken branch, an exception or reset. */
export const FRESH: PipelineContext = {
  narrow: false,
  loading: false,
  loaded: -1,
  results: 0,
  run: 0,
  stores: true,
  paid: false,
  fpFirst: 0,
  fpCount: 0,
  it: [],
};

export interface Cost {
  /** Cycles when executed and, for branches, not taken. */
  cycles: number;
  /** Extra cycles when the instruction changes PC (target alignment aside). */
  taken: number;
  next: PipelineContext;
}

const bit = (register: number) => (register >= 0 && register < 16 ? 1 << register : 0);

/** Static Cortex-M4 costs. Deterministic: the cost depends on the instruction and the context before it only. */
export class CycleModel {
  constructor(readonly timing: CoreTiming) {}

  /** Cost of `insn` behind `context`. */
  cost(insn: Insn, context: PipelineContext): Cost {
    const next: PipelineContext = { ...FRESH, narrow: insn.size === 2 };
    let cycles = this.base(insn, context, next);
    cycles += this.runPenalty(insn, context, next);
    if (insn.inIt) {
      // Whether the instruction executes is not known here: nothing is carried to the next one but the run.
      next.loading = false;
      next.results = 0;
      next.fpCount = 0;
    }
    return {
      cycles,
      taken: this.refill(insn),
      next: this.isBranch(insn) ? { ...FRESH, narrow: insn.size === 2 } : next,
    };
  }

  /** Cycles of an instruction in an IT block whose condition fails. */
  get skipped(): number {
    return this.timing.skipped.value;
  }

  private isBranch(insn: Insn): boolean {
    return /^(b|bl|bx|blx|cbz|cbnz|tbb|tbh)$/.test(insn.op);
  }

  private refill(insn: Insn): number {
    const t = this.timing;
    switch (insn.op) {
      case "bx":
      case "blx":
      case "mov":
      case "add":
        return t.registerBranchRefill.value;
      case "ldr":
      case "ldm":
        return t.loadBranchRefill.value;
      case "tbb":
      case "tbh":
        return t.tableBranchRefill.value;
      default:
        return t.branchRefill.value;
    }
  }

  private base(insn: Insn, context: PipelineContext, next: PipelineContext): number {
    const t = this.timing;
    const { op } = insn;
    if (isSingleTransfer(insn)) return this.single(insn, context, next);
    if (op[0] === "v") return this.floating(insn, context, next);
    const stall = this.addressStall(insn, context);
    switch (op) {
      case "it":
        return context.narrow ? t.ifThenFolded.value : t.ifThen.value;
      case "b":
      case "bl":
      case "bx":
      case "blx":
      case "cbz":
      case "cbnz":
        return t.branchNotTaken.value;
      case "ldm":
      case "stm":
        return t.multipleBase.value + countBits(insn.list) + stall;
      case "ldrd":
      case "strd":
        return t.multipleBase.value + 2 + stall;
      case "tbb":
      case "tbh":
        return t.loadSingle.value + stall;
      case "sdiv":
      case "udiv":
        next.results = bit(insn.d);
        return t.divideMinimum.value;
      case "dsb":
      case "dmb":
        return t.barrier.value;
      case "isb":
        return t.barrier.value + t.instructionBarrierRefill.value;
      case "mrs":
      case "msr":
      case "cps":
        return t.system.value;
      case "wfi":
      case "wfe":
        return t.wait.value;
      case "nop":
      case "yield":
      case "sev":
      case "svc":
      case "bkpt":
      case "udf":
      case "pld":
      case "clrex":
        return t.dataProcessing.value;
      default:
        next.results = bit(insn.d) | (/^([su]m[lu]|uma)/.test(op) && insn.raw >>> 23 === 0x1f7 ? bit(insn.a) : 0);
        return t.dataProcessing.value;
    }
  }

  private addressStall(insn: Insn, context: PipelineContext): number {
    const offset = isSingleTransfer(insn) && !insn.op.startsWith("strex") ? bit(insn.m) : 0;
    const table = insn.op === "tbb" || insn.op === "tbh" ? bit(insn.m) : 0;
    const loadsOrStores = insn.op !== "it" && /^(ldr|str|ldm|stm|tb|vld|vst)/.test(insn.op);
    if (!loadsOrStores) return 0;
    return (context.results & (bit(insn.n) | offset | table)) !== 0 ? this.timing.addressStall.value : 0;
  }

  private single(insn: Insn, context: PipelineContext, next: PipelineContext): number {
    const t = this.timing;
    const load = isSingleLoad(insn);
    const exclusive = insn.op.includes("ex");
    let cycles = load || exclusive ? t.loadSingle.value : insn.m >= 0 ? t.storeRegister.value : t.storeImmediate.value;
    const addresses = bit(insn.n) | (insn.op.startsWith("strex") ? 0 : bit(insn.m));
    const independent = (addresses & bit(context.loaded)) === 0;
    if (context.loading && independent && insn.d !== 15) cycles = Math.max(1, cycles - t.pipelinedSaving.value);
    if (load && insn.n === 15) cycles += t.literalLoadExtra.value;
    next.loading = load && insn.d !== 15 && (!insn.wb || t.baseUpdateLoadPipelines.value !== 0);
    next.loaded = next.loading ? insn.d : -1;
    return cycles + this.addressStall(insn, context);
  }

  private floating(insn: Insn, context: PipelineContext, next: PipelineContext): number {
    const t = this.timing;
    const { op } = insn;
    const computed = (count = 1) => {
      next.fpFirst = insn.d;
      next.fpCount = count;
    };
    const stall = this.usesFpResult(insn, context) ? t.fpResultStall.value : 0;
    if (/^v(ldr|str|ldm|stm)$/.test(op)) {
      return t.multipleBase.value + insn.list + this.addressStall(insn, context) + stall;
    }
    if (op === "vmov.rrss" || op === "vmov.ssrr") return t.fpMoveTwo.value + stall;
    if (op === "vmov.rs" || op === "vmrs") {
      next.results = bit(insn.n);
      return t.fpArithmetic.value + stall;
    }
    computed();
    if (/^v(n?ml[as]|fn?m[as])$/.test(op)) return t.fpMultiplyAccumulate.value + stall;
    if (op === "vdiv") return t.fpDivide.value + stall;
    if (op === "vsqrt") return t.fpSquareRoot.value + stall;
    if (/^vcmp|^vmsr/.test(op)) next.fpCount = 0;
    return t.fpArithmetic.value + stall;
  }

  private usesFpResult(insn: Insn, context: PipelineContext): boolean {
    if (context.fpCount === 0) return false;
    const hit = (register: number) => register >= context.fpFirst && register < context.fpFirst + context.fpCount;
    const { op } = insn;
    if (/^v(ldr|ldm)$|^vmov\.(sr|ssrr|imm)$|^vm[rs]/.test(op)) return false;
    if (/^v(str|stm)$|^vmov\.r/.test(op)) {
      return context.fpFirst >= insn.d && context.fpFirst < insn.d + Math.max(1, insn.list);
    }
    if (/^vcmp/.test(op)) return hit(insn.d) || (!op.endsWith("z") && hit(insn.m));
    const accumulates = /^v(n?ml[as]|fn?m[as])$/.test(op);
    return hit(insn.m) || (insn.n >= 0 && hit(insn.n)) || (accumulates && hit(insn.d));
  }

  private runPenalty(insn: Insn, context: PipelineContext, next: PipelineContext): number {
    if (insn.size !== 4 || (insn.addr & 2) === 0) return 0;
    const t = this.timing;
    next.run = Math.min(context.run + 1, 8);
    next.stores = context.stores && (isSingleStore(insn) || /^(strd|stm|vst)/.test(insn.op));
    next.paid = context.paid;
    const limit = next.stores ? t.wideRunLengthStores.value : t.wideRunLength.value;
    if (next.paid || next.run < limit) return 0;
    next.paid = true;
    return t.wideRunPenalty.value;
  }

  /** Extra cycles of SDIV and UDIV over the minimum, by quotient size. */
  divideExtra(dividend: number, divisor: number): number {
    const t = this.timing;
    const a = Math.abs(dividend);
    const b = Math.abs(divisor);
    if (b === 0 || a < b) return 0;
    const bits = Math.clz32(b) - Math.clz32(a) + 1;
    const cycles = t.divideStart.value + Math.ceil(bits / t.divideBitsPerCycle.value);
    return Math.min(cycles, t.divideMaximum.value) - t.divideMinimum.value;
  }
}

/** Interns contexts so that generated code can name one by a small number; 0 is FRESH. */
export class ContextTable {
  private readonly ids = new Map<string, number>();
  private readonly contexts: PipelineContext[] = [];

  constructor() {
    this.id(FRESH);
  }

  id(context: PipelineContext): number {
    const key = JSON.stringify(context);
    let id = this.ids.get(key);
    if (id === undefined) {
      id = this.contexts.length;
      this.contexts.push(context);
      this.ids.set(key, id);
    }
    return id;
  }

  get(id: number): PipelineContext {
    return this.contexts[id];
  }
}
