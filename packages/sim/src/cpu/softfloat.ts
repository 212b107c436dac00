/**
 * Single-precision arithmetic exactly as the Arm ARM's FP pseudocode (DDI 0403, D6.7 / DDI 0406 A2.7) defines it, flags
 * included. It is the slow path behind vfp.ts: NaNs, infinities, subnormals, directed rounding, flush to zero, first
 * inexact result. Values are bit patterns (int32); finite numbers are handled as BigInt mantissa times a power of two.
 */
export const IOC = 1;
export const DZC = 2;
export const OFC = 4;
export const UFC = 8;
export const IXC = 16;
export const IDC = 128;

const FZ = 1 << 24;
const DN = 1 << 25;
const AHP = 1 << 26;
const DEFAULT_NAN = 0x7fc00000;

type Kind = "zero" | "finite" | "infinity" | "qnan" | "snan";

interface Unpacked {
  kind: Kind;
  negative: boolean;
  /** value = mantissa * 2^exponent, for finite. */
  mantissa: bigint;
  exponent: number;
}

/** Exact arithmetic with the control and cumulative bits in one word. */
export class SoftFloat {
  /** Control bits in, cumulative bits out. */
  fpscr = 0;

  private unpack(bits: number): Unpacked {
    const negative = bits < 0;
    const biased = (bits >>> 23) & 255;
    const fraction = bits & 0x7fffff;
    const finite = (mantissa: number, exponent: number): Unpacked => ({
      kind: "finite",
      negative,
      mantissa: BigInt(mantissa),
      exponent,
    });
    const special = (kind: Kind): Unpacked => ({ kind, negative, mantissa: 0n, exponent: 0 });
    if (biased === 255) return special(fraction === 0 ? "infinity" : fraction & 0x400000 ? "qnan" : "snan");
    if (biased !== 0) return finite(fraction | 0x800000, biased - 150);
    if (fraction === 0) return special("zero");
    if ((this.fpscr & FZ) !== 0) {
      this.fpscr |= IDC;
      return special("zero");
    }
    return finite(fraction, -149);
  }

  /** FPProcessNaN(s): the result when any operand is a NaN, else undefined. Operands in priority order. */
  private processNaNs(operands: readonly (readonly [Unpacked, number])[]): number | undefined {
    const chosen = operands.find(([x]) => x.kind === "snan") ?? operands.find(([x]) => x.kind === "qnan");
    if (chosen === undefined) return undefined;
    if (chosen[0].kind === "snan") this.fpscr |= IOC;
    return (this.fpscr & DN) !== 0 ? DEFAULT_NAN : chosen[1] | 0x400000;
  }

  private invalid(): number {
    this.fpscr |= IOC;
    return DEFAULT_NAN;
  }

  /** FPRound of mantissa * 2^exponent; `sticky` says that a non-zero remainder below the mantissa was dropped. */
  private round(
    negative: boolean,
    mantissa: bigint,
    exponent: number,
    sticky: boolean,
    mode = (this.fpscr >>> 22) & 3,
  ): number {
    const sign = negative ? 0x80000000 : 0;
    const length = mantissa.toString(2).length;
    const top = exponent + length - 1;
    if ((this.fpscr & FZ) !== 0 && top < -126) {
      this.fpscr |= UFC;
      return sign | 0;
    }
    let biased = Math.max(top + 127, 0);
    // Bits below the last one kept.
    const drop = (biased === 0 ? -149 : top - 23) - exponent;
    let kept: bigint;
    let above = false; // remainder > 1/2
    let exactHalf = false;
    let error = sticky;
    if (drop <= 0) kept = mantissa << BigInt(-drop);
    else {
      kept = mantissa >> BigInt(drop);
      const rest = mantissa - (kept << BigInt(drop));
      const halfway = 1n << BigInt(drop - 1);
      error ||= rest !== 0n;
      above = rest > halfway || (rest === halfway && sticky);
      exactHalf = rest === halfway && !sticky;
    }
    if (biased === 0 && error) this.fpscr |= UFC;
    const up =
      mode === 0
        ? above || (exactHalf && (kept & 1n) === 1n)
        : mode === 1
          ? error && !negative
          : mode === 2
            ? error && negative
            : false;
    let value = Number(kept) + (up ? 1 : 0);
    if (biased === 0 && value === 0x800000) biased = 1;
    else if (value === 0x1000000) {
      biased++;
      value = 0x800000;
    }
    if (biased >= 255) {
      this.fpscr |= OFC | IXC;
      const toInfinity = mode === 0 || (mode === 1 && !negative) || (mode === 2 && negative);
      return sign | (toInfinity ? 0x7f800000 : 0x7f7fffff);
    }
    if (error) this.fpscr |= IXC;
    return sign | (biased << 23) | (value & 0x7fffff);
  }

