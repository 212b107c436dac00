import { InstructionFetch } from "../cycles/fetch.js";
import { CycleModel } from "../cycles/model.js";
import type { CoreTiming, MemoryTiming } from "../cycles/parameters.js";
import { Exceptions } from "./exceptions.js";
import { CpuFault, Memory, type MemoryOptions } from "./memory.js";
import { createRuntime, type Runtime } from "./runtime.js";
import { Scheduler } from "./scheduler.js";
import {
  CONTEXT,
  CYCLE_LIMIT,
  CYCLES,
  createState,
  EXTRA_CYCLES,
  FP_ACTIVE,
  INSTRUCTION_LIMIT,
  INSTRUCTIONS,
  LOWEST_SP,
  SYSTEM,
} from "./state.js";
import { executeSystem } from "./system.js";
import { type Observers, REGION_OVERSHOOT, SINGLE_LENGTH, Translator } from "./translator.js";

export interface CoreOptions {
  memory: MemoryOptions;
  timing: CoreTiming;
  memoryTiming: MemoryTiming;
  /** Flash wait states for data reads and fetches; 0 gives the pure core timing. */
  waitStates: number;
}

export type StopReason = "address" | "instructions" | "cycles" | "halt" | "idle" | "request" | "fault";

export interface RunLimits {
  /** Even addresses to stop in front of. */
  addresses?: ReadonlySet<number>;
  maxInstructions?: number;
  maxCycles?: number;
}

export interface Stop {
  reason: StopReason;
  fault?: CpuFault;
}

const CHUNK = 1 << 28;
const NO_STACK_LIMIT = -0x80000000;

/** The processor: registers, translated code, exceptions and time. Knows nothing of a particular chip. */
export class Core {
  readonly state = createState();
  readonly memory: Memory;
  readonly model: CycleModel;
  readonly exceptions: Exceptions;
  readonly scheduler = new Scheduler();
  readonly translator: Translator;
  readonly runtime: Runtime;
  fetch: InstructionFetch;
  /** Even address of the next instruction. */
  pc = 0;
  divideByZeroTraps = false;
  unalignedTraps = false;
  /** Lowest main stack pointer allowed, undefined for none. */
  stackLimit: number | undefined;
  /** Cycles spent asleep in WFI or WFE; CYCCNT does not count them. */
  sleepCycles = 0;
  private cycleTotal = 0;
  private instructionTotal = 0;
  private executing = false;
  private stopRequested = false;
  private deferred = false;
  private context = 0;

  constructor(readonly options: CoreOptions) {
    this.memory = new Memory(options.memory);
    this.model = new CycleModel(options.timing);
    this.exceptions = new Exceptions(this.state, this.memory, this.model);
    this.runtime = createRuntime(this.state, this.memory, {
      divideByZeroTraps: () => this.divideByZeroTraps,
      unalignedTraps: () => this.unalignedTraps,
      stackLimit: () =>
        this.stackLimit === undefined || this.exceptions.usesProcessStack ? NO_STACK_LIMIT : this.stackLimit,
    });
    this.fetch = this.createFetch(false);
    this.translator = new Translator(this.memory, this.runtime, this.model, {
      flashDataWaitStates: options.waitStates,
      fetch: this.fetch,
      observers: {},
    });
    const S = this.state.words;
    this.memory.onUnaligned = () => {
      S[EXTRA_CYCLES] += options.timing.unalignedAccess.value;
    };
    this.memory.onFlashRead = () => {
      S[EXTRA_CYCLES] += options.waitStates;
    };
    this.memory.onCodeWrite = () => {
      this.translator.flush();
      this.attend();
    };
  }

  private createFetch(cacheOn: boolean): InstructionFetch {
    const { memory, waitStates, memoryTiming } = this.options;
    return new InstructionFetch(memoryTiming, { ...memory, waitStates, cacheOn });
  }

  /** Switches the instruction cache; its costs are part of the translated code. */
  setCache(on: boolean): void {
    if (this.fetch.settings.cacheOn === on) return;
    this.fetch = this.createFetch(on);
    this.translator.settings = { ...this.translator.settings, fetch: this.fetch };
    if (this.options.waitStates === 0) return; // then no cost depends on it
    this.translator.flush();
    this.attend();
  }

  /** Installs or removes profile and trace callbacks. */
  observe(observers: Observers): void {
    this.translator.settings = { ...this.translator.settings, observers };
    this.translator.flush();
  }

