/** Small seeded generator (a Weyl sequence through a 32-bit mixer), so that a failing run can be repeated from its seed. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 0;
  }

  /** Next int32. */
  word(): number {
    this.state = (this.state + 0x9e3779b9) | 0;
    let t = this.state ^ (this.state >>> 16);
    t = Math.imul(t, 0x21f0aaad);
    t ^= t >>> 15;
    t = Math.imul(t, 0x735a2d97);
    return t ^ (t >>> 15);
  }

  /** Integer in [0, limit). */
  below(limit: number): number {
    return Math.floor((this.word() >>> 0) * (limit / 4294967296));
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  chance(probability: number): boolean {
    return this.word() >>> 0 < probability * 4294967296;
  }
}

const CORNERS = [
  0,
  1,
  2,
  31,
  32,
  33,
  255,
  -1,
  -2,
  0x7fffffff,
  -0x80000000,
  -0x7fffffff,
  0x7fff,
  0x8000,
  0xffff,
  -0x8000,
  0x10000,
  0x80008000 | 0,
  0x7fff7fff,
  0x80007fff | 0,
  0x7fff8000,
  0x00ff00ff,
  0xff00ff00 | 0,
  0x80808080 | 0,
  0x7f7f7f7f,
  0x40000000,
  0xc0000000 | 0,
  0xfffe0001 | 0,
  0x55555555,
  0xaaaaaaaa | 0,
] as const;

const FLOAT_CORNERS = [
  0,
  0x80000000 | 0,
  1,
  0x80000001 | 0,
  0x007fffff,
  0x00800000,
  0x80800000 | 0,
  0x7f7fffff,
  0xff7fffff | 0,
  0x7f800000,
  0xff800000 | 0,
  0x7fc00000,
  0xffc12345 | 0,
  0x7f800001,
  0xffa00000 | 0,
  0x3f800000,
  0xbf800000 | 0,
  0x3f000000,
  0x4f000000,
  0xcf000000 | 0,
  0x4f800000,
  0x4effffff,
  0x3f7fffff,
  0x3f800001,
  0x40490fdb,
  0x477fe000,
  0x38800000,
  0x33800000,
  0x477ff000,
  0x3fc00000,
  0x40200000,
  0xbf000000 | 0,
] as const;

/** Register value: corner values, their neighbours, small numbers and noise. */
export function cornerWord(random: Random): number {
  const kind = random.below(8);
  if (kind < 3) return random.pick(CORNERS);
  if (kind === 3) return (random.pick(CORNERS) + random.below(5) - 2) | 0;
  if (kind === 4) return random.below(64) - 16;
  if (kind === 5) return (random.pick(CORNERS) & 0xffff) | (random.pick(CORNERS) << 16);
  return random.word();
}

/** Float bit pattern: specials, numbers of one size (so that sums cancel) and noise. */
export function cornerFloat(random: Random): number {
  const kind = random.below(8);
  if (kind < 2) return random.pick(FLOAT_CORNERS);
  if (kind === 2) return (random.pick(FLOAT_CORNERS) + random.below(5) - 2) | 0;
  if (kind < 6) return (random.word() & 0x807fffff) | ((120 + random.below(16)) << 23);
  if (kind === 6) return (random.word() & 0x80ffffff) | (random.below(3) << 29);
  return random.word();
}