  private zero(negative: boolean): number {
    return negative ? -0x80000000 : 0;
  }

  private infinity(negative: boolean): number {
    return negative ? 0xff800000 | 0 : 0x7f800000;
  }

  /** Sum of two exact values; a zero result takes the sign the rounding mode asks for. */
  private addExact(a: Unpacked, b: Unpacked): number {
    const exponent = Math.min(a.exponent, b.exponent);
    const signed = (x: Unpacked) => (x.negative ? -x.mantissa : x.mantissa) << BigInt(x.exponent - exponent);
    const sum = signed(a) + signed(b);
    if (sum === 0n) return this.zero(((this.fpscr >>> 22) & 3) === 2);
    return this.round(sum < 0n, sum < 0n ? -sum : sum, exponent, false);
  }

  /** FPAdd. */
  add(x: number, y: number): number {
    const a = this.unpack(x);
    const b = this.unpack(y);
    const nan = this.processNaNs([
      [a, x],
      [b, y],
    ]);
    if (nan !== undefined) return nan;
    if (a.kind === "infinity" && b.kind === "infinity" && a.negative !== b.negative) return this.invalid();
    if (a.kind === "infinity") return this.infinity(a.negative);
    if (b.kind === "infinity") return this.infinity(b.negative);
    if (a.kind === "zero" && b.kind === "zero" && a.negative === b.negative) return this.zero(a.negative);
    if (a.kind === "zero") a.exponent = b.exponent;
    if (b.kind === "zero") b.exponent = a.exponent;
    return this.addExact(a, b);
  }

  /** FPSub: as FPAdd, but a NaN second operand keeps its sign. */
  sub(x: number, y: number): number {
    const isNan = ((y >>> 23) & 255) === 255 && (y & 0x7fffff) !== 0;
    return this.add(x, isNan ? y : y ^ 0x80000000);
  }

  /** FPMul. */
  mul(x: number, y: number): number {
    const a = this.unpack(x);
    const b = this.unpack(y);
    const nan = this.processNaNs([
      [a, x],
      [b, y],
    ]);
    if (nan !== undefined) return nan;
    const negative = a.negative !== b.negative;
    if (a.kind === "infinity" || b.kind === "infinity") {
      return a.kind === "zero" || b.kind === "zero" ? this.invalid() : this.infinity(negative);
    }
    if (a.kind === "zero" || b.kind === "zero") return this.zero(negative);
    return this.round(negative, a.mantissa * b.mantissa, a.exponent + b.exponent, false);
  }

  /** FPDiv. */
  div(x: number, y: number): number {
    const a = this.unpack(x);
    const b = this.unpack(y);
    const nan = this.processNaNs([
      [a, x],
      [b, y],
    ]);
    if (nan !== undefined) return nan;
    const negative = a.negative !== b.negative;
    if ((a.kind === "infinity" && b.kind === "infinity") || (a.kind === "zero" && b.kind === "zero"))
      return this.invalid();
    if (a.kind === "infinity") return this.infinity(negative);
    if (b.kind === "zero") {
      this.fpscr |= DZC;
      return this.infinity(negative);
    }
    if (a.kind === "zero" || b.kind === "infinity") return this.zero(negative);
    const scaled = a.mantissa << 64n;
    const quotient = scaled / b.mantissa;
    return this.round(negative, quotient, a.exponent - b.exponent - 64, quotient * b.mantissa !== scaled);
  }

