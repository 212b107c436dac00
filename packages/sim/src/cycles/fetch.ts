import type { FetchModel } from "../cpu/translate/region.js";
import type { MemoryTiming } from "./parameters.js";

export interface FetchSettings {
  flashBase: number;
  flashBytes: number;
  ramAlias?: number;
  ramBytes: number;
  /** Wait states of flash; 0 switches the whole fetch model of flash off. */
  waitStates: number;
  cacheOn: boolean;
}

/** Instruction fetch from flash (with or without its cache), RAM and the RAM alias. */
export class InstructionFetch implements FetchModel {
  private readonly tags: Int32Array;
  private readonly ages: Int32Array;
  private clock = 0;
  private readonly lineBits: number;
  private readonly sets: number;
  private readonly ways: number;
  hits = 0;
  misses = 0;

  constructor(
    readonly timing: MemoryTiming,
    readonly settings: FetchSettings,
  ) {
    this.lineBits = Math.round(Math.log2(timing.cacheLineBytes.value));
    this.ways = timing.cacheWays.value;
    this.sets = Math.max(1, timing.cacheBytes.value / timing.cacheLineBytes.value / this.ways);
    this.tags = new Int32Array(this.sets * this.ways).fill(-1);
    this.ages = new Int32Array(this.sets * this.ways);
  }

  private inFlash(address: number): boolean {
    return address >= this.settings.flashBase && address < this.settings.flashBase + this.settings.flashBytes;
  }

  private inAlias(address: number): boolean {
    const { ramAlias, ramBytes } = this.settings;
    return ramAlias !== undefined && address >= ramAlias && address < ramAlias + ramBytes;
  }

  /** Fetch runs ahead of execution: a block takes the longer of the two, so only the excess counts. */
  blockCycles(pc: number, end: number, cycles: number): number {
    const { waitStates, cacheOn } = this.settings;
    let wait: number;
    if (this.inFlash(pc)) wait = cacheOn ? 0 : waitStates;
    else if (waitStates === 0) wait = 0;
    else wait = (this.inAlias(pc) ? this.timing.aliasFetchPenalty : this.timing.ramFetchPenalty).value;
    if (wait === 0) return 0;
    const width = this.timing.fetchBytes.value;
    const fetches = Math.floor((end - 1) / width) - Math.floor(pc / width) + 1;
    return Math.max(0, fetches * (1 + wait) - cycles);
  }

  blockLines(pc: number, end: number): number[] {
    if (!this.settings.cacheOn || this.settings.waitStates === 0 || !this.inFlash(pc)) return [];
    const lines: number[] = [];
    for (let line = pc >>> this.lineBits; line <= (end - 1) >>> this.lineBits; line++) lines.push(line);
    return lines;
  }

  /** Looks one line up; returns the stall cycles. Least recently used way is replaced. */
  readonly lookup = (line: number): number => {
    const first = (line % this.sets) * this.ways;
    this.clock = (this.clock + 1) | 0;
    let oldest = first;
    for (let way = first; way < first + this.ways; way++) {
      if (this.tags[way] === line) {
        this.ages[way] = this.clock;
        this.hits++;
        return 0;
      }
      if (this.ages[way] < this.ages[oldest]) oldest = way;
    }
    this.tags[oldest] = line;
    this.ages[oldest] = this.clock;
    this.misses++;
    return this.settings.waitStates;
  };

  /** Forgets every line (reset, cache switched off, flash written). */
  clear(): void {
    this.tags.fill(-1);
    this.ages.fill(0);
  }
}
