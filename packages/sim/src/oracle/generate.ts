import { decode, isWide } from "../cpu/decode.js";
import { countBits, type Insn, isSingleTransfer } from "../cpu/insn.js";
import type { Random } from "./random.js";

/** Offsets of the harness's fixed pointers from the start of the sandbox, and its size in bytes. */
export const SANDBOX = { bytes: 256, r6: 128, r9: 64, sp: 192, index: 8 } as const;

export interface Snippet {
  halfwords: number[];
  /** The register the harness may use to save the others; the snippet never touches it. */
  reserved: number;
  instructions: number;
  /** Operation names in it, for the coverage check. */
  ops: Set<string>;
}

interface Pattern {
  /** Value of the fixed bits, mask of the random ones. */
  fixed: number;
  random: number;
  wide: boolean;
  weight: number;
}

const narrow = (fixed: number, random: number, weight = 1): Pattern => ({ fixed, random, wide: false, weight });
const wide = (hw1: number, mask1: number, hw2: number, mask2: number, weight = 1): Pattern => ({
  fixed: (hw1 << 16) | hw2,
  random: (mask1 << 16) | mask2,
  wide: true,
  weight,
});

/** Groups of encodings; the decoder rejects what is undefined in them. */
const PATTERNS: readonly Pattern[] = [
  narrow(0x0000, 0x3fff, 4),
  narrow(0x4000, 0x03ff, 4),
  narrow(0x4400, 0x03ff, 1),
  narrow(0x4800, 0x07ff, 0.3),
  narrow(0x5000, 0x0fff, 1),
  narrow(0x6000, 0x1fff, 1),
  narrow(0x8000, 0x1fff, 1),
  narrow(0xa000, 0x0fff, 0.5),
  narrow(0xb000, 0x0fff, 1.5),
  narrow(0xc000, 0x0fff, 0.7),
  wide(0xea00, 0x01ff, 0x0000, 0x7fff, 5), // shifted register
  wide(0xf000, 0x05ff, 0x0000, 0x7fff, 4), // modified immediate
  wide(0xf200, 0x05ff, 0x0000, 0x7fff, 3), // plain immediate, bit fields, saturation
  wide(0xfa00, 0x007f, 0xf000, 0x0fff, 2), // register shifts and extends
  wide(0xfa80, 0x007f, 0xf000, 0x0fff, 6), // parallel, saturating, reverse, select
  wide(0xfb00, 0x007f, 0x0000, 0xffff, 6), // multiplies
  wide(0xfb00, 0x007f, 0xf000, 0x0fff, 4), // multiplies without accumulator
  wide(0xfb80, 0x007f, 0x0000, 0xffff, 4), // long multiplies
  wide(0xfb90, 0x002f, 0xf0f0, 0x0f0f, 1), // divides
  wide(0xfa0f, 0x0070, 0xf080, 0x0f3f, 1), // extends without addend
  wide(0xf300, 0x00ef, 0x0000, 0x7fdf, 2), // saturation and bit fields
  wide(0xeeb0, 0x004f, 0x0a40, 0xf0af, 3), // floating-point unary operations
  wide(0xf800, 0x01ff, 0x0000, 0xffff, 4), // single transfers
  wide(0xe800, 0x01bf, 0x0000, 0x5fff, 1), // multiple transfers
  wide(0xe840, 0x01bf, 0x0000, 0xffff, 1), // dual and exclusive
  wide(0xee00, 0x00ff, 0x0a00, 0xf0ef, 9), // floating-point data processing
  wide(0xee00, 0x00ff, 0x0a10, 0xf1e0, 1.5), // moves between core and floating point, VMRS, VMSR
  wide(0xec00, 0x01ff, 0x0a00, 0xf1ff, 1.5), // floating-point transfers
  wide(0xf380, 0x000f, 0x8000, 0x0c00, 0.4), // MSR APSR
  wide(0xf3ef, 0x0000, 0x8000, 0x0f00, 0.4), // MRS APSR
  narrow(0xbf00, 0x0000, 0.1),
];
const TOTAL_WEIGHT = PATTERNS.reduce((sum, pattern) => sum + pattern.weight, 0);