  /** FPSqrt. */
  sqrt(x: number): number {
    const a = this.unpack(x);
    const nan = this.processNaNs([[a, x]]);
    if (nan !== undefined) return nan;
    if (a.kind === "zero") return this.zero(a.negative);
    if (a.negative) return this.invalid();
    if (a.kind === "infinity") return this.infinity(false);
    const odd = (a.exponent & 1) !== 0;
    const scaled = a.mantissa << (odd ? 65n : 64n);
    const root = integerRoot(scaled);
    return this.round(false, root, ((odd ? a.exponent - 1 : a.exponent) - 64) / 2, root * root !== scaled);
  }

  /** FPMulAdd: addend + x * y, rounded once. */
  fma(addend: number, x: number, y: number): number {
    const c = this.unpack(addend);
    const a = this.unpack(x);
    const b = this.unpack(y);
    const infiniteByZero = (a.kind === "infinity" && b.kind === "zero") || (a.kind === "zero" && b.kind === "infinity");
    if (c.kind === "qnan" && infiniteByZero) return this.invalid();
    const nan = this.processNaNs([
      [c, addend],
      [a, x],
      [b, y],
    ]);
    if (nan !== undefined) return nan;
    const negative = a.negative !== b.negative;
    const infinite = a.kind === "infinity" || b.kind === "infinity";
    if (infiniteByZero || (infinite && c.kind === "infinity" && c.negative !== negative)) return this.invalid();
    if (infinite) return this.infinity(negative);
    if (c.kind === "infinity") return this.infinity(c.negative);
    const zeroProduct = a.kind === "zero" || b.kind === "zero";
    if (zeroProduct && c.kind === "zero") {
      return c.negative === negative ? this.zero(negative) : this.zero(((this.fpscr >>> 22) & 3) === 2);
    }
    const product: Unpacked = {
      kind: "finite",
      negative,
      mantissa: zeroProduct ? 0n : a.mantissa * b.mantissa,
      exponent: zeroProduct ? c.exponent : a.exponent + b.exponent,
    };
    if (c.kind === "zero") c.exponent = product.exponent;
    return this.addExact(c, product);
  }

  /** FPCompare: N Z C V in bits 3..0. */
  compare(x: number, y: number, quietIsInvalid: boolean): number {
    const a = this.unpack(x);
    const b = this.unpack(y);
    const isNan = (u: Unpacked) => u.kind === "qnan" || u.kind === "snan";
    if (isNan(a) || isNan(b)) {
      if (a.kind === "snan" || b.kind === "snan" || quietIsInvalid) this.fpscr |= IOC;
      return 3;
    }
    const number = (u: Unpacked) =>
      u.kind === "zero"
        ? 0
        : (u.negative ? -1 : 1) *
          (u.kind === "infinity" ? Number.POSITIVE_INFINITY : Number(u.mantissa) * 2 ** u.exponent);
    const difference = number(a) === number(b) ? 0 : number(a) < number(b) ? -1 : 1;
    return difference === 0 ? 6 : difference < 0 ? 8 : 2;
  }

  /** FPToFixed: result as int32 bits, saturated to `bits` bits. */
  toFixed(x: number, bits: number, fraction: number, unsigned: boolean, roundZero: boolean): number {
    const a = this.unpack(x);
    if (a.kind === "qnan" || a.kind === "snan") {
      this.fpscr |= IOC;
      return 0;
    }
    const lowest = unsigned ? 0n : -(1n << BigInt(bits - 1));
    const highest = unsigned ? (1n << BigInt(bits)) - 1n : (1n << BigInt(bits - 1)) - 1n;
    let value: bigint;
    let inexact = false;
    if (a.kind === "zero") value = 0n;
    else if (a.kind === "infinity") value = a.negative ? lowest - 1n : highest + 1n;
    else {
      const shift = a.exponent + fraction;
      const signed = a.negative ? -a.mantissa : a.mantissa;
      if (shift >= 0) value = signed << BigInt(shift);
      else {
        value = signed >> BigInt(-shift);
        const rest = signed - (value << BigInt(-shift));
        inexact = rest !== 0n;
        const halfway = 1n << BigInt(-shift - 1);
        const mode = roundZero ? 3 : (this.fpscr >>> 22) & 3;
        const up =
          mode === 0
            ? rest > halfway || (rest === halfway && (value & 1n) === 1n)
            : mode === 1
              ? inexact
              : mode === 2
                ? false
                : inexact && a.negative;
        if (up) value += 1n;
      }
    }
    if (value < lowest || value > highest) {
      this.fpscr |= IOC;
      value = value < lowest ? lowest : highest;
    } else if (inexact) this.fpscr |= IXC;
    return Number(BigInt.asIntN(32, value));
  }

