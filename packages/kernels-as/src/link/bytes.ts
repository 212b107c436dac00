/** Cursor over WebAssembly bytes: LEB128 numbers, names, vectors. */
export class ByteReader {
  position: number;

  constructor(
    readonly bytes: Uint8Array,
    start = 0,
    readonly end = bytes.length,
  ) {
    this.position = start;
  }

  get isAtEnd(): boolean {
    return this.position >= this.end;
  }

  u8(): number {
    if (this.position >= this.end) throw new RangeError(`wasm ends at byte ${this.end}`);
    return this.bytes[this.position++];
  }

  /** Unsigned LEB128, at most 32 bits. */
  u32(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.u8();
      value += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) return value;
      if (shift >= 28) throw new RangeError(`number at byte ${this.position} is longer than 32 bits`);
    }
  }

  /** Signed LEB128 of at most 32 bits. */
  i32(): number {
    let value = 0;
    let shift = 0;
    let byte: number;
    do {
      byte = this.u8();
      value |= (byte & 0x7f) << shift;
      shift += 7;
    } while ((byte & 0x80) !== 0);
    return shift < 32 && (byte & 0x40) !== 0 ? value | (-1 << shift) : value;
  }

  /** Steps over a LEB128 number of any length. */
  skipLeb(): void {
    while ((this.u8() & 0x80) !== 0);
  }

  take(length: number): Uint8Array {
    if (this.position + length > this.end) throw new RangeError(`wasm ends at byte ${this.end}, ${length} more needed`);
    this.position += length;
    return this.bytes.subarray(this.position - length, this.position);
  }

  name(): string {
    return new TextDecoder().decode(this.take(this.u32()));
  }

  vector<Item>(read: () => Item): Item[] {
    return Array.from({ length: this.u32() }, read);
  }
}

/** Growing list of WebAssembly bytes. */
export class ByteWriter {
  private readonly values: number[] = [];

  get length(): number {
    return this.values.length;
  }

  u8(...bytes: number[]): this {
    for (const byte of bytes) this.values.push(byte & 0xff);
    return this;
  }

  u32(value: number): this {
    let rest = value;
    while (rest > 0x7f) {
      this.values.push((rest & 0x7f) | 0x80);
      rest = Math.floor(rest / 128);
    }
    this.values.push(rest);
    return this;
  }

  i32(value: number): this {
    let rest = value | 0;
    for (;;) {
      const byte = rest & 0x7f;
      rest >>= 7;
      const isLast = (rest === 0 && (byte & 0x40) === 0) || (rest === -1 && (byte & 0x40) !== 0);
      this.values.push(isLast ? byte : byte | 0x80);
      if (isLast) return this;
    }
  }

  raw(bytes: ArrayLike<number>): this {
    for (let i = 0; i < bytes.length; i++) this.values.push(bytes[i]);
    return this;
  }

  /** Length, then the bytes. */
  block(bytes: ArrayLike<number>): this {
    return this.u32(bytes.length).raw(bytes);
  }

  name(text: string): this {
    return this.block(new TextEncoder().encode(text));
  }

  vector<Item>(items: readonly Item[], write: (item: Item) => void): this {
    this.u32(items.length);
    items.forEach(write);
    return this;
  }

  toBytes(): Uint8Array {
    return Uint8Array.from(this.values);
  }
}