const EXCLUDED = new Set([
  "udf",
  "b",
  "bl",
  "bx",
  "blx",
  "cbz",
  "cbnz",
  "tbb",
  "tbh",
  "it",
  "svc",
  "bkpt",
  "cps",
  "wfi",
  "wfe",
]);
const BASES = [6, 9];
const MEMORY_OPS = /^(ldr|str|ldm|stm|vldr|vstr|vldm|vstm|pld)/;

/** Builds random straight-line snippets with a few forward branches. */
export class Generator {
  private reserved = 12;
  private memory = false;
  private halfwords: number[] = [];
  private offsets = new Map<number, number>();
  private ops = new Set<string>();
  private count = 0;

  constructor(
    private readonly random: Random,
    private readonly address: () => number,
  ) {}

  /** A snippet of about `length` instructions for the address the constructor's callback gives. */
  snippet(length: number): Snippet {
    const { random } = this;
    this.memory = random.chance(0.5);
    do this.reserved = random.below(13);
    while (this.memory && (BASES.includes(this.reserved) || this.reserved === SANDBOX.index));
    this.halfwords = [];
    this.ops = new Set();
    this.count = 0;
    this.offsets = new Map([
      [6, SANDBOX.r6],
      [9, SANDBOX.r9],
      [13, SANDBOX.sp],
    ]);
    while (this.count < length) {
      const kind = random.below(24);
      if (kind === 0) this.ifThen();
      else if (kind === 1) this.skip();
      else if (kind === 2 && this.memory && random.chance(0.3)) this.exclusive();
      else this.push(this.plain(false));
    }
    return { halfwords: this.halfwords, reserved: this.reserved, instructions: this.count, ops: this.ops };
  }

  private here(): number {
    return this.address() + this.halfwords.length * 2;
  }

  private push(insn: Insn): void {
    if (insn.size === 4) this.halfwords.push(insn.raw >>> 16);
    this.halfwords.push(insn.raw & 0xffff);
    this.ops.add(insn.op);
    this.count++;
  }

  private raw(...halfwords: number[]): void {
    this.halfwords.push(...halfwords);
    const insn = decode(halfwords[0], halfwords[1] ?? 0, 0);
    this.ops.add(insn.op);
    this.count++;
  }

  /** A random instruction that neither branches nor traps. */
  private plain(inIt: boolean): Insn {
    const { random } = this;
    for (;;) {
      let at = random.below(1000) * (TOTAL_WEIGHT / 1000);
      const pattern = PATTERNS.find((candidate) => (at -= candidate.weight) < 0) ?? PATTERNS[0];
      // Staying with the pattern for a while keeps its weight, however many of its encodings are rejected.
      for (let attempt = 0; attempt < 300; attempt++) {
        const bits = (pattern.fixed | (random.word() & pattern.random)) >>> 0;
        const hw1 = pattern.wide ? bits >>> 16 : bits;
        if (isWide(hw1) !== pattern.wide) continue;
        const insn = decode(hw1, pattern.wide ? bits & 0xffff : 0, this.here(), inIt);
        if (this.accept(insn, inIt)) return insn;
      }
    }
  }

