import type { Core } from "../cpu/core.js";
import { FIRST_IRQ, NMI, PENDSV, PRIORITY_MASK, SYSTICK } from "../cpu/exceptions.js";
import type { Device } from "../cpu/memory.js";
import { FP_ENABLED } from "../cpu/state.js";

const CPUID = 0x410fc241; // Cortex-M4 r0p1

/** System control space: SysTick, NVIC, system control block, MPU registers, FPU control. */
export class SystemControl implements Device {
  readonly name = "scs";
  readonly systick: SysTick;
  /** Plain storage for registers without behaviour here. */
  private readonly stored = new Map<number, number>();
  /** Called for SYSRESETREQ. */
  onResetRequest: () => void = () => {};

  constructor(private readonly core: Core) {
    this.systick = new SysTick(core);
    this.reset();
  }

  reset(): void {
    this.systick.reset();
    this.stored.clear();
    this.stored.set(0xd14, 0x200);
    this.stored.set(0xf34, 0xc0000000 | 0);
  }

  /** Fault status as the exception would have recorded it. */
  recordFault(cfsr: number, hfsr: number, address: number | undefined): void {
    this.stored.set(0xd28, cfsr);
    this.stored.set(0xd2c, hfsr);
    if (address !== undefined) this.stored.set(0xd38, address | 0);
  }

  get cfsr(): number {
    return this.stored.get(0xd28) ?? 0;
  }

  get hfsr(): number {
    return this.stored.get(0xd2c) ?? 0;
  }

  read(offset: number): number {
    const x = this.core.exceptions;
    if (offset >= 0x10 && offset <= 0x1c) return this.systick.read(offset);
    if (offset >= 0x100 && offset < 0x400) return this.readNvicBits(offset);
    if (offset >= 0x400 && offset < 0x440) return packPriorities(x.priority, FIRST_IRQ + offset - 0x400);
    if (offset >= 0xd18 && offset <= 0xd20) return packPriorities(x.priority, 4 + offset - 0xd18);
    switch (offset) {
      case 0xd00:
        return CPUID;
      case 0xd04:
        return (
          x.ipsr | (x.next() << 12) | (x.pending[PENDSV] << 28) | (x.pending[SYSTICK] << 26) | (x.pending[NMI] << 31)
        );
      case 0xd08:
        return x.vtor;
      case 0xd0c:
        return 0xfa050000 | (x.priorityGroup << 8);
      case 0xd88:
        return this.core.state.words[FP_ENABLED] !== 0 ? 0xf << 20 : 0;
      case 0xd90:
        return 0x800; // eight MPU regions
      case 0xf40:
        return 0x10110021;
      case 0xf44:
        return 0x11000011;
      default:
        return this.stored.get(offset) ?? 0;
    }
  }

  write(offset: number, value: number): void {
    const { core } = this;
    const x = core.exceptions;
    if (offset >= 0x10 && offset <= 0x1c) this.systick.write(offset, value);
    else if (offset >= 0x100 && offset < 0x400) this.writeNvicBits(offset, value);
    else if (offset >= 0x400 && offset < 0x440) unpackPriorities(x.priority, FIRST_IRQ + offset - 0x400, value);
    else if (offset >= 0xd18 && offset <= 0xd20) unpackPriorities(x.priority, 4 + offset - 0xd18, value);
    else if (offset === 0xd04) this.writeIcsr(value);
    else if (offset === 0xd08) x.vtor = (value & 0xffffff80) >>> 0;
    else if (offset === 0xd0c) this.writeAircr(value);
    else if (offset === 0xd14) {
      core.divideByZeroTraps = (value & 0x10) !== 0;
      core.unalignedTraps = (value & 8) !== 0;
      this.stored.set(offset, value);
    } else if (offset === 0xd28 || offset === 0xd2c) this.stored.set(offset, (this.stored.get(offset) ?? 0) & ~value);
    else if (offset === 0xd88) core.state.words[FP_ENABLED] = ((value >>> 20) & 15) === 15 ? 1 : (value >>> 20) & 1;
    else if (offset === 0xf00) x.pending[FIRST_IRQ + (value & 0x3f)] = 1;
    else this.stored.set(offset, value);
    core.attend();
  }

