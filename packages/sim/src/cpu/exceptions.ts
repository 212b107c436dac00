import type { CycleModel } from "../cycles/model.js";
import type { Memory } from "./memory.js";
import { type CpuState, FP, FP_ACTIVE, FPSCR, readApsr, writeApsr } from "./state.js";

export const RESET = 1;
export const NMI = 2;
export const HARD_FAULT = 3;
export const SVCALL = 11;
export const PENDSV = 14;
export const SYSTICK = 15;
export const FIRST_IRQ = 16;
const EXCEPTIONS = FIRST_IRQ + 64;
/** nRF52840 implements three priority bits. */
export const PRIORITY_MASK = 0xe0;
const THREAD = 256;
/** AHP, DN, FZ and RMode of FPSCR. */
const FP_MODES = 0x1f << 22;

/** Processor mode, banked stack pointers, masks, pending and active exceptions, and stacking. */
export class Exceptions {
  readonly pending = new Uint8Array(EXCEPTIONS);
  readonly enabled = new Uint8Array(EXCEPTIONS);
  readonly active = new Uint8Array(EXCEPTIONS);
  readonly priority = new Int16Array(EXCEPTIONS);
  ipsr = 0;
  primask = 0;
  faultmask = 0;
  basepri = 0;
  /** CONTROL.nPRIV and SPSEL; FPCA lives in the register file. */
  control = 0;
  /** The stack pointer that is not in use. */
  bankedSp = 0;
  vtor = 0;
  priorityGroup = 0;
  sleepOnExit = false;
  taken = 0;

  constructor(
    private readonly state: CpuState,
    private readonly memory: Memory,
    private readonly model: CycleModel,
  ) {
    this.reset();
  }

  reset(): void {
    this.pending.fill(0);
    this.enabled.fill(0);
    this.enabled.fill(1, 0, FIRST_IRQ);
    this.active.fill(0);
    this.priority.fill(0);
    this.priority[RESET] = -3;
    this.priority[NMI] = -2;
    this.priority[HARD_FAULT] = -1;
    this.ipsr = this.primask = this.faultmask = this.basepri = this.control = 0;
    this.bankedSp = 0;
    this.vtor = 0;
    this.taken = 0;
  }

  /** Group priority: sub-priority bits do not pre-empt. */
  private group(priority: number): number {
    return priority < 0 ? priority : priority & ~((2 << this.priorityGroup) - 1) & 0xff;
  }

  private executionPriority(): number {
    let lowest = THREAD;
    for (let n = 1; n < EXCEPTIONS; n++) {
      if (this.active[n] !== 0) lowest = Math.min(lowest, this.group(this.priority[n]));
    }
    if (this.basepri !== 0) lowest = Math.min(lowest, this.group(this.basepri));
    if (this.primask !== 0) lowest = Math.min(lowest, 0);
    if (this.faultmask !== 0) lowest = Math.min(lowest, -1);
    return lowest;
  }

  /** Highest-priority pending and enabled exception, 0 for none. */
  private best(): number {
    let best = 0;
    for (let n = 2; n < EXCEPTIONS; n++) {
      if (this.pending[n] === 0 || this.enabled[n] === 0) continue;
      if (best === 0 || this.priority[n] < this.priority[best]) best = n;
    }
    return best;
  }

  /** The exception to take now, 0 for none. */
  next(): number {
    const best = this.best();
    return best !== 0 && this.group(this.priority[best]) < this.executionPriority() ? best : 0;
  }

  /** True when WFI would wake: as `next`, but PRIMASK does not count. */
  wakes(): boolean {
    const { primask } = this;
    this.primask = 0;
    const wakes = this.next() !== 0;
    this.primask = primask;
    return wakes;
  }

  get usesProcessStack(): boolean {
    return this.ipsr === 0 && (this.control & 2) !== 0;
  }

  get mainSp(): number {
    return this.usesProcessStack ? this.bankedSp : this.state.words[13];
  }

  set mainSp(value: number) {
    if (this.usesProcessStack) this.bankedSp = value & ~3;
    else this.state.words[13] = value & ~3;
  }

  get processSp(): number {
    return this.usesProcessStack ? this.state.words[13] : this.bankedSp;
  }

  set processSp(value: number) {
    if (this.usesProcessStack) this.state.words[13] = value & ~3;
    else this.bankedSp = value & ~3;
  }

