import type { Core } from "../../cpu/core.js";
import { CpuFault } from "../../cpu/memory.js";
import { NordicPeripheral } from "./peripheral.js";

const STARTTX = 0x008;
const STOPTX = 0x00c;
const EVENTS = { txReady: 0x11c, endTx: 0x120, txStarted: 0x150, txStopped: 0x158 } as const;
const ENABLE = 0x500;
const TXD = 0x51c;
const TXD_PTR = 0x544;
const TXD_MAXCNT = 0x548;
const TXD_AMOUNT = 0x54c;

/** UARTE transmitter, and the legacy UART that shares its place. Bytes leave at once: there is no baud delay. */
export class Uarte extends NordicPeripheral {
  /** Called with every chunk that is sent. */
  onTransmit: (bytes: Uint8Array) => void = () => {};

  constructor(name: string, base: number, core: Core) {
    super(name, base, core);
  }

  protected task(offset: number): void {
    if (offset === STOPTX) this.raise(EVENTS.txStopped);
    if (offset !== STARTTX || this.readRegister(ENABLE) !== 8) return;
    const pointer = this.readRegister(TXD_PTR) >>> 0;
    const count = this.readRegister(TXD_MAXCNT) & 0xffff;
    if (count > 0 && this.core.memory.regionName(pointer) !== "ram") {
      const where = `0x${pointer.toString(16)}`;
      throw new CpuFault("unmapped", pointer, "read", `${this.name} dma from ${where}, which is not in ram`);
    }
    this.raise(EVENTS.txStarted);
    if (count > 0) this.onTransmit(this.core.memory.peek(pointer, count));
    this.writeRegister(TXD_AMOUNT, count);
    this.raise(EVENTS.txReady);
    this.raise(EVENTS.endTx);
  }

  protected override writeRegister(offset: number, value: number): void {
    super.writeRegister(offset, value);
    if (offset === TXD && this.readRegister(ENABLE) === 4) {
      this.onTransmit(Uint8Array.of(value & 255));
      this.raise(EVENTS.txReady);
    }
  }
}