  private readNvicBits(offset: number): number {
    const x = this.core.exceptions;
    const table = offset < 0x200 ? x.enabled : offset < 0x300 ? x.pending : x.active;
    const first = FIRST_IRQ + ((offset & 0x7f) >>> 2) * 32;
    let bits = 0;
    for (let i = 0; i < 32; i++) if (table[first + i] !== 0) bits |= 1 << i;
    return bits;
  }

  private writeNvicBits(offset: number, value: number): void {
    const x = this.core.exceptions;
    if (offset >= 0x300) return;
    const table = offset < 0x200 ? x.enabled : x.pending;
    const set = (offset & 0x80) === 0 ? 1 : 0;
    const first = FIRST_IRQ + ((offset & 0x7f) >>> 2) * 32;
    for (let i = 0; i < 32 && first + i < table.length; i++) if ((value & (1 << i)) !== 0) table[first + i] = set;
  }

  private writeIcsr(value: number): void {
    const { pending } = this.core.exceptions;
    if ((value & (1 << 31)) !== 0) pending[NMI] = 1;
    if ((value & (1 << 28)) !== 0) pending[PENDSV] = 1;
    if ((value & (1 << 27)) !== 0) pending[PENDSV] = 0;
    if ((value & (1 << 26)) !== 0) pending[SYSTICK] = 1;
    if ((value & (1 << 25)) !== 0) pending[SYSTICK] = 0;
  }

  private writeAircr(value: number): void {
    if (value >>> 16 !== 0x5fa) return;
    this.core.exceptions.priorityGroup = (value >>> 8) & 7;
    if ((value & 4) !== 0) this.onResetRequest();
  }
}

function packPriorities(priority: Int16Array, first: number): number {
  let word = 0;
  for (let i = 0; i < 4; i++) word |= (priority[first + i] & 255) << (8 * i);
  return word;
}

function unpackPriorities(priority: Int16Array, first: number, value: number): void {
  for (let i = 0; i < 4 && first + i < priority.length; i++) {
    if (first + i > 3) priority[first + i] = (value >>> (8 * i)) & PRIORITY_MASK;
  }
}

/** The 24-bit down counter, driven by the core clock. */
class SysTick {
  private control = 0;
  private reload = 0;
  private countFlag = false;
  /** Cycle at which the counter was last written or wrapped, and its value then. */
  private since = 0;
  private value = 0;
  private cancel: () => void = () => {};

  constructor(private readonly core: Core) {}

  reset(): void {
    this.cancel();
    this.control = this.reload = this.value = this.since = 0;
    this.countFlag = false;
  }

  private get current(): number {
    if ((this.control & 1) === 0) return this.value;
    const elapsed = Math.floor(this.core.cycles - this.since);
    if (elapsed <= this.value) return this.value - elapsed;
    const period = this.reload + 1;
    return this.reload === 0 ? 0 : (this.reload - ((elapsed - this.value - 1) % period)) >>> 0;
  }

  read(offset: number): number {
    if (offset === 0x14) return this.reload;
    if (offset === 0x18) return this.current;
    if (offset === 0x1c) return 0;
    const flag = this.countFlag ? 0x10000 : 0;
    this.countFlag = false;
    return this.control | flag;
  }

  write(offset: number, value: number): void {
    if (offset === 0x14) this.reload = value & 0xffffff;
    else if (offset === 0x18) {
      this.value = 0;
      this.since = this.core.cycles;
      this.countFlag = false;
    } else if (offset === 0x10) {
      this.value = this.current;
      this.since = this.core.cycles;
      this.control = value & 7;
    }
    this.schedule();
  }

  /** Next cycle at which the counter reaches 0 by counting. */
  private schedule(): void {
    this.cancel();
    if ((this.control & 1) === 0 || (this.reload === 0 && this.value === 0)) return;
    const now = this.core.cycles;
    const left = this.current === 0 ? this.reload + 1 : this.current;
    this.cancel = this.core.scheduler.at(now + left, () => {
      this.countFlag = true;
      this.value = 0;
      this.since = now + left;
      if ((this.control & 2) !== 0) this.core.exceptions.pending[SYSTICK] = 1;
      this.schedule();
    });
  }
}
