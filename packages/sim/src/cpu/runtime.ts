import { CpuFault, type Memory } from "./memory.js";
import { type CpuState, GE, HIGH, LOWEST_SP, Q } from "./state.js";
import { createVfp } from "./vfp.js";

/** Where and when a slow path was entered; the driver and the devices read it. */
export interface Entry {
  site: number;
  cycles: number;
  instructions: number;
}

export interface RuntimeHooks {
  /** DIV_0_TRP of CCR. */
  divideByZeroTraps(): boolean;
  /** UNALIGN_TRP of CCR. */
  unalignedTraps(): boolean;
  /** Lowest stack pointer allowed, -2147483648 for none. */
  stackLimit(): number;
}

const clamp = (value: number, lowest: number, highest: number) => Math.min(Math.max(value, lowest), highest);

/** High word of the signed 64-bit product. */
function MULH(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >> 16;
  const b0 = b & 0xffff;
  const b1 = b >> 16;
  const low = Math.imul(a0, b0) >>> 16;
  const middle = (Math.imul(a1, b0) + low) | 0;
  const cross = (Math.imul(a0, b1) + (middle & 0xffff)) | 0;
  return (Math.imul(a1, b1) + (middle >> 16) + (cross >> 16)) | 0;
}

function UMULH(a: number, b: number): number {
  return (MULH(a, b) + ((a >> 31) & b) + ((b >> 31) & a)) | 0;
}

function REV(x: number): number {
  return (x << 24) | ((x & 0xff00) << 8) | ((x >>> 8) & 0xff00) | (x >>> 24);
}
function REV16(x: number): number {
  return ((x & 0x00ff00ff) << 8) | ((x >>> 8) & 0x00ff00ff);
}
function REVSH(x: number): number {
  return ((x << 24) >> 16) | ((x >>> 8) & 255);
}
function RBIT(x: number): number {
  let r = ((x & 0x55555555) << 1) | ((x >>> 1) & 0x55555555);
  r = ((r & 0x33333333) << 2) | ((r >>> 2) & 0x33333333);
  r = ((r & 0x0f0f0f0f) << 4) | ((r >>> 4) & 0x0f0f0f0f);
  return REV(r);
}
function LSLR(x: number, amount: number): number {
  const n = amount & 255;
  return n < 32 ? x << n : 0;
}
function LSRR(x: number, amount: number): number {
  const n = amount & 255;
  return n < 32 ? (x >>> n) | 0 : 0;
}
function ASRR(x: number, amount: number): number {
  const n = amount & 255;
  return x >> (n < 32 ? n : 31);
}
function RORR(x: number, amount: number): number {
  const n = amount & 31;
  return n === 0 ? x : (x >>> n) | (x << (32 - n));
}
function LSLRC(x: number, amount: number, c: number): number {
  const n = amount & 255;
  return n === 0 ? c : n <= 32 ? (x >>> (32 - n)) & 1 : 0;
}
function LSRRC(x: number, amount: number, c: number): number {
  const n = amount & 255;
  return n === 0 ? c : n <= 32 ? (x >>> (n - 1)) & 1 : 0;
}
function ASRRC(x: number, amount: number, c: number): number {
  const n = amount & 255;
  return n === 0 ? c : (x >>> Math.min(n - 1, 31)) & 1;
}
function RORRC(x: number, amount: number, c: number): number {
  const n = amount & 255;
  return n === 0 ? c : (x >>> ((n - 1) & 31)) & 1;
}
function USAD8(a: number, b: number): number {
  let sum = 0;
  for (let i = 0; i < 32; i += 8) sum += Math.abs(((a >>> i) & 255) - ((b >>> i) & 255));
  return sum;
}