  /** FixedToFP: `value` is the integer (signed or unsigned already applied). */
  fromFixed(value: number, fraction: number, nearest: boolean): number {
    if (value === 0) return 0;
    return this.round(value < 0, BigInt(Math.abs(value)), -fraction, false, nearest ? 0 : (this.fpscr >>> 22) & 3);
  }

  /** FPHalfToSingle of the low 16 bits. */
  fromHalf(half: number): number {
    const sign = (half & 0x8000) << 16;
    const biased = (half >>> 10) & 31;
    const fraction = half & 0x3ff;
    if (biased === 31 && (this.fpscr & AHP) === 0) {
      if (fraction === 0) return sign | 0x7f800000;
      if ((fraction & 0x200) === 0) this.fpscr |= IOC;
      return (this.fpscr & DN) !== 0 ? DEFAULT_NAN : sign | 0x7fc00000 | (fraction << 13);
    }
    if (biased !== 0) return sign | ((biased + 112) << 23) | (fraction << 13);
    if (fraction === 0) return sign;
    const shift = Math.clz32(fraction) - 21;
    return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
  }

  /** FPSingleToHalf: 16 bits. */
  toHalf(bits: number): number {
    const alternative = (this.fpscr & AHP) !== 0;
    const a = this.unpack(bits);
    const sign = bits < 0 ? 0x8000 : 0;
    if (a.kind === "qnan" || a.kind === "snan") {
      if (a.kind === "snan" || alternative) this.fpscr |= IOC;
      if (alternative) return sign;
      return (this.fpscr & DN) !== 0 ? 0x7e00 : sign | 0x7e00 | ((bits >>> 13) & 0x1ff);
    }
    if (a.kind === "infinity") {
      if (!alternative) return sign | 0x7c00;
      this.fpscr |= IOC;
      return sign | 0x7fff;
    }
    return a.kind === "zero" ? sign : this.roundHalf(a, sign, alternative);
  }

  private roundHalf(a: Unpacked, sign: number, alternative: boolean): number {
    const mode = (this.fpscr >>> 22) & 3;
    const value = Number(a.mantissa) * 2 ** a.exponent;
    const top = Math.floor(Math.log2(value)); // may be one off, corrected next
    const exponent = 2 ** top > value ? top - 1 : 2 ** (top + 1) <= value ? top + 1 : top;
    let biased = Math.max(exponent + 15, 0);
    const scaled = value / 2 ** (Math.max(exponent, -14) - 10);
    let kept = Math.floor(scaled);
    const rest = scaled - kept;
    if (biased === 0 && rest !== 0) this.fpscr |= UFC;
    const up =
      mode === 0
        ? rest > 0.5 || (rest === 0.5 && (kept & 1) === 1)
        : mode === 1
          ? rest !== 0 && !a.negative
          : mode === 2
            ? rest !== 0 && a.negative
            : false;
    if (up) kept++;
    if (biased === 0 && kept === 0x400) biased = 1;
    else if (kept === 0x800) {
      biased++;
      kept = 0x400;
    }
    if (alternative) {
      if (biased >= 32) {
        this.fpscr |= IOC;
        return sign | 0x7fff;
      }
    } else if (biased >= 31) {
      this.fpscr |= OFC | IXC;
      const toInfinity = mode === 0 || (mode === 1 && !a.negative) || (mode === 2 && a.negative);
      return sign | (toInfinity ? 0x7c00 : 0x7bff);
    }
    if (rest !== 0) this.fpscr |= IXC;
    return sign | (biased << 10) | (kept & 0x3ff);
  }
}

function integerRoot(value: bigint): bigint {
  let root = BigInt(Math.floor(Math.sqrt(Number(value))));
  while (root * root > value) root--;
  while ((root + 1n) * (root + 1n) <= value) root++;
  return root;
}
