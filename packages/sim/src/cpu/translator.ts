import type { InstructionFetch } from "../cycles/fetch.js";
import { ContextTable, type CycleModel } from "../cycles/model.js";
import type { Memory } from "./memory.js";
import type { Runtime } from "./runtime.js";
import type { BlockSource } from "./translate/block.js";
import type { SiteTable } from "./translate/emitter.js";
import { type RegionOptions, translateRegion } from "./translate/region.js";

/** Runs a region from one of its blocks; returns the next PC with its Thumb bit. */
export type RegionFunction = (block: number) => number;

export interface Observers {
  /** kind 0 call, 1 return, 2 jump to another function. */
  profile?: (kind: number, target: number, from: number, cycles: number, instructions: number) => void;
  trace?: (site: number, cycles: number, instructions: number) => void;
  functionOf?: (address: number) => number;
}

export interface TranslatorSettings {
  flashDataWaitStates: number;
  fetch: InstructionFetch;
  observers: Observers;
}

export interface Entry {
  run: RegionFunction;
  block: number;
  /** Most instructions one pass through the region can retire before a limit is looked at. */
  instructions: number;
}

const REGION_BLOCKS = 48;
/** V8 never optimizes a function of more than 60 KiB of bytecode; a Thumb instruction takes up to 100 bytes of it. */
const REGION_INSTRUCTIONS = 300;
export const BLOCK_LENGTH = 128;
/** Block length near a limit on instructions. */
export const SINGLE_LENGTH = 32;
/** A limit on instructions may be passed by this much inside a region. */
export const REGION_OVERSHOOT = (REGION_BLOCKS + 1) * (BLOCK_LENGTH + 4);

/** Translates code on demand and remembers it by address until it changes. */
export class Translator {
  readonly contexts = new ContextTable();
  readonly sites: SiteTable = { pc: [], instructions: [], cycles: [], insn: [] };
  /** Addresses where execution must come back to the driver. Grows only. */
  readonly stops = new Set<number>();
  private entries: Entry[] = [];
  private flashIndex: Int32Array;
  private ramIndex: Int32Array;
  private others = new Map<number, Entry>();
  private singles = new Map<number, Entry>();
  private ramCode = false;
  private source: BlockSource;
  translatedRegions = 0;
  settings: TranslatorSettings;

  constructor(
    private readonly memory: Memory,
    private readonly runtime: Runtime,
    private readonly model: CycleModel,
    settings: TranslatorSettings,
  ) {
    this.settings = settings;
    this.flashIndex = new Int32Array(memory.options.flashBytes >>> 1);
    this.ramIndex = new Int32Array(memory.options.ramBytes >>> 1);
    this.source = {
      fetch: (address) => memory.fetch(address),
      isStop: (address) => this.stops.has(address),
      model,
      contexts: this.contexts,
    };
  }

  /** Forgets all translated code. */
  flush(): void {
    this.entries = [];
    this.flashIndex.fill(0);
    this.ramIndex.fill(0);
    this.others.clear();
    this.singles.clear();
    this.memory.codeLines.fill(0);
    this.memory.flashCodeLines.fill(0);
    this.ramCode = false;
  }

  /** Makes `address` a place where runs come back to the driver. */
  addStop(address: number): void {
    if (this.stops.has(address)) return;
    this.stops.add(address);
    this.flush();
  }

  /** Code for `pc`, translated if need be. `pc` is even. */
  find(pc: number, context: number): Entry {
    if (context === 0) {
      const { flashBase, flashBytes, ramBase, ramBytes } = this.memory.options;
      const flash = (pc - flashBase) >>> 0;
      const slot =
        flash < flashBytes
          ? this.flashIndex[flash >>> 1]
          : (pc - ramBase) >>> 0 < ramBytes
            ? this.ramIndex[(pc - ramBase) >>> 1]
            : 0;
      if (slot !== 0) return this.entries[slot - 1];
    }
    return this.others.get((pc >>> 0) * 0x100000 + context) ?? this.translate(pc, context);
  }

  private translate(pc: number, context: number): Entry {
    this.noteRamCode(pc);
    const { run, region } = this.compile(pc, context, REGION_BLOCKS, REGION_INSTRUCTIONS, BLOCK_LENGTH);
    let first: Entry | undefined;
    region.blocks.forEach((block, i) => {
      const entry: Entry = { run, block: i, instructions: 0 };
      first ??= entry;
      if (this.register(block.pc, block.context, entry, i === 0)) this.markCode(block.pc, block.end);
    });
    return first as Entry;
  }