/** Helpers that need the register file: carries out of 64-bit sums, Q and GE. */
function createArithmetic(S: Int32Array) {
  function ADD64(low: number, high: number, value: number): number {
    const sum = (low + value) | 0;
    // value may reach 2^31, so its own high word is its sign.
    const carry = sum >>> 0 < (value | 0) >>> 0 ? 1 : 0;
    S[HIGH] = high + (value < 0 ? -1 : 0) + carry;
    return sum;
  }
  function accumulate(low: number, high: number, productLow: number, productHigh: number): number {
    const sum = (low + productLow) | 0;
    S[HIGH] = high + productHigh + (sum >>> 0 < productLow >>> 0 ? 1 : 0);
    return sum;
  }
  const SMLAL = (low: number, high: number, n: number, m: number) => accumulate(low, high, Math.imul(n, m), MULH(n, m));
  const UMLAL = (low: number, high: number, n: number, m: number) =>
    accumulate(low, high, Math.imul(n, m), UMULH(n, m));
  function UMAAL(low: number, high: number, n: number, m: number): number {
    const first = accumulate(low, 0, Math.imul(n, m), UMULH(n, m));
    return accumulate(first, S[HIGH], high, 0);
  }
  function SMMLS(n: number, m: number, a: number, round: boolean): number {
    const low = -Math.imul(n, m) | 0;
    const high = (a - MULH(n, m) - (low !== 0 ? 1 : 0)) | 0;
    return round ? (high + (low >>> 31)) | 0 : high;
  }
  function SATURATE(value: number): number {
    if (value > 2147483647) {
      S[Q] = 1;
      return 2147483647;
    }
    if (value < -2147483648) {
      S[Q] = 1;
      return -2147483648;
    }
    return value;
  }
  function saturate16(value: number, lowest: number, highest: number): number {
    const low = clamp((value << 16) >> 16, lowest, highest);
    const high = clamp(value >> 16, lowest, highest);
    const result = (low & 0xffff) | (high << 16);
    if (result !== value) S[Q] = 1;
    return result;
  }
  const SSAT16 = (value: number, bits: number) => saturate16(value, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1);
  const USAT16 = (value: number, bits: number) => saturate16(value, 0, 2 ** bits - 1);
  function SEL(a: number, b: number): number {
    const ge = S[GE];
    const mask = (ge & 1 ? 255 : 0) | (ge & 2 ? 0xff00 : 0) | (ge & 4 ? 0xff0000 : 0) | (ge & 8 ? 0xff000000 : 0);
    return (a & mask) | (b & ~mask);
  }
  return { MULH, UMULH, ADD64, SMLAL, UMLAL, UMAAL, SMMLS, SATURATE, SSAT16, USAT16, SEL };
}

type Parallel = (a: number, b: number) => number;

/** The 36 parallel additions and subtractions, named as in assembly. */
function createParallel(S: Int32Array): Record<string, Parallel> {
  const table: Record<string, Parallel> = {};
  for (const prefix of ["S", "Q", "SH", "U", "UQ", "UH"]) {
    const signed = prefix[0] !== "U";
    const style = prefix.endsWith("H") ? "halve" : prefix.endsWith("Q") ? "saturate" : "modulo";
    for (const kind of ["ADD16", "ASX", "SAX", "SUB16", "ADD8", "SUB8"]) {
      table[prefix + kind] = kind.endsWith("8")
        ? parallel8(S, signed, style, kind === "ADD8")
        : parallel16(S, signed, style, kind);
    }
  }
  return table;
}

function finish(value: number, bits: number, signed: boolean, style: string): number {
  if (style === "halve") return value >> 1;
  if (style === "modulo") return value;
  return signed ? clamp(value, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1) : clamp(value, 0, 2 ** bits - 1);
}

function parallel16(S: Int32Array, signed: boolean, style: string, kind: string): Parallel {
  const crossed = kind === "ASX" || kind === "SAX";
  const addHigh = kind === "ADD16" || kind === "ASX";
  const addLow = kind === "ADD16" || kind === "SAX";
  return (a, b) => {
    const low = signed ? (a << 16) >> 16 : a & 0xffff;
    const high = signed ? a >> 16 : a >>> 16;
    const b0 = signed ? (b << 16) >> 16 : b & 0xffff;
    const b1 = signed ? b >> 16 : b >>> 16;
    const lowSum = addLow ? low + (crossed ? b1 : b0) : low - (crossed ? b1 : b0);
    const highSum = addHigh ? high + (crossed ? b0 : b1) : high - (crossed ? b0 : b1);
    if (style === "modulo") {
      const ge = (sum: number, add: boolean) => (signed || !add ? sum >= 0 : sum >= 0x10000);
      S[GE] = (ge(lowSum, addLow) ? 3 : 0) | (ge(highSum, addHigh) ? 12 : 0);
    }
    return (finish(lowSum, 16, signed, style) & 0xffff) | (finish(highSum, 16, signed, style) << 16);
  };
}

