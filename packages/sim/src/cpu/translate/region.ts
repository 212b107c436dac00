import type { CycleModel } from "../../cycles/model.js";
import { isWide } from "../decode.js";
import { ALWAYS, type Insn } from "../insn.js";
import { CONTEXT, CYCLE_LIMIT, INSTRUCTION_LIMIT, SYSTEM } from "../state.js";
import { type Block, type BlockSource, buildBlock, mayFallThrough, replan } from "./block.js";
import { emitData } from "./emit-data.js";
import { emitDsp } from "./emit-dsp.js";
import { emitAddress, emitLoadValue, emitMemory, loadMultiple } from "./emit-memory.js";
import { emitVfp } from "./emit-vfp.js";
import { type EmitOptions, Emitter, type SiteTable } from "./emitter.js";

/** Extra cycles a block of code costs for being fetched from slow memory; see cycles/fetch.ts. */
export interface FetchModel {
  /** Static extra cycles of the straight code [pc, end) that takes `cycles` to execute. */
  blockCycles(pc: number, end: number, cycles: number): number;
  /** Addresses of the cache lines to look up when the block is entered; empty without a cache. */
  blockLines(pc: number, end: number): number[];
}

export interface RegionOptions extends EmitOptions {
  fetch: FetchModel;
  /** Calls PROFILE at calls, returns and jumps between functions. */
  profile: boolean;
  /** Calls TRACE before every instruction. */
  trace: boolean;
  /** Function that holds an address, as an index, for the profile; -1 unknown. */
  functionOf(address: number): number;
  maximumBlocks: number;
  maximumInstructions: number;
  maximumBlockLength: number;
}

export interface Region {
  source: string;
  blocks: Block[];
}

const key = (pc: number, context: number) => pc * 0x100000 + context;

/** Translates the code reachable by direct branches from (pc, context) into the source of one JavaScript function. */
export function translateRegion(
  source: BlockSource,
  options: RegionOptions,
  sites: SiteTable,
  pc: number,
  context: number,
): Region {
  const blocks = discover(source, options, pc, context);
  const index = new Map(blocks.map((block, i) => [key(block.pc, block.context), i]));
  propagateFlags(blocks, index);
  const e = new Emitter(options, sites);
  const writer = new RegionWriter(e, source, options, blocks, index);
  for (let i = 0; i < blocks.length; i++) writer.block(i);
  const body = e.lines.join("\n");
  const code =
    `return function region(b){${e.declare()}\ntry{L:for(;;){switch(b){\n${body}\n}}}` +
    `catch(error){${e.spill()}throw error;}\n${e.spill()}return pc;}`;
  return { source: code, blocks };
}

function discover(source: BlockSource, options: RegionOptions, pc: number, context: number): Block[] {
  const blocks: Block[] = [];
  const seen = new Set<number>();
  const queue: [number, number][] = [[pc, context]];
  let instructions = 0;
  while (queue.length > 0 && blocks.length < options.maximumBlocks && instructions < options.maximumInstructions) {
    const [at, from] = queue.shift() as [number, number];
    if (seen.has(key(at, from)) || (blocks.length > 0 && (source.isStop(at) || source.fetch(at) < 0))) continue;
    seen.add(key(at, from));
    const block = buildBlock(source, at, from, options.maximumBlockLength);
    blocks.push(block);
    instructions += block.insns.length;
    if (mayFallThrough(block) && block.ending !== "system") queue.unshift([block.end, block.endContext]);
    if (block.target >= 0) queue.push([block.target, 0]);
    if (block.isCall) queue.push([block.end, 0]);
  }
  return blocks;
}

/** Finds which flags each block must leave behind: all of them wherever the region is left. */
function propagateFlags(blocks: Block[], index: Map<number, number>): void {
  const liveAt = (pc: number, context: number) => {
    const i = index.get(key(pc, context));
    return i === undefined ? 15 : blocks[i].plan.liveIn;
  };
  for (let changed = true, rounds = 0; changed && rounds < 8; rounds++) {
    changed = false;
    for (let i = blocks.length - 1; i >= 0; i--) {
      const block = blocks[i];
      let live = 0;
      if (block.ending === "indirect" || block.ending === "system") live = 15;
      if (block.target >= 0) live |= liveAt(block.target, 0);
      if (mayFallThrough(block)) live |= liveAt(block.end, block.endContext);
      if (replan(block, live)) changed = true;
    }
  }
}

class RegionWriter {
  constructor(
    private readonly e: Emitter,
    private readonly source: BlockSource,
    private readonly options: RegionOptions,
    private readonly blocks: readonly Block[],
    private readonly index: ReadonlyMap<number, number>,
  ) {}

  private get model(): CycleModel {
    return this.source.model;
  }