  /** A function for at most `limit` instructions of one block, remembered when `limit` is SINGLE_LENGTH. */
  single(pc: number, context: number, limit: number): Entry {
    const cacheable = limit === SINGLE_LENGTH;
    const key = (pc >>> 0) * 0x100000 + context;
    const known = cacheable ? this.singles.get(key) : undefined;
    if (known !== undefined) return known;
    this.noteRamCode(pc);
    const { run, region } = this.compile(pc, context, 1, 1, limit);
    const entry: Entry = { run, block: 0, instructions: region.blocks[0].insns.length };
    if (cacheable) {
      this.singles.set(key, entry);
      this.markCode(region.blocks[0].pc, region.blocks[0].end);
    }
    return entry;
  }

  private compile(pc: number, context: number, blocks: number, instructions: number, length: number) {
    const { settings, memory } = this;
    const options: RegionOptions = {
      memory: memory.options,
      flashDataWaitStates: settings.flashDataWaitStates,
      checkCodeWrites: this.ramCode,
      fetch: settings.fetch,
      profile: settings.observers.profile !== undefined,
      trace: settings.observers.trace !== undefined,
      functionOf: settings.observers.functionOf ?? (() => -1),
      maximumBlocks: blocks,
      maximumInstructions: instructions,
      maximumBlockLength: length,
    };
    const region = translateRegion(this.source, options, this.sites, pc, context);
    this.translatedRegions++;
    return { region, run: this.instantiate(region.source) };
  }

  private instantiate(body: string): RegionFunction {
    const { model, settings } = this;
    const environment: Record<string, unknown> = {
      ...this.runtime.helpers,
      ICACHE: settings.fetch.lookup,
      DIVCYC: (a: number, b: number) => model.divideExtra(a, b),
      UNALIGNEDTARGET: this.unalignedTarget,
      PROFILE: settings.observers.profile,
      TRACE: settings.observers.trace,
    };
    const names = Object.keys(environment).filter((name) => new RegExp(`\\b${name}\\b`).test(body));
    return new Function(...names, `"use strict";${body}`)(...names.map((name) => environment[name])) as RegionFunction;
  }

  private readonly unalignedTarget = (target: number): number => {
    if ((target & 2) === 0) return 0;
    const hw = this.memory.fetch((target & ~1) >>> 0);
    return hw >>> 11 > 0x1c && hw >= 0 ? this.model.timing.branchToUnalignedWide.value : 0;
  };

  private isRam(address: number): boolean {
    const { ramBase, ramBytes, ramAlias } = this.memory.options;
    if ((address - ramBase) >>> 0 < ramBytes) return true;
    return ramAlias !== undefined && (address - ramAlias) >>> 0 < ramBytes;
  }

  /** The first code in RAM makes every store look for translated code, so what was translated without is dropped. */
  private noteRamCode(pc: number): void {
    if (this.ramCode || !this.isRam(pc)) return;
    this.flush();
    this.ramCode = true;
  }

  private register(pc: number, context: number, entry: Entry, primary: boolean): boolean {
    const { flashBase, flashBytes, ramBase, ramBytes } = this.memory.options;
    const flash = (pc - flashBase) >>> 0;
    const ram = (pc - ramBase) >>> 0;
    if (context !== 0 || this.stops.has(pc) || (flash >= flashBytes && ram >= ramBytes)) {
      if (primary) this.others.set((pc >>> 0) * 0x100000 + context, entry);
      return true;
    }
    const index = flash < flashBytes ? this.flashIndex : this.ramIndex;
    const at = (flash < flashBytes ? flash : ram) >>> 1;
    if (index[at] === 0) index[at] = this.entries.push(entry);
    return true;
  }

  private markCode(pc: number, end: number): void {
    const { ramBase, ramBytes, ramAlias, flashBase } = this.memory.options;
    const ram = this.isRam(pc);
    const lines = ram ? this.memory.codeLines : this.memory.flashCodeLines;
    let base = flashBase;
    if (ram) base = (pc - ramBase) >>> 0 < ramBytes ? ramBase : (ramAlias as number);
    for (let line = (pc - base) >>> 6; line <= (end - 1 - base) >>> 6; line++) lines[line] = 1;
  }
}
