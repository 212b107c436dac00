/** A 32-bit peripheral register block. Offsets are multiples of 4 from the block's base. */
export interface Device {
  readonly name: string;
  read(offset: number): number;
  write(offset: number, value: number): void;
}

export type AccessKind = "read" | "write" | "fetch";

export type FaultKind =
  | "unmapped"
  | "unaligned"
  | "flash-write"
  | "divide-by-zero"
  | "undefined"
  | "no-coprocessor"
  | "invalid-state"
  | "stack-limit"
  | "breakpoint"
  | "lockup"
  | "mpu";

/** Thrown by slow paths; the driver turns it into a fault record. */
export class CpuFault extends Error {
  readonly code = "cpu-fault";
  constructor(
    readonly kind: FaultKind,
    readonly address: number,
    readonly access: AccessKind,
    message: string,
  ) {
    super(message);
  }
}

export interface MemoryOptions {
  flashBase: number;
  flashBytes: number;
  ramBase: number;
  ramBytes: number;
  /** Second address of RAM on the code bus, or undefined. */
  ramAlias?: number;
}

const DEVICE_BLOCK_BITS = 12;

const hex = (value: number) => `0x${(value >>> 0).toString(16).padStart(8, "0")}`;

/**
 * Flash, RAM and devices. Translated code reads and writes the typed arrays itself after a range check and comes here for
 * everything else: unaligned accesses, the RAM alias, devices and faults.
 */
export class Memory {
  readonly flash: Uint8Array;
  readonly ram: Uint8Array;
  readonly flash32: Int32Array;
  readonly ram32: Int32Array;
  readonly flash16: Uint16Array;
  readonly ram16: Uint16Array;
  private readonly devices = new Map<number, { device: Device; base: number }>();
  /** Called with the address of every store that hits RAM holding translated code, and of flash changes. */
  onCodeWrite: (address: number, bytes: number) => void = () => {};
  /** Non-zero for each 64-byte line of RAM that holds translated code. */
  readonly codeLines: Uint8Array;
  readonly flashCodeLines: Uint8Array;
  /** Called for a store to flash; returns false when it must fault. */
  onFlashStore: (address: number, value: number, bytes: number) => boolean = () => false;
  /** Extra transfers of an unaligned access, reported to the cycle model. */
  onUnaligned: () => void = () => {};
  /** Called for each data read of flash that went through the slow path. */
  onFlashRead: () => void = () => {};

  constructor(readonly options: MemoryOptions) {
    const flash = new ArrayBuffer((options.flashBytes + 7) & ~7);
    const ram = new ArrayBuffer((options.ramBytes + 7) & ~7);
    this.flash = new Uint8Array(flash, 0, options.flashBytes);
    this.ram = new Uint8Array(ram, 0, options.ramBytes);
    this.flash32 = new Int32Array(flash);
    this.ram32 = new Int32Array(ram);
    this.flash16 = new Uint16Array(flash);
    this.ram16 = new Uint16Array(ram);
    this.codeLines = new Uint8Array((options.ramBytes >>> 6) + 1);
    this.flashCodeLines = new Uint8Array((options.flashBytes >>> 6) + 1);
    this.flash.fill(0xff);
  }

  /** Maps `device` over `bytes` from `base`; both must be multiples of 4 KiB. */
  attach(base: number, bytes: number, device: Device): void {
    for (let at = 0; at < bytes; at += 1 << DEVICE_BLOCK_BITS) {
      this.devices.set((base + at) >>> DEVICE_BLOCK_BITS, { device, base });
    }
  }

  /** Name of the region that holds `address`: "flash", "ram", a device, or "unmapped". */
  regionName(address: number): string {
    const place = this.locate(address >>> 0, 1);
    if (place !== undefined) return place.bytes === this.ram ? "ram" : "flash";
    return this.devices.get(address >>> DEVICE_BLOCK_BITS)?.device.name ?? "unmapped";
  }

  private locate(address: number, bytes: number): { bytes: Uint8Array; offset: number } | undefined {
    const { flashBase, flashBytes, ramBase, ramBytes, ramAlias } = this.options;
    if (address >= ramBase && address + bytes <= ramBase + ramBytes)
      return { bytes: this.ram, offset: address - ramBase };
    if (address >= flashBase && address + bytes <= flashBase + flashBytes) {
      return { bytes: this.flash, offset: address - flashBase };
    }
    if (ramAlias !== undefined && address >= ramAlias && address + bytes <= ramAlias + ramBytes) {
      return { bytes: this.ram, offset: address - ramAlias };
    }
    return undefined;
  }

