import { IXC, SoftFloat } from "./softfloat.js";
import { C, type CpuState, FP, FPSCR, N, V, Z } from "./state.js";

const MIN_NORMAL = 2 ** -126;
const MAX_FINITE = 3.4028234663852886e38;
/** Round to nearest, no flush to zero, inexact already recorded: then a normal result changes no flag. */
const FAST_MASK = (3 << 22) | (1 << 24) | IXC;

/**
 * Floating-point helpers of the translated code. Operands are S register numbers. A result that is normal and cannot
 * change FPSCR is computed with doubles (exact after one rounding for + - * / sqrt); anything else goes to SoftFloat.
 */
export function createVfp(state: CpuState) {
  const S = state.words;
  const F = state.floats;
  const soft = new SoftFloat();
  const wide = new Float64Array(1);
  const wideBits = new BigInt64Array(wide.buffer);

  const fast = () => (S[FPSCR] & FAST_MASK) === IXC;
  const normal = (r: number) => (r > MIN_NORMAL && r <= MAX_FINITE) || (r < -MIN_NORMAL && r >= -MAX_FINITE);
  const slow = (d: number, operation: () => number) => {
    soft.fpscr = S[FPSCR];
    S[FP + d] = operation();
    S[FPSCR] = soft.fpscr;
  };
  const bits = (index: number) => S[FP + index];
  const negate = (value: number) => value ^ 0x80000000;

  function VADD(d: number, n: number, m: number): void {
    const r = Math.fround(F[n] + F[m]);
    if (fast() && (normal(r) || r === 0)) F[d] = r;
    else slow(d, () => soft.add(bits(n), bits(m)));
  }
  function VSUB(d: number, n: number, m: number): void {
    const r = Math.fround(F[n] - F[m]);
    if (fast() && (normal(r) || r === 0)) F[d] = r;
    else slow(d, () => soft.sub(bits(n), bits(m)));
  }
  function VMUL(d: number, n: number, m: number): void {
    const a = F[n];
    const b = F[m];
    const r = Math.fround(a * b);
    if (fast() && (normal(r) || (r === 0 && (a === 0 || b === 0)))) F[d] = r;
    else slow(d, () => soft.mul(bits(n), bits(m)));
  }
  function VNMUL(d: number, n: number, m: number): void {
    slow(d, () => negate(soft.mul(bits(n), bits(m))));
  }
  function VDIV(d: number, n: number, m: number): void {
    const r = Math.fround(F[n] / F[m]);
    if (fast() && normal(r)) F[d] = r;
    else slow(d, () => soft.div(bits(n), bits(m)));
  }
  function VSQRT(d: number, m: number): void {
    const r = Math.fround(Math.sqrt(F[m]));
    if (fast() && normal(r)) F[d] = r;
    else slow(d, () => soft.sqrt(bits(m)));
  }
  /** Chained multiply-accumulate, two roundings. */
  function VMLA(d: number, n: number, m: number, negateSum: boolean, negateProduct: boolean): void {
    const product = Math.fround(F[n] * F[m]);
    const r = Math.fround((negateSum ? -F[d] : F[d]) + (negateProduct ? -product : product));
    if (fast() && normal(product) && (normal(r) || r === 0)) {
      F[d] = r;
      return;
    }
    slow(d, () => {
      const exact = soft.mul(bits(n), bits(m));
      return soft.add(negateSum ? negate(bits(d)) : bits(d), negateProduct ? negate(exact) : exact);
    });
  }
  /** Fused multiply-accumulate, one rounding. */
  function VFMA(d: number, n: number, m: number, negateSum: boolean, negateProduct: boolean): void {
    const product = (negateProduct ? -F[n] : F[n]) * F[m];
    const addend = negateSum ? -F[d] : F[d];
    let sum = product + addend;
    const back = sum - product;
    const error = product - (sum - back) + (addend - back);
    if (error !== 0 && Number.isFinite(error)) {
      // Round to odd in double precision, so that the second rounding cannot err.
      wide[0] = sum;
      if ((wideBits[0] & 1n) === 0n) {
        wideBits[0] += error > 0 === sum > 0 ? 1n : -1n;
        sum = wide[0];
      }
    }
    const r = Math.fround(sum);
    if (fast() && normal(r)) {
      F[d] = r;
      return;
    }
    slow(d, () => {
      const x = negateProduct ? negate(bits(n)) : bits(n);
      return soft.fma(negateSum ? negate(bits(d)) : bits(d), x, bits(m));
    });
  }
  /** Compare; `m` < 0 compares with zero. Sets N Z C V of FPSCR. */
  function VCMP(n: number, m: number, quietIsInvalid: boolean): void {
    const a = F[n];
    const b = m < 0 ? 0 : F[m];
    let nzcv: number;
    if (fast() && !Number.isNaN(a) && !Number.isNaN(b)) nzcv = a === b ? 6 : a < b ? 8 : 2;
    else {
      soft.fpscr = S[FPSCR];
      nzcv = soft.compare(bits(n), m < 0 ? 0 : bits(m), quietIsInvalid);
      S[FPSCR] = soft.fpscr;
    }
    S[FPSCR] = (S[FPSCR] & 0x0fffffff) | (nzcv << 28);
  }
  function VTOI(d: number, m: number, unsigned: boolean, roundZero: boolean): void {
    const value = F[m];
    const whole = Math.trunc(value);
    if (
      fast() &&
      roundZero &&
      (unsigned ? value > -1 && value < 4294967296 : value > -2147483649 && value < 2147483648)
    ) {
      S[FP + d] = whole | 0;
    } else slow(d, () => soft.toFixed(bits(m), 32, 0, unsigned, roundZero));
  }
  function VTOX(d: number, size: number, fraction: number, unsigned: boolean): void {
    slow(d, () => soft.toFixed(bits(d), size, fraction, unsigned, true));
  }
  function VFROMI(d: number, m: number, unsigned: boolean): void {
    const value = unsigned ? bits(m) >>> 0 : bits(m);
    if (fast()) F[d] = value;
    else slow(d, () => soft.fromFixed(value, 0, false));
  }
  function VFROMX(d: number, size: number, fraction: number, unsigned: boolean): void {
    const raw = bits(d);
    const value = size === 32 ? (unsigned ? raw >>> 0 : raw) : unsigned ? raw & 0xffff : (raw << 16) >> 16;
    slow(d, () => soft.fromFixed(value, fraction, true));
  }
  function VHALF(d: number, m: number, top: boolean, toHalf: boolean): void {
    soft.fpscr = S[FPSCR];
    if (toHalf) {
      const half = soft.toHalf(bits(m));
      S[FP + d] = top ? (bits(d) & 0xffff) | (half << 16) : (bits(d) & ~0xffff) | half;
    } else S[FP + d] = soft.fromHalf(top ? bits(m) >>> 16 : bits(m) & 0xffff);
    S[FPSCR] = soft.fpscr;
  }
  /** VMRS APSR_nzcv, FPSCR on the register file; the caller reloads its flag locals. */
  function VFLAGS(): void {
    const value = S[FPSCR];
    S[N] = value & 0x80000000;
    S[Z] = (value & 0x40000000) === 0 ? 1 : 0;
    S[C] = (value >>> 29) & 1;
    S[V] = (value << 3) & 0x80000000;
  }
  return { VADD, VSUB, VMUL, VNMUL, VDIV, VSQRT, VMLA, VFMA, VCMP, VTOI, VTOX, VFROMI, VFROMX, VHALF, VFLAGS };
}