  private accept(insn: Insn, inIt: boolean): boolean {
    const { op } = insn;
    if (EXCLUDED.has(op)) return false;
    if (op === "msr" || op === "mrs") {
      if (op === "msr" && (insn.shn === 0 || inIt)) return false;
      return insn.imm === 0 && this.free(op === "mrs" ? insn.d : insn.n, op === "mrs");
    }
    // QEMU's monitor compares addresses, the M4's does not: STREX only comes in pairs, see exclusive().
    if (op.startsWith("strex")) return false;
    if (MEMORY_OPS.test(op)) return this.memory && this.acceptMemory(insn, inIt);
    if (op[0] === "v") return this.acceptFloating(insn);
    if (inIt && insn.size === 2 && op === "mov" && insn.s) return false; // MOVS T2 in an IT block
    if (insn.size === 2 && op === "cmp" && insn.raw >>> 8 === 0x45 && insn.n < 8 && insn.m < 8) return false;
    const hi = insn.size === 2 && insn.raw >>> 10 === 0x11;
    for (const register of [insn.n, insn.m, insn.a]) {
      const stack = register === 13 && (hi || ((op === "add" || op === "sub" || op === "cmp") && register === insn.n));
      const counter = register === 15 && hi && op !== "cmp";
      if (register >= 0 && !stack && !counter && !this.free(register, false)) return false;
    }
    // ADD Rd, SP with a shift other than LSL #0..3 is unpredictable.
    if (insn.size === 4 && insn.n === 13 && insn.m >= 0 && (insn.sh !== 0 || insn.shn > 3)) return false;
    const long = /^([su]m(l|u)|uma|smls)/.test(op) && insn.size === 4 && ((insn.raw >>> 16) & 0xff80) === 0xfb80;
    if (long && !this.free(insn.a, true)) return false;
    return insn.d < 0 || this.free(insn.d, true);
  }

  /** Registers data processing may use: not SP, PC, the reserved one, nor (as destination) the fixed pointers. */
  private free(register: number, destination: boolean): boolean {
    if (register === 13 || register === 15 || register === this.reserved) return false;
    return !destination || !this.memory || (!BASES.includes(register) && register !== SANDBOX.index);
  }

  private acceptFloating(insn: Insn): boolean {
    if (insn.op === "vmrs") return insn.n === 15 || this.free(insn.n, true);
    if (insn.op === "vmsr") return this.free(insn.n, false) && this.random.chance(0.5);
    if (insn.op === "vmov.sr") return this.free(insn.n, false);
    if (insn.op === "vmov.rs") return this.free(insn.n, true);
    if (insn.op === "vmov.rrss") return this.free(insn.n, true) && this.free(insn.a, true);
    if (insn.op === "vmov.ssrr") return this.free(insn.n, false) && this.free(insn.a, false);
    return true;
  }

  private acceptMemory(insn: Insn, inIt: boolean): boolean {
    const { op } = insn;
    if (op === "pld") return BASES.includes(insn.n) && insn.m < 0;
    const multiple = /ldm|stm/.test(op);
    const words = op[0] === "v" ? insn.list : multiple ? countBits(insn.list) : op.endsWith("rd") ? 2 : 1;
    const bytes = words * 4;
    const store = op.includes("st");
    if (!multiple || op[0] !== "v") {
      const registers = multiple
        ? registersOf(insn.list)
        : op[0] === "v"
          ? []
          : [insn.d, op.endsWith("rd") ? insn.a : -1];
      for (const register of registers) {
        if (register < 0) continue;
        if (!this.free(register, !store)) return false;
      }
    }
    if (insn.n === 15) return !store && !inIt && !op.startsWith("v") ? insn.imm < 64 && insn.up : false;
    const start = this.offsets.get(insn.n);
    if (start === undefined || (insn.n === 13 && insn.op[0] !== "v" && !multiple && insn.wb)) return false;
    if (insn.wb && inIt) return false;
    if (store && multiple && insn.wb && op === "stm" && (insn.list & (1 << insn.n)) !== 0) return false;
    if (isSingleTransfer(insn) && insn.m >= 0) {
      if (insn.m !== SANDBOX.index) return false;
      return insn.n !== 13 || insn.size === 4; // index is at most 4 << 3
    }
    return this.fits(insn, start, bytes, multiple, store);
  }