  block(position: number): void {
    const { e, options } = this;
    const block = this.blocks[position];
    const selfLoop = block.target === block.pc && block.context === 0;
    e.push(`case ${position}:${selfLoop ? "for(;;)" : ""}{`);
    e.blockInstructions = 0;
    e.blockCycles = 0;
    const lines = options.fetch.blockLines(block.pc, block.end);
    if (lines.length > 0) e.push(`cyc+=${lines.map((line) => `ICACHE(${line})`).join("+")};`);
    const last = block.insns.length - 1;
    for (let i = 0; i <= last; i++) {
      const insn = block.insns[i];
      if (options.trace) e.push(`TRACE(${e.site(insn)},cyc,ins);`);
      e.live = block.plan.live[i];
      e.keep = block.plan.keep[i];
      const isLast = i === last;
      if (isLast && block.ending !== "cut") break;
      this.straight(insn, block, i);
      this.count(block, i);
    }
    this.finish(block, position, selfLoop);
    e.push("}");
  }

  private count(block: Block, i: number): void {
    this.e.blockInstructions++;
    this.e.blockCycles += block.costs[i].cycles;
  }

  private condition(block: Block, i: number): string {
    return this.e.condition(block.insns[i].cond, block.plan.fused[i] >= 0);
  }

  /** One instruction that goes on to the next. */
  private straight(insn: Insn, block: Block, i: number): void {
    const { e } = this;
    if (insn.op === "it" || insn.op === "nop" || insn.op === "yield" || insn.op === "pld") return;
    const conditional = insn.cond !== ALWAYS;
    if (conditional) {
      // The static count is that of the executed instruction; the skipped one gives the difference back.
      const back = this.model.skipped - block.costs[i].cycles;
      e.push(`if(!(${this.condition(block, i)})){${back === 0 ? "" : `cyc+=${back};`}}else{`);
    }
    if (!(emitMemory(e, insn) || emitData(e, insn) || this.dsp(insn) || emitVfp(e, insn))) {
      throw new Error(`no translation for ${insn.op}`);
    }
    if (conditional) e.push("}");
  }

  private dsp(insn: Insn): boolean {
    return emitDsp(this.e, insn, (a, b, signed) => (signed ? `DIVCYC(${a},${b})` : `DIVCYC(${a}>>>0,${b}>>>0)`));
  }

  /** Adds the static counts of the block, the last instruction included. */
  private settle(block: Block, extra: number): void {
    const { e } = this;
    const cost = block.costs[block.insns.length - 1];
    const cut = block.ending === "cut";
    const cycles = e.blockCycles + (cut ? 0 : cost.cycles);
    const fetch = this.options.fetch.blockCycles(block.pc, block.end, cycles);
    const instructions = e.blockInstructions + (cut ? 0 : 1);
    e.push(`ins+=${instructions};cyc+=${cycles + fetch + extra};`);
  }

  private finish(block: Block, position: number, selfLoop: boolean): void {
    const { e } = this;
    const i = block.insns.length - 1;
    const last = block.insns[i];
    switch (block.ending) {
      case "cut":
        this.settle(block, 0);
        this.goStraight(block, position);
        return;
      case "system":
        // The driver looks at the condition itself: the flags are in the register file by then.
        e.push(`S[${SYSTEM}]=${e.site(last)};`);
        if (last.cond !== ALWAYS) e.push(`if(!(${this.condition(block, i)}))S[${SYSTEM}]=-2;`);
        this.settle(block, 0);
        e.push(`S[${CONTEXT}]=${block.endContext};pc=${block.end | 1};break L;`);
        return;
      case "branch":
        this.directBranch(block, position, selfLoop);
        return;
      default:
        this.indirectBranch(block, position);
    }
  }

  private goStraight(block: Block, position: number): void {
    const { e } = this;
    const next = this.index.get(key(block.end, block.endContext));
    if (next === undefined) {
      e.push(`S[${CONTEXT}]=${block.endContext};pc=${block.end | 1};break L;`);
    } else this.enter(next, position, block.end);
  }

  /** Continues with a block of this region; backward jumps look at the limits. */
  private enter(next: number, position: number, pc: number): void {
    const { e } = this;
    if (next <= position) {
      e.push(`if(cyc>=S[${CYCLE_LIMIT}]||ins>=S[${INSTRUCTION_LIMIT}]){pc=${pc | 1};break L;}`);
    }
    e.push(`b=${next};continue L;`);
  }

  /** Extra cycle of branching to a wide instruction at an unaligned address. */
  private targetCycles(target: number): number {
    const wide = (target & 2) !== 0 && isWide(Math.max(0, this.source.fetch(target)));
    return wide ? this.model.timing.branchToUnalignedWide.value : 0;
  }