  /** True when all of [address, address + bytes) is flash or RAM. */
  isBacked(address: number, bytes: number): boolean {
    return this.locate(address >>> 0, bytes) !== undefined;
  }

  /** Copy of memory as a debugger sees it; throws RangeError outside flash and RAM. */
  peek(address: number, bytes: number): Uint8Array {
    const place = this.locate(address >>> 0, bytes);
    if (place === undefined) throw new RangeError(`no memory at ${hex(address)}, ${bytes} bytes`);
    return place.bytes.slice(place.offset, place.offset + bytes);
  }

  /** Writes flash or RAM from outside the CPU. */
  poke(address: number, data: Uint8Array): void {
    const place = this.locate(address >>> 0, data.length);
    if (place === undefined) throw new RangeError(`no memory at ${hex(address)}, ${data.length} bytes`);
    place.bytes.set(data, place.offset);
    if (data.length === 0) return;
    const lines = place.bytes === this.ram ? this.codeLines : this.flashCodeLines;
    const last = (place.offset + data.length - 1) >>> 6;
    for (let line = place.offset >>> 6; line <= last; line++) {
      if (lines[line] === 0) continue;
      this.onCodeWrite(address >>> 0, data.length);
      return;
    }
  }

  /** Halfword for the instruction decoder, or -1 where nothing can be fetched. */
  fetch(address: number): number {
    const place = this.locate(address >>> 0, 2);
    return place === undefined ? -1 : place.bytes[place.offset] | (place.bytes[place.offset + 1] << 8);
  }

  /** Data load of 1, 2 or 4 bytes, zero-extended (int32 for 4). Throws CpuFault. */
  load(rawAddress: number, bytes: 1 | 2 | 4): number {
    const address = rawAddress >>> 0;
    const place = this.locate(address, bytes);
    if (place !== undefined) {
      if ((address & (bytes - 1)) !== 0) this.onUnaligned();
      if (place.bytes === this.flash) this.onFlashRead();
      const { bytes: data, offset } = place;
      if (bytes === 1) return data[offset];
      const low = data[offset] | (data[offset + 1] << 8);
      return bytes === 2 ? low : low | (data[offset + 2] << 16) | (data[offset + 3] << 24);
    }
    const entry = this.devices.get(address >>> DEVICE_BLOCK_BITS);
    if (entry === undefined) this.fault("unmapped", address, "read", bytes);
    if ((address & (bytes - 1)) !== 0) this.fault("unaligned", address, "read", bytes);
    const word = entry.device.read(((address & ~3) >>> 0) - entry.base) | 0;
    if (bytes === 4) return word;
    return (word >>> ((address & 3) * 8)) & (bytes === 1 ? 0xff : 0xffff);
  }

  /** Data store of 1, 2 or 4 bytes. Throws CpuFault. */
  store(rawAddress: number, bytes: 1 | 2 | 4, value: number): void {
    const address = rawAddress >>> 0;
    const place = this.locate(address, bytes);
    if (place !== undefined) {
      if ((address & (bytes - 1)) !== 0) this.onUnaligned();
      if (place.bytes === this.flash) {
        if (!this.onFlashStore(address, value, bytes)) this.fault("flash-write", address, "write", bytes);
        return;
      }
      for (let i = 0; i < bytes; i++) place.bytes[place.offset + i] = value >>> (8 * i);
      if (this.codeLines[place.offset >>> 6] !== 0) this.onCodeWrite(address, bytes);
      return;
    }
    const entry = this.devices.get(address >>> DEVICE_BLOCK_BITS);
    if (entry === undefined) this.fault("unmapped", address, "write", bytes);
    if ((address & (bytes - 1)) !== 0) this.fault("unaligned", address, "write", bytes);
    const offset = ((address & ~3) >>> 0) - entry.base;
    if (bytes === 4) {
      entry.device.write(offset, value);
      return;
    }
    const shift = (address & 3) * 8;
    const mask = (bytes === 1 ? 0xff : 0xffff) << shift;
    entry.device.write(offset, (entry.device.read(offset) & ~mask) | ((value << shift) & mask));
  }

  private fault(kind: FaultKind, address: number, access: AccessKind, bytes: number): never {
    const what = kind === "flash-write" ? "store to flash" : `${kind} ${access}`;
    throw new CpuFault(kind, address, access, `${what} of ${bytes} bytes at ${hex(address)}`);
  }
}