function parallel8(S: Int32Array, signed: boolean, style: string, add: boolean): Parallel {
  return (a, b) => {
    let result = 0;
    let ge = 0;
    for (let i = 0; i < 4; i++) {
      const shift = i * 8;
      const x = signed ? (a << (24 - shift)) >> 24 : (a >>> shift) & 255;
      const y = signed ? (b << (24 - shift)) >> 24 : (b >>> shift) & 255;
      const sum = add ? x + y : x - y;
      if (signed || !add ? sum >= 0 : sum >= 0x100) ge |= 1 << i;
      result |= (finish(sum, 8, signed, style) & 255) << shift;
    }
    if (style === "modulo") S[GE] = ge;
    return result;
  };
}

/** Everything generated code calls by name, plus the typed arrays it reads. */
export function createRuntime(state: CpuState, memory: Memory, hooks: RuntimeHooks) {
  const S = state.words;
  const entry: Entry = { site: -1, cycles: 0, instructions: 0 };
  const enter = (site: number, cycles: number, instructions: number) => {
    entry.site = site;
    entry.cycles = cycles;
    entry.instructions = instructions;
  };
  const loader = (bytes: 1 | 2 | 4) => (address: number, site: number, cycles: number, instructions: number) => {
    enter(site, cycles, instructions);
    if ((address & (bytes - 1)) !== 0 && hooks.unalignedTraps()) ALIGNED(address, bytes, site, cycles, instructions);
    return memory.load(address, bytes);
  };
  const storer =
    (bytes: 1 | 2 | 4) => (address: number, value: number, site: number, cycles: number, instructions: number) => {
      enter(site, cycles, instructions);
      if ((address & (bytes - 1)) !== 0 && hooks.unalignedTraps()) ALIGNED(address, bytes, site, cycles, instructions);
      memory.store(address, bytes, value);
    };
  function ALIGNED(address: number, bytes: number, site: number, cycles: number, instructions: number): void {
    if ((address & (bytes - 1)) === 0) return;
    enter(site, cycles, instructions);
    const text = `0x${(address >>> 0).toString(16)}`;
    throw new CpuFault(
      "unaligned",
      address >>> 0,
      "read",
      `address ${text} of a word transfer is not a multiple of ${bytes}`,
    );
  }
  function DIVZERO(site: number, cycles: number, instructions: number): void {
    if (!hooks.divideByZeroTraps()) return;
    enter(site, cycles, instructions);
    throw new CpuFault("divide-by-zero", 0, "fetch", "integer division by zero with DIV_0_TRP set");
  }
  function NOCP(site: number, cycles: number, instructions: number): void {
    enter(site, cycles, instructions);
    throw new CpuFault("no-coprocessor", 0, "fetch", "floating-point instruction while CPACR keeps the unit off");
  }
  function LOWSP(sp: number, site: number, cycles: number, instructions: number): void {
    S[LOWEST_SP] = sp;
    if (sp >= hooks.stackLimit()) return;
    enter(site, cycles, instructions);
    const text = (value: number) => `0x${(value >>> 0).toString(16)}`;
    const message = `stack pointer ${text(sp)} is below the limit ${text(hooks.stackLimit())}`;
    throw new CpuFault("stack-limit", sp >>> 0, "write", message);
  }
  /** True when no translated code lies in the `bytes` from RAM offset `offset`. */
  function NOCODE(offset: number, bytes: number): boolean {
    const last = (offset + bytes - 1) >>> 6;
    for (let line = offset >>> 6; line <= last; line++) if (memory.codeLines[line] !== 0) return false;
    return true;
  }
  return {
    entry,
    helpers: {
      S,
      f8: memory.flash,
      f16: memory.flash16,
      f32: memory.flash32,
      m8: memory.ram,
      m16: memory.ram16,
      m32: memory.ram32,
      codeLines: memory.codeLines,
      L1: loader(1),
      L2: loader(2),
      L4: loader(4),
      S1: storer(1),
      S2: storer(2),
      S4: storer(4),
      ALIGNED,
      DIVZERO,
      LOWSP,
      NOCP,
      NOCODE,
      REV,
      REV16,
      REVSH,
      RBIT,
      LSLR,
      LSRR,
      ASRR,
      RORR,
      LSLRC,
      LSRRC,
      ASRRC,
      RORRC,
      USAD8,
      ...createArithmetic(S),
      ...createParallel(S),
      ...createVfp(state),
    },
  };
}

export type Runtime = ReturnType<typeof createRuntime>;
