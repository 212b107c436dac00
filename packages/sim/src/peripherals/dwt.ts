import type { Core } from "../cpu/core.js";
import type { Device } from "../cpu/memory.js";

/** Data watchpoint unit: CYCCNT from the cycle model. It stands still in sleep, as on silicon. */
export class Dwt implements Device {
  readonly name = "dwt";
  private enabled = false;
  /** Counter value minus awake cycles while running, or the frozen value. */
  private base = 0;

  constructor(private readonly core: Core) {}

  reset(): void {
    this.enabled = false;
    this.base = 0;
  }

  private get awake(): number {
    return this.core.cycles - this.core.sleepCycles;
  }

  private get count(): number {
    return this.enabled ? (this.base + this.awake) % 4294967296 : this.base;
  }

  read(offset: number): number {
    if (offset === 0) return 0x40000000 | (this.enabled ? 1 : 0);
    return offset === 4 ? this.count | 0 : 0;
  }

  write(offset: number, value: number): void {
    const count = offset === 4 ? value >>> 0 : this.count;
    if (offset === 0) this.enabled = (value & 1) !== 0;
    if (offset === 0 || offset === 4) this.base = this.enabled ? count - this.awake : count;
    if (this.base < 0) this.base += Math.ceil(-this.base / 4294967296) * 4294967296;
  }
}