  private directBranch(block: Block, position: number, selfLoop: boolean): void {
    const { e } = this;
    const i = block.insns.length - 1;
    const last = block.insns[i];
    this.settle(block, 0);
    const conditional = mayFallThrough(block);
    if (conditional) {
      let test: string;
      if (last.op === "cbz" || last.op === "cbnz") test = `${e.reg(last, last.n)}${last.op === "cbz" ? "===" : "!=="}0`;
      else test = this.condition(block, i);
      e.push(`if(${test}){`);
    }
    e.push(`cyc+=${block.costs[i].taken + this.targetCycles(block.target)};`);
    if (last.op === "bl") e.push(`${e.target("r14")}=${block.end | 1};`);
    this.profileJump(block, last.op === "bl" ? "call" : "jump", `${block.target}`);
    const next = this.index.get(key(block.target, 0));
    if (next === undefined) e.push(`pc=${block.target | 1};break L;`);
    else if (selfLoop) {
      e.push(`if(cyc>=S[${CYCLE_LIMIT}]||ins>=S[${INSTRUCTION_LIMIT}]){pc=${block.target | 1};break L;}continue;`);
    } else this.enter(next, position, block.target);
    if (conditional) {
      e.push("}");
      this.goStraight(block, position);
    }
  }

  private indirectBranch(block: Block, position: number): void {
    const { e } = this;
    const i = block.insns.length - 1;
    const last = block.insns[i];
    this.settle(block, 0);
    // Sites of the access itself must not see this block's counts twice.
    const conditional = last.cond !== ALWAYS;
    if (conditional) {
      const back = this.model.skipped - block.costs[i].cycles;
      e.push(`if(!(${this.condition(block, i)})){${back === 0 ? "" : `cyc+=${back};`}`);
      this.goStraight(block, position);
      e.push("}");
    }
    const counted = [e.blockInstructions, e.blockCycles];
    e.blockInstructions = -1;
    e.blockCycles = -block.costs[i].cycles;
    this.emitTarget(last);
    [e.blockInstructions, e.blockCycles] = counted;
    e.push(`cyc+=${block.costs[i].taken}+UNALIGNEDTARGET(pc);`);
    if (last.op === "blx") e.push(`${e.target("r14")}=${block.end | 1};`);
    const isReturn = last.op === "ldm" || (last.op === "bx" && last.m === 14) || last.op === "ldr";
    this.profileJump(block, last.op === "blx" ? "call" : isReturn ? "return" : "jump", "pc&-2");
    if (isReturn) this.returnSites();
    e.push("break L;");
  }

  /** Leaves the raw branch target, with its Thumb bit, in local pc. */
  private emitTarget(insn: Insn): void {
    const { e } = this;
    switch (insn.op) {
      case "bx":
      case "blx":
        e.push(`pc=${e.reg(insn, insn.m)};`);
        return;
      case "mov":
        e.push(`pc=${e.reg(insn, insn.m)}|1;`);
        return;
      case "add":
        e.push(`pc=${e.reg(insn, insn.n)}+${e.reg(insn, insn.m)}|1;`);
        return;
      case "ldm":
        loadMultiple(e, insn);
        return;
      case "ldr": {
        const writesBack = emitAddress(e, insn);
        emitLoadValue(e, insn);
        if (writesBack) e.setReg(insn, insn.n, "x");
        e.push("pc=w;");
        return;
      }
      default: {
        const bytes = insn.op === "tbb" ? 1 : 2;
        const offset = e.reg(insn, insn.m);
        e.push(`t=${e.reg(insn, insn.n)}+${bytes === 1 ? offset : `(${offset}<<1)`}|0;`);
        e.loadFrom(insn, bytes, "w");
        e.push(`pc=${insn.addr + 4}+2*w|1;`);
      }
    }
  }

  /** Returns to call sites of this region stay inside it. */
  private returnSites(): void {
    const { e } = this;
    const sites = new Map<number, number>();
    for (const block of this.blocks) {
      const next = block.isCall ? this.index.get(key(block.end, 0)) : undefined;
      if (next !== undefined && sites.size < 12) sites.set(block.end, next);
    }
    if (sites.size === 0) return;
    e.push(`if(cyc<S[${CYCLE_LIMIT}]&&ins<S[${INSTRUCTION_LIMIT}])switch(pc){`);
    for (const [pc, next] of sites) e.push(`case ${pc | 1}:b=${next};continue L;`);
    e.push("}");
  }

  private profileJump(block: Block, kind: "call" | "return" | "jump", target: string): void {
    const { e, options } = this;
    if (!options.profile) return;
    const last = block.insns[block.insns.length - 1];
    const direct = block.target >= 0;
    if (kind === "jump" && direct && options.functionOf(block.target) === options.functionOf(last.addr)) return;
    const code = kind === "call" ? 0 : kind === "return" ? 1 : 2;
    e.push(`PROFILE(${code},${target},${block.end},cyc,ins);`);
  }
}
