import type { Core } from "../../cpu/core.js";
import { NordicPeripheral } from "./peripheral.js";

const COMPARE = 0x140;
const CC = 0x540;
const SHORTS = 0x200;

/** What TIMER and RTC share: a counter that runs from a divided clock and compares. */
abstract class Counter extends NordicPeripheral {
  protected running = false;
  private startCycle = 0;
  private startValue = 0;
  /** Cycle of the compare that is being served: the core may be a few instructions further on. */
  private served: number | undefined;
  private cancel: () => void = () => {};

  constructor(
    name: string,
    base: number,
    core: Core,
    private readonly channels: number,
  ) {
    super(name, base, core);
  }

  /** Core cycles per tick. */
  protected abstract get period(): number;
  protected abstract get modulus(): number;

  /** Whether the clock moves the counter; else tasks do. */
  protected get isClocked(): boolean {
    return true;
  }

  private get now(): number {
    return this.served ?? this.core.cycles;
  }

  override reset(): void {
    super.reset();
    this.cancel();
    this.running = false;
    this.startCycle = this.startValue = 0;
  }

  /** Counter value now. */
  get count(): number {
    if (!this.running || !this.isClocked) return this.startValue;
    const ticks = Math.floor((this.now - this.startCycle) / this.period);
    return (this.startValue + ticks) % this.modulus;
  }

  protected set(value: number): void {
    this.startValue = value;
    this.startCycle = this.now;
    this.schedule();
  }

  /** One step by a task. */
  protected step(): void {
    this.set((this.count + 1) % this.modulus);
    this.compare(this.startValue);
  }

  protected start(): void {
    if (this.running) return;
    this.running = true;
    this.set(this.startValue);
  }

  protected stop(): void {
    this.startValue = this.count;
    this.running = false;
    this.schedule();
  }

  protected capture(channel: number): void {
    this.registers.set(CC + 4 * channel, this.count);
  }

  protected compareChanged(): void {
    this.schedule();
  }

  protected abstract matched(channel: number): void;

  private target(channel: number): number {
    return (this.readRegister(CC + 4 * channel) >>> 0) % this.modulus;
  }

  private compare(value: number): void {
    for (let channel = 0; channel < this.channels; channel++) {
      if (this.target(channel) !== value) continue;
      this.raise(COMPARE + 4 * channel);
      this.matched(channel);
    }
  }

  private schedule(): void {
    this.cancel();
    if (!this.running || !this.isClocked) return;
    const elapsed = Math.floor((this.now - this.startCycle) / this.period);
    const { count, modulus } = this;
    let soonest = modulus;
    for (let channel = 0; channel < this.channels; channel++) {
      soonest = Math.min(soonest, (this.target(channel) - count + modulus) % modulus || modulus);
    }
    const due = this.startCycle + (elapsed + soonest) * this.period;
    this.cancel = this.core.scheduler.at(Math.ceil(due), () => this.serve(due, (count + soonest) % modulus));
  }

  /** Serves the compare of `value` as of the cycle it was due, so that lateness neither misses events nor adds up. */
  private serve(due: number, value: number): void {
    this.served = due;
    this.startCycle = due;
    this.startValue = value;
    this.compare(value);
    this.schedule();
    this.served = undefined;
  }
}

/** TIMER: 16 MHz divided by 2^PRESCALER, 8 to 32 bits, CLEAR and STOP shortcuts. */
export class Timer extends Counter {
  private readonly clockHz: number;

  constructor(name: string, base: number, core: Core, channels: number, clockHz: number) {
    super(name, base, core, channels);
    this.clockHz = clockHz;
  }

  protected get period(): number {
    return (this.clockHz / 16e6) * 2 ** (this.registers.get(0x510) ?? 4);
  }

  protected get modulus(): number {
    return 2 ** [16, 8, 24, 32][this.readRegister(0x508) & 3];
  }

  protected override get isClocked(): boolean {
    return this.readRegister(0x504) === 0;
  }

  protected task(offset: number): void {
    if (offset === 0) this.start();
    else if (offset === 4 || offset === 16) this.stop();
    else if (offset === 8) {
      if (this.running && !this.isClocked) this.step();
    } else if (offset === 12) this.set(0);
    else if (offset >= 0x40) this.capture((offset - 0x40) >>> 2);
  }

  protected override writeRegister(offset: number, value: number): void {
    super.writeRegister(offset, value);
    if (offset >= CC) this.compareChanged();
  }

  protected matched(channel: number): void {
    const shorts = this.readRegister(SHORTS);
    if ((shorts & (1 << channel)) !== 0) this.set(0);
    if ((shorts & (1 << (channel + 8))) !== 0) this.stop();
  }
}

/** RTC: 32768 Hz divided by PRESCALER + 1, 24 bits. TICK events are not made. */
export class Rtc extends Counter {
  private readonly clockHz: number;

  constructor(name: string, base: number, core: Core, channels: number, clockHz: number) {
    super(name, base, core, channels);
    this.clockHz = clockHz;
  }

  protected get period(): number {
    return (this.clockHz / 32768) * ((this.readRegister(0x508) & 0xfff) + 1);
  }

  protected get modulus(): number {
    return 2 ** 24;
  }

  protected task(offset: number): void {
    if (offset === 0) this.start();
    else if (offset === 4) this.stop();
    else if (offset === 8) this.set(0);
    else if (offset === 12) this.set(0xfffff0);
  }

  protected override readRegister(offset: number): number {
    return offset === 0x504 ? this.count : super.readRegister(offset);
  }

  protected override writeRegister(offset: number, value: number): void {
    super.writeRegister(offset, value);
    if (offset >= CC) this.compareChanged();
  }

  protected matched(): void {}
}