  /** Writes CONTROL, swapping stack pointers when SPSEL changes in thread mode. */
  writeControl(value: number): void {
    const before = this.usesProcessStack;
    const allowed = this.ipsr === 0 ? value & 3 : (value & 1) | (this.control & 2);
    this.control = allowed;
    this.state.words[FP_ACTIVE] = (value >>> 2) & 1;
    if (before !== this.usesProcessStack) this.swapStacks();
  }

  private swapStacks(): void {
    const current = this.state.words[13];
    this.state.words[13] = this.bankedSp;
    this.bankedSp = current;
  }

  /**
   * Enters exception `n` from an instruction boundary.
   * @param returnAddress even address to come back to
   * @returns handler address with its Thumb bit
   */
  enter(n: number, returnAddress: number): number {
    const S = this.state.words;
    const floating = S[FP_ACTIVE] !== 0;
    const words = floating ? 26 : 8;
    const before = S[13];
    const aligned = (before & 4) !== 0 ? 1 : 0;
    const frame = (before - words * 4) & ~7;
    const xpsr = readApsr(S) | (1 << 24) | (aligned << 9) | this.ipsr;
    const values = [S[0], S[1], S[2], S[3], S[12], S[14], returnAddress, xpsr];
    for (let i = 0; i < 8; i++) this.memory.store(frame + 4 * i, 4, values[i]);
    if (floating) {
      for (let i = 0; i < 16; i++) this.memory.store(frame + 32 + 4 * i, 4, S[FP + i]);
      this.memory.store(frame + 96, 4, S[FPSCR]);
    }
    // A new floating-point context begins with the default modes (FPDSCR after reset).
    S[FPSCR] &= ~FP_MODES;
    S[13] = frame;
    const fromProcess = this.usesProcessStack;
    S[14] = (this.ipsr !== 0 ? 0xfffffff1 : fromProcess ? 0xfffffffd : 0xfffffff9) & (floating ? ~0x10 : ~0);
    if (fromProcess) this.swapStacks();
    this.ipsr = n;
    this.active[n] = 1;
    this.pending[n] = 0;
    S[FP_ACTIVE] = 0;
    this.taken++;
    return this.vector(n);
  }

  vector(n: number): number {
    return this.memory.load((this.vtor + 4 * n) >>> 0, 4);
  }

  /** Returns from the current exception by `excReturn`; gives the address to go on at, with its Thumb bit. */
  leave(excReturn: number): number {
    const S = this.state.words;
    this.active[this.ipsr] = 0;
    if (this.ipsr !== NMI) this.faultmask = 0;
    const toThread = (excReturn & 8) !== 0;
    const toProcess = (excReturn & 15) === 13;
    if (toThread) {
      this.ipsr = 0;
      this.control = (this.control & ~2) | (toProcess ? 2 : 0);
      if (toProcess) this.swapStacks(); // handlers always run on the main stack
    }
    const frame = S[13];
    const word = (i: number) => this.memory.load((frame + 4 * i) >>> 0, 4);
    const floating = (excReturn & 0x10) === 0;
    [S[0], S[1], S[2], S[3], S[12], S[14]] = [word(0), word(1), word(2), word(3), word(4), word(5)];
    const returnAddress = word(6);
    const xpsr = word(7);
    if (floating) {
      for (let i = 0; i < 16; i++) S[FP + i] = word(8 + i);
      S[FPSCR] = word(24);
    }
    S[FP_ACTIVE] = floating ? 1 : 0;
    S[13] = (frame + (floating ? 104 : 32)) | ((xpsr >>> 7) & 4);
    writeApsr(S, xpsr, true, true);
    if (!toThread) this.ipsr = xpsr & 0x1ff;
    return returnAddress | 1;
  }

  /** Cycles of an entry; a tail-chained one skips the stacking. */
  entryCycles(tailChained: boolean): number {
    const { timing } = this.model;
    return tailChained ? timing.tailChain.value : timing.exceptionEntry.value;
  }

  /** xPSR as a debugger reads it. */
  get xpsr(): number {
    return readApsr(this.state.words) | (1 << 24) | this.ipsr;
  }

  set xpsr(value: number) {
    writeApsr(this.state.words, value, true, true);
  }
}
