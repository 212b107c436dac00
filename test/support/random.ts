/** Seeded generator (mulberry32): the same numbers on every machine, small enough to read. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 0;
  }

  /** 32 random bits, unsigned. */
  bits(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** Integer in [min, max], both included. */
  int(min: number, max: number): number {
    return min + (this.bits() % (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.bits() < probability * 2 ** 32;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.bits() % items.length]!;
  }

  /** Real number in [-1, 1). */
  signed(): number {
    return this.bits() / 2 ** 31 - 1;
  }

  /** int64, any bits. */
  int64(): bigint {
    return BigInt.asIntN(64, (BigInt(this.bits()) << 32n) | BigInt(this.bits()));
  }

  int16s(length: number, min = -32768, max = 32767): Int16Array {
    return Int16Array.from({ length }, () => this.int(min, max));
  }

  int8s(length: number, min = -128, max = 127): Int8Array {
    return Int8Array.from({ length }, () => this.int(min, max));
  }
}