  /** Cycles since reset, exact also inside a device access. */
  get cycles(): number {
    const S = this.state.words;
    if (!this.executing) return this.cycleTotal + S[CYCLES] + S[EXTRA_CYCLES];
    const { entry } = this.runtime;
    return this.cycleTotal + entry.cycles + this.translator.sites.cycles[entry.site] + S[EXTRA_CYCLES];
  }

  /** Instructions retired since reset. */
  get instructions(): number {
    const S = this.state.words;
    if (!this.executing) return this.instructionTotal + S[INSTRUCTIONS];
    const { entry } = this.runtime;
    return this.instructionTotal + entry.instructions + this.translator.sites.instructions[entry.site];
  }

  /** Totals for counts handed to an observer by translated code. */
  totalsAt(cycles: number, instructions: number): { cycles: number; instructions: number } {
    const extra = this.state.words[EXTRA_CYCLES];
    return { cycles: this.cycleTotal + cycles + extra, instructions: this.instructionTotal + instructions };
  }

  /** Makes the run loop look at interrupts, events and stop requests at the end of the current block. */
  attend(): void {
    this.state.words[CYCLE_LIMIT] = 0;
  }

  requestStop(): void {
    this.stopRequested = true;
    this.attend();
  }

  /** Resets the processor and starts from the vector table at `vectors`. Memory is left alone. */
  reset(vectors: number): void {
    const S = this.state.words;
    S.fill(0);
    S[SYSTEM] = -1;
    S[17] = 1;
    this.exceptions.reset();
    this.exceptions.vtor = vectors;
    this.scheduler.clear();
    this.cycleTotal = this.instructionTotal = this.sleepCycles = 0;
    this.divideByZeroTraps = this.unalignedTraps = false;
    this.stopRequested = false;
    this.context = 0;
    this.fetch.clear();
    S[14] = -1;
    S[13] = this.memory.load(vectors, 4) & ~3;
    S[LOWEST_SP] = S[13];
    this.pc = (this.memory.load((vectors + 4) >>> 0, 4) & ~1) >>> 0;
    S[EXTRA_CYCLES] = 0;
  }

  private fold(): void {
    const S = this.state.words;
    this.cycleTotal += S[CYCLES] + S[EXTRA_CYCLES];
    this.instructionTotal += S[INSTRUCTIONS];
    S[CYCLES] = S[EXTRA_CYCLES] = S[INSTRUCTIONS] = 0;
  }

  private spend(cycles: number): void {
    this.cycleTotal += cycles;
  }

  /** Runs until a limit, an address, a request, a halt or a fault. */
  run(limits: RunLimits): Stop {
    for (const address of limits.addresses ?? []) this.translator.addStop(address);
    const lastCycle = this.cycles + (limits.maxCycles ?? Number.POSITIVE_INFINITY);
    const lastInstruction = this.instructions + (limits.maxInstructions ?? Number.POSITIVE_INFINITY);
    try {
      return this.loop(limits.addresses ?? new Set(), lastCycle, lastInstruction);
    } catch (error) {
      const wasExecuting = this.executing;
      if (wasExecuting) this.unwind();
      this.executing = false;
      this.fold();
      if (error instanceof CpuFault) return { reason: "fault", fault: error };
      throw error;
    }
  }

  /** Takes pc and counts back to the instruction that faulted inside a region. */
  private unwind(): void {
    const S = this.state.words;
    const { entry } = this.runtime;
    const { sites } = this.translator;
    this.pc = sites.pc[entry.site] >>> 0;
    S[CYCLES] = entry.cycles + sites.cycles[entry.site];
    S[INSTRUCTIONS] = entry.instructions + sites.instructions[entry.site];
  }

  private loop(addresses: ReadonlySet<number>, lastCycle: number, lastInstruction: number): Stop {
    const S = this.state.words;
    let first = true;
    for (;;) {
      this.fold();
      const stop = this.serviceLimits(lastCycle, lastInstruction);
      if (stop !== undefined) return stop;
      const remaining = lastInstruction - this.instructionTotal;
      S[INSTRUCTION_LIMIT] = Math.min(CHUNK, remaining - REGION_OVERSHOOT);
      S[CYCLE_LIMIT] = Math.max(0, Math.min(CHUNK, lastCycle - this.cycleTotal, this.scheduler.next - this.cycleTotal));
      if (this.stopRequested || this.deferred) S[CYCLE_LIMIT] = 0;
      this.deferred = false;
      const stepping = remaining <= REGION_OVERSHOOT + 1;
      // Translated code until something needs attention.
      do {
        if (!first && addresses.size > 0 && addresses.has(this.pc)) return { reason: "address" };
        first = false;
        const entry = stepping
          ? this.translator.single(this.pc, this.context, Math.min(SINGLE_LENGTH, remaining))
          : this.translator.find(this.pc, this.context);
        this.executing = true;
        const next = entry.run(entry.block);
        this.executing = false;
        this.context = S[CONTEXT];
        S[CONTEXT] = 0;
        if ((next & 1) === 0 || next >>> 28 === 15) this.specialTarget(next);
        else this.pc = (next & ~1) >>> 0;
        if (S[SYSTEM] !== -1) {
          const halted = this.system();
          if (halted !== undefined) return halted;
        }
      } while (!stepping && S[CYCLES] < S[CYCLE_LIMIT] && S[INSTRUCTIONS] < S[INSTRUCTION_LIMIT]);
    }
  }

