import type { Core } from "../../cpu/core.js";
import type { Device } from "../../cpu/memory.js";
import { NordicPeripheral } from "./peripheral.js";

/** CLOCK and POWER, which share one block: oscillators start at once, the rest is remembered. */
export class ClockPower extends NordicPeripheral {
  protected task(offset: number): void {
    if (offset === 0x000) {
      this.registers.set(0x40c, 0x10001);
      this.raise(0x100);
    } else if (offset === 0x004) this.registers.set(0x40c, 0);
    else if (offset === 0x008) {
      this.registers.set(0x418, 0x10000 | (this.readRegister(0x518) & 3));
      this.raise(0x104);
    } else if (offset === 0x00c) this.registers.set(0x418, 0);
  }
}

const OUT = 0x04;
const DIRECTION = 0x14;

/** GPIO ports P0 and P1 in one block. Inputs read what `setInput` gave, outputs what was written. */
export class Gpio implements Device {
  readonly name = "gpio";
  private readonly out = [0, 0];
  private readonly direction = [0, 0];
  private readonly input = [0, 0];
  private readonly other = new Map<number, number>();
  /** Called when output pins change. */
  onChange: (port: number, value: number) => void = () => {};

  reset(): void {
    this.out.fill(0);
    this.direction.fill(0);
    this.other.clear();
  }

  setInput(port: number, value: number): void {
    this.input[port] = value;
  }

  read(offset: number): number {
    const port = offset >= 0x800 ? 1 : 0;
    const register = offset - (port === 1 ? 0x800 : 0x500);
    if (register >= OUT && register <= 0x0c) return this.out[port];
    if (register === 0x10) return (this.out[port] & this.direction[port]) | (this.input[port] & ~this.direction[port]);
    if (register >= DIRECTION && register <= 0x1c) return this.direction[port];
    return this.other.get(offset) ?? 0;
  }

  write(offset: number, value: number): void {
    const port = offset >= 0x800 ? 1 : 0;
    const register = offset - (port === 1 ? 0x800 : 0x500);
    const before = this.out[port];
    if (register === OUT) this.out[port] = value;
    else if (register === 0x08) this.out[port] |= value;
    else if (register === 0x0c) this.out[port] &= ~value;
    else if (register === DIRECTION) this.direction[port] = value;
    else if (register === 0x18) this.direction[port] |= value;
    else if (register === 0x1c) this.direction[port] &= ~value;
    else this.other.set(offset, value);
    if (this.out[port] !== before) this.onChange(port, this.out[port]);
  }
}

const WRITE_ENABLE = 1;
const ERASE_ENABLE = 2;
const PAGE = 4096;

/** NVMC: flash writes and page erases (instant), and the instruction cache switch. */
export class Nvmc implements Device {
  readonly name = "nvmc";
  private config = 0;
  private cache = 0;

  constructor(private readonly core: Core) {
    core.memory.onFlashStore = (address, value, bytes) => this.store(address, value, bytes);
  }

  reset(): void {
    this.config = 0;
    this.cache = 0;
    this.core.setCache(false);
  }

  read(offset: number): number {
    if (offset === 0x400 || offset === 0x408) return 1;
    if (offset === 0x504) return this.config;
    if (offset === 0x540) return this.cache;
    if (offset === 0x548) return this.core.fetch.hits;
    return offset === 0x54c ? this.core.fetch.misses : 0;
  }

  write(offset: number, value: number): void {
    if (offset === 0x504) this.config = value & 3;
    else if (offset === 0x508 || offset === 0x510) this.erase(value >>> 0);
    else if (offset === 0x540) {
      this.cache = value & 0x101;
      this.core.setCache((value & 1) !== 0);
    }
  }

  private erase(address: number): void {
    const { memory } = this.core;
    if (this.config !== ERASE_ENABLE || memory.regionName(address) !== "flash") return;
    memory.poke((address & ~(PAGE - 1)) >>> 0, new Uint8Array(PAGE).fill(0xff));
  }

  /** A store while writing is enabled clears bits of an aligned word; otherwise it faults. */
  private store(address: number, value: number, bytes: number): boolean {
    if (this.config !== WRITE_ENABLE || bytes !== 4 || (address & 3) !== 0) return false;
    const old = this.core.memory.load(address, 4);
    const merged = new Uint8Array(4);
    new DataView(merged.buffer).setInt32(0, old & value, true);
    this.core.memory.poke(address, merged);
    return true;
  }
}