  /** Follows the static base offset, keeps the access inside the sandbox (loads may run past it) and aligned. */
  private fits(insn: Insn, start: number, bytes: number, multiple: boolean, store: boolean): boolean {
    const step = multiple ? bytes : insn.imm;
    const moved = insn.up ? start + step : start - step;
    const at = multiple ? (insn.up ? start : moved) : insn.pre || !insn.wb ? moved : start;
    const single = isSingleTransfer(insn) && !insn.op.includes("ex");
    if (!single && (at & 3) !== 0) return false;
    if (insn.op.includes("ex") && (at & 3) !== 0) return false;
    if (at < 0 || at + bytes > (store ? SANDBOX.bytes : 4096)) return false;
    if (insn.wb) {
      if (moved < 32 || moved > 224 || ((moved & 3) !== 0 && !single) || (insn.n === 13 && (moved & 3) !== 0))
        return false;
      this.offsets.set(insn.n, moved);
    }
    return true;
  }

  private ifThen(): void {
    const { random } = this;
    const cond = random.below(14);
    const length = 1 + random.below(4);
    let mask = 0;
    for (let i = 1; i < length; i++) mask |= ((cond & 1) ^ (random.chance(0.4) ? 1 : 0)) << (4 - i);
    mask |= 1 << (4 - length);
    this.raw(0xbf00 | (cond << 4) | mask);
    for (let i = 0; i < length; i++) this.push(this.plain(true));
  }

  /** LDREX and STREX of one size at one address, or CLREX and a STREX that must fail. */
  private exclusive(): void {
    const { random } = this;
    const base = this.offsets.get(9) ?? 0;
    if ((base & 3) !== 0 || base + 36 > SANDBOX.bytes) return;
    const scratch = [0, 1, 2, 3, 4, 5].filter((register) => this.free(register, true));
    const status = random.pick(scratch);
    const value = random.pick(scratch.filter((register) => register !== status));
    const size = random.below(3);
    const offset = random.below(8);
    if (random.chance(0.2)) this.raw(0xf3bf, 0x8f2f);
    else if (size === 0) this.raw(0xe859, (status << 12) | 0xf00 | offset);
    else this.raw(0xe8d9, (status << 12) | (size === 1 ? 0xf4f : 0xf5f));
    if (size === 0) this.raw(0xe849, (value << 12) | (status << 8) | offset);
    else this.raw(0xe8c9, (value << 12) | (size === 1 ? 0xf40 : 0xf50) | status);
  }

  /** A branch over one narrow instruction, in all direct forms, BX and TBB. */
  private skip(): void {
    const { random } = this;
    const cond = random.below(14);
    const low = () => {
      for (;;) {
        const register = random.below(8);
        if (this.free(register, true)) return register;
      }
    };
    const register = low();
    switch (random.below(8)) {
      case 0:
        this.raw(0xd000 | (cond << 8)); // target: address + 4
        break;
      case 1:
        this.raw(0xf000 | (cond << 6), 0x8001); // address + 6
        break;
      case 2:
        this.raw((random.chance(0.5) ? 0xb100 : 0xb900) | low());
        break;
      case 3:
        this.raw(0xe000);
        break;
      case 4:
        this.raw(0xf000, 0xb801);
        break;
      case 5:
        this.raw(0xf000, 0xf801);
        break;
      case 6: {
        // ADR.W Rd, target + 1; BX Rd. The target is the instruction behind the skipped one.
        const at = this.here();
        const target = at + 4 + 2 + 2;
        const offset = target + 1 - ((at + 4) & ~3);
        this.raw(0xf20f, (register << 8) | offset);
        this.raw(0x4700 | (register << 3));
        break;
      }
      default:
        // MOVS Rd, #k; TBB [PC, Rd]; two table bytes, both to behind the skipped instruction.
        this.raw(0x2000 | (register << 8) | random.below(2));
        this.raw(0xe8df, 0xf000 | register);
        this.halfwords.push(0x0202);
        break;
    }
    // Never executed when the branch is taken: ADDS Rd, Rd, #7.
    this.raw(0x3007 | (register << 8));
  }
}

function registersOf(list: number): number[] {
  return Array.from({ length: 16 }, (_, i) => i).filter((i) => (list & (1 << i)) !== 0);
}
