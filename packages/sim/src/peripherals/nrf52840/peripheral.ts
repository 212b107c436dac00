import type { Core } from "../../cpu/core.js";
import { FIRST_IRQ } from "../../cpu/exceptions.js";
import type { Device } from "../../cpu/memory.js";

/** The common shape of a Nordic peripheral: tasks below 0x100, events below 0x200, SHORTS, INTEN, then registers. */
export abstract class NordicPeripheral implements Device {
  private readonly events = new Map<number, number>();
  protected readonly registers = new Map<number, number>();
  protected enabledInterrupts = 0;
  protected readonly irq: number;

  constructor(
    readonly name: string,
    readonly base: number,
    protected readonly core: Core,
  ) {
    this.irq = (base >>> 12) & 0x3f;
  }

  /** Back to reset values. */
  reset(): void {
    this.events.clear();
    this.registers.clear();
    this.enabledInterrupts = 0;
  }

  /** A task register was written with 1. */
  protected abstract task(offset: number): void;

  protected readRegister(offset: number): number {
    return this.registers.get(offset) ?? 0;
  }

  protected writeRegister(offset: number, value: number): void {
    this.registers.set(offset, value);
  }

  /** Raises an event and its interrupt. */
  protected raise(offset: number): void {
    this.events.set(offset, 1);
    if ((this.enabledInterrupts & (1 << ((offset & 0x7f) >>> 2))) !== 0) this.interrupt();
  }

  private interrupt(): void {
    this.core.exceptions.pending[FIRST_IRQ + this.irq] = 1;
    this.core.attend();
  }

  read(offset: number): number {
    if (offset < 0x100) return 0;
    if (offset < 0x200) return this.events.get(offset) ?? 0;
    if (offset === 0x300 || offset === 0x304 || offset === 0x308) return this.enabledInterrupts;
    return this.readRegister(offset) | 0;
  }

  write(offset: number, value: number): void {
    if (offset < 0x100) {
      if ((value & 1) !== 0) this.task(offset);
    } else if (offset < 0x200) this.events.set(offset, value & 1);
    else if (offset === 0x300) this.enabledInterrupts = value;
    else if (offset === 0x304) {
      this.enabledInterrupts |= value;
      for (const [event, set] of this.events) {
        if (set !== 0 && (value & (1 << ((event & 0x7f) >>> 2))) !== 0) this.interrupt();
      }
    } else if (offset === 0x308) this.enabledInterrupts &= ~value;
    else this.writeRegister(offset, value);
  }
}

/** Registers that only remember what was written, over fixed reset values. */
export class RegisterFile implements Device {
  private readonly values = new Map<number, number>();

  constructor(
    readonly name: string,
    private readonly initial: Readonly<Record<number, number>>,
    private readonly fallback = 0,
  ) {}

  read(offset: number): number {
    return this.values.get(offset) ?? this.initial[offset] ?? this.fallback;
  }

  write(offset: number, value: number): void {
    this.values.set(offset, value);
  }

  reset(): void {
    this.values.clear();
  }
}
