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

  override reset(): void {
    super.reset();
    this.cancel();
    this.running = false;
    this.startCycle = this.startValue = 0;
  }

  /** Counter value now. */
  get count(): number {
    if (!this.running) return this.startValue;
    const ticks = Math.floor((this.core.cycles - this.startCycle) / this.period);
    return (this.startValue + ticks) % this.modulus;
  }

  protected set(value: number): void {
    this.startValue = value;
    this.startCycle = this.core.cycles;
    this.schedule();
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

  private schedule(): void {
    this.cancel();
    if (!this.running) return;
    const now = this.core.cycles;
    const elapsed = Math.floor((now - this.startCycle) / this.period);
    let soonest = Number.POSITIVE_INFINITY;
    for (let channel = 0; channel < this.channels; channel++) {
      const target = (this.readRegister(CC + 4 * channel) >>> 0) % this.modulus;
      const ahead = (target - this.count + this.modulus) % this.modulus || this.modulus;
      soonest = Math.min(soonest, ahead);
    }
    if (!Number.isFinite(soonest)) return;
    this.cancel = this.core.scheduler.at(Math.ceil(this.startCycle + (elapsed + soonest) * this.period), () => {
      const value = this.count;
      for (let channel = 0; channel < this.channels; channel++) {
        if ((this.readRegister(CC + 4 * channel) >>> 0) % this.modulus !== value) continue;
        this.raise(COMPARE + 4 * channel);
        this.matched(channel);
      }
      this.schedule();
    });
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

  protected task(offset: number): void {
    if (offset === 0) this.start();
    else if (offset === 4 || offset === 16) this.stop();
    else if (offset === 8) this.set((this.count + 1) % this.modulus);
    else if (offset === 12) this.set(0);
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
