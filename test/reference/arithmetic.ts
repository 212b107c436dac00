import { TANH_HALF } from "../../packages/train/src/qat/tables.gen.js";

/** (1) */
export const sat16 = (a: number): number => Math.min(Math.max(a, -32768), 32767);

/** (2), a taken modulo 2^32. */
export const rshr = (a: number, s: number): number => (s === 0 ? a | 0 : ((a | 0) + 2 ** (s - 1)) >> s);

/**
 * (3) (int64(a) * m + 2^31) >> 32 in exact doubles: m is split into 16-bit halves, so that no product exceeds 2^47;
 * floor((a * mh * 2^16 + t) / 2^32) = floor((a * mh + floor(t / 2^16)) / 2^16).
 */
export function mulh(a: number, m: number): number {
  const low = m & 0xffff;
  const high = m >> 16;
  const t = a * low + 2 ** 31;
  return Math.floor((a * high + Math.floor(t / 65536)) / 65536);
}

/** (4) */
export function tanhHalf(p: number): number {
  const s = p >> 31;
  const a = (p ^ s) - s;
  const w = TANH_HALF[a >> 7]!;
  const y = (w >>> 16) + (((w & 0xffff) * (a & 127)) >> 7);
  return (y ^ s) - s;
}

/** An activation with all it needs; `table` has 257 entries where the kind is TABLE. */
export interface Activation {
  readonly kind: number;
  readonly param: number;
  readonly table: Int16Array | undefined;
}

/** (5) to (11), for a saturated int16 p. */
export function act({ kind, param, table }: Activation, p: number): number {
  switch (kind) {
    case 0:
      return p;
    case 1:
      return tanhHalf(p);
    case 2:
      return (tanhHalf(p) + 32768) >> 1;
    case 3:
      return Math.min(Math.max(p + 16384, 0), 32767);
    case 4:
      return Math.min(Math.max(p, 0), param);
    case 5: {
      const u = p + 32768;
      const i = u >> 8;
      const f = u & 255;
      const from = table![i]!;
      return from + (((table![i + 1]! - from) * f + 128) >> 8);
    }
    case 6:
      return p >= 0 ? p : (p * param + 2 ** 14) >> 15;
    default:
      throw new RangeError(`activation ${kind} is not defined`);
  }
}

/** (32): int64 modulo 2^64, the shifted value saturated. */
export function affine(x: number | bigint, m: number, b: bigint, s: number): number {
  const value = BigInt.asIntN(64, BigInt(x) * BigInt(m) + b) >> BigInt(s & 63);
  return value > 32767n ? 32767 : value < -32768n ? -32768 : Number(value);
}