  private serviceLimits(lastCycle: number, lastInstruction: number): Stop | undefined {
    if (this.stopRequested) {
      this.stopRequested = false;
      return { reason: "request" };
    }
    if (this.cycleTotal >= lastCycle) return { reason: "cycles" };
    if (this.instructionTotal >= lastInstruction) return { reason: "instructions" };
    this.scheduler.advance(this.cycleTotal);
    this.takeExceptions(false);
    return undefined;
  }

  private takeExceptions(tailChained: boolean): void {
    const n = this.exceptions.next();
    if (n === 0) return;
    if (this.translator.contexts.get(this.context).it.length > 0) {
      this.deferred = true; // not inside an IT block
      return;
    }
    this.spend(this.exceptions.entryCycles(tailChained));
    const from = this.pc;
    this.jump(this.exceptions.enter(n, from));
    this.reportJump(0, from);
  }

  /** Tells the profile of an exception's entry (0) or return (1). */
  private reportJump(kind: 0 | 1, from: number): void {
    const S = this.state.words;
    const { profile } = this.translator.settings.observers;
    if (profile !== undefined) profile(kind, this.pc, from, S[CYCLES], S[INSTRUCTIONS]);
  }

  private jump(target: number): void {
    if ((target & 1) === 0) {
      throw new CpuFault(
        "invalid-state",
        target >>> 0,
        "fetch",
        `branch to an even address 0x${(target >>> 0).toString(16)}`,
      );
    }
    this.pc = (target & ~1) >>> 0;
    this.context = 0;
  }

  /** Exception returns and branches without the Thumb bit. */
  private specialTarget(target: number): void {
    if (target >>> 28 === 15 && this.exceptions.ipsr !== 0) {
      this.fold();
      this.pc = (this.exceptions.leave(target) & ~1) >>> 0;
      this.reportJump(1, this.pc);
      const chained = this.exceptions.next();
      if (chained !== 0) this.takeExceptions(true);
      else this.spend(this.options.timing.exceptionExit.value);
      this.attend();
      return;
    }
    this.jump(target);
  }

  /** Executes the system instruction a region stopped at. */
  private system(): Stop | undefined {
    const S = this.state.words;
    const site = S[SYSTEM];
    S[SYSTEM] = -1;
    if (site < 0) return undefined;
    const insn = this.translator.sites.insn[site];
    if (insn === undefined) return undefined;
    let effect: ReturnType<typeof executeSystem>;
    try {
      effect = executeSystem(insn, this.state, this.exceptions);
    } catch (error) {
      this.pc = insn.addr >>> 0;
      S[INSTRUCTIONS]--;
      throw error;
    }
    if (effect === "halt") return { reason: "halt" };
    if (effect === "sleep") return this.sleep();
    if (effect === "recheck") this.attend();
    return undefined;
  }

  /** Waits for the next event; without one the processor would sleep for ever. */
  private sleep(): Stop | undefined {
    this.fold();
    this.scheduler.advance(this.cycleTotal);
    while (!this.exceptions.wakes()) {
      const next = this.scheduler.next;
      if (!Number.isFinite(next)) return { reason: "idle" };
      this.sleepCycles += Math.max(0, next - this.cycleTotal);
      this.cycleTotal = Math.max(this.cycleTotal, next);
      this.scheduler.advance(this.cycleTotal);
      if (this.stopRequested) break;
    }
    this.attend();
    return undefined;
  }

  /** Lowest main stack pointer since reset. */
  get lowestSp(): number {
    return this.state.words[LOWEST_SP] >>> 0;
  }

  get fpActive(): boolean {
    return this.state.words[FP_ACTIVE] !== 0;
  }
}
