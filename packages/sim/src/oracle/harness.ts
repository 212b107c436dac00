import { Generator, SANDBOX, type Snippet } from "./generate.js";
import { cornerFloat, cornerWord, Random } from "./random.js";

/**
 * A bare-metal image that runs snippets on many register states and dumps what they leave. The same image runs in QEMU
 * (mps2-an386: code SRAM at 0, 16 MiB PSRAM at 0x21000000) and in our core. No assembler: every instruction is encoded here.
 *
 *   RAM + 0      control: out pointer, run table pointer, 2 spare words, semihosting blocks
 *   RAM + 256    sandbox (256 bytes), then 8 KiB of read-only noise
 *   RAM + 16384  stack of the harness
 *   RAM + 32768  records, RECORD_WORDS words per run
 */
export const MAP = { ramBase: 0x21000000, ramBytes: 16 << 20, codeBytes: 4 << 20 } as const;
const CONTROL = MAP.ramBase;
const SANDBOX_AT = MAP.ramBase + 256;
const HARNESS_SP = MAP.ramBase + 16384;
const RECORDS = MAP.ramBase + 32768;
/** r0..r12 without the reserved one, lr, sp, APSR, FPSCR, s0..s31, sandbox. */
export const RECORD_WORDS = 12 + 1 + 1 + 1 + 1 + 32 + SANDBOX.bytes / 4;
/** s0..s31, FPSCR, APSR, r0..r12, lr. */
const STATE_WORDS = 32 + 2 + 14;

export interface Batch {
  image: Uint8Array;
  /** Initial contents of RAM from MAP.ramBase. */
  ram: Uint8Array;
  snippets: Snippet[];
  snippetAddresses: number[];
  /** Snippet index of every run, in order. */
  runs: number[];
  records: { address: number; bytes: number };
  instructions: number;
}

class Writer {
  readonly bytes = new Uint8Array(MAP.codeBytes);
  private readonly view = new DataView(this.bytes.buffer);
  at = 0;

  half(...values: number[]): void {
    for (const value of values) {
      this.view.setUint16(this.at, value, true);
      this.at += 2;
    }
  }

  word(value: number): void {
    this.view.setUint32(this.at, value >>> 0, true);
    this.at += 4;
  }

  align(bytes: number): void {
    while (this.at % bytes !== 0) this.half(0xbf00);
  }

  patchWord(address: number, value: number): void {
    this.view.setUint32(address, value >>> 0, true);
  }

  /** MOVW or MOVT. */
  private moveHalf(top: boolean, d: number, imm: number): void {
    const hw1 = (top ? 0xf2c0 : 0xf240) | (imm >>> 12) | (((imm >>> 11) & 1) << 10);
    this.half(hw1, (((imm >>> 8) & 7) << 12) | (d << 8) | (imm & 255));
  }

  constant(d: number, value: number): void {
    this.moveHalf(false, d, value & 0xffff);
    this.moveHalf(true, d, value >>> 16);
  }

  /** B.W to `target`. */
  branch(target: number): void {
    const offset = target - (this.at + 4);
    const s = offset < 0 ? 1 : 0;
    const j1 = ((offset >>> 23) & 1) ^ s ^ 1;
    const j2 = ((offset >>> 22) & 1) ^ s ^ 1;
    this.half(
      0xf000 | (s << 10) | ((offset >>> 12) & 0x3ff),
      0x9000 | (j1 << 13) | (j2 << 11) | ((offset >>> 1) & 0x7ff),
    );
  }
}

const bit = (...registers: number[]) => registers.reduce((mask, register) => mask | (1 << register), 0);

/** Code that stores everything through the reserved register x and goes on with the next run. */
function writeSave(w: Writer, x: number, next: number): number {
  const entry = w.at;
  const all = 0x1fff & ~bit(x);
  const [t, u] = [0, 1, 2].filter((register) => register !== x);
  w.constant(x, CONTROL);
  w.half(0xf8d0 | x, x << 12); // ldr x, [x]
  w.half(0xe8a0 | x, all | 0x4000); // stmia x!, {r0-r12 but x, lr}
  w.half(0x4668 | t); // mov t, sp
  const store = () => w.half(0xf840 | x, (t << 12) | 0xb04); // str t, [x], #4
  store();
  w.half(0xf3ef, 0x8000 | (t << 8)); // mrs t, apsr
  store();
  w.half(0xeef1, 0x0a10 | (t << 12)); // vmrs t, fpscr
  store();
  w.half(0xeca0 | x, 0x0a20); // vstmia x!, {s0-s31}
  w.constant(u, SANDBOX_AT);
  const block = [3, 4, 5, 6, 7, 8, 9, 10, 11, 12].filter((register) => register !== x).slice(0, 8);
  for (let i = 0; i < SANDBOX.bytes / 32; i++) {
    w.half(0xe8b0 | u, bit(...block)); // ldmia u!, block
    w.half(0xe8a0 | x, bit(...block)); // stmia x!, block
  }
  w.constant(u, CONTROL);
  w.half(0xf8c0 | u, x << 12); // str x, [u]
  w.branch(next);
  return entry;
}

/** Loads the next run's state and jumps to its snippet through the stack. */
function writeNext(w: Writer, table: number, finish: () => void): number {
  const start = w.at;
  w.half(0xf04f, 0x0000); // reset: mov.w r0, #0 (placeholder keeps the entry wide and aligned)
  w.constant(0, 0xe000ed88);
  w.constant(1, 0xf << 20);
  w.half(0x6001, 0xf3bf, 0x8f4f, 0xf3bf, 0x8f6f); // str r1, [r0]; dsb; isb
  w.constant(0, CONTROL);
  w.constant(1, RECORDS);
  w.constant(2, table);
  w.half(0x6001, 0x6042); // str r1, [r0]; str r2, [r0, #4]
  w.align(4);
  const next = w.at;
  w.constant(0, CONTROL);
  w.half(0x6841, 0xc90c, 0x6041); // ldr r1, [r0, #4]; ldmia r1!, {r2, r3}; str r1, [r0, #4]
  w.half(0xb90a); // cbnz r2, over the branch to the end
  const toEnd = w.at;
  w.half(0xbf00, 0xbf00);
  w.constant(0, SANDBOX_AT);
  w.constant(1, SANDBOX_AT + SANDBOX.bytes + 4096);
  for (let i = 0; i < SANDBOX.bytes / 32; i++) w.half(0xe8b1, 0x1fe0, 0xe8a0, 0x1fe0); // copy with r5-r12
  w.constant(0, SANDBOX_AT + SANDBOX.sp - 4);
  w.half(0x4685, 0x6002); // mov sp, r0; str r2, [r0]
  w.half(0xecb3, 0x0a20); // vldmia r3!, {s0-s31}
  w.half(0xcb30, 0xeee1, 0x4a10, 0xf385, 0x8c00); // ldmia r3!, {r4, r5}; vmsr fpscr, r4; msr apsr_nzcvqg, r5
  w.half(0xe893, 0x5fff); // ldmia r3, {r0-r12, lr}
  w.half(0xbd00); // pop {pc}
  w.align(4);
  const end = w.at;
  finish();
  const resume = w.at;
  w.at = toEnd;
  w.branch(end);
  w.at = resume;
  w.patchWord(4, start | 1);
  return next;
}

/** Writes the records to a file by semihosting and exits; our core stops at the first BKPT. */
function writeFinish(w: Writer, bytes: number): void {
  w.constant(0, HARNESS_SP);
  w.half(0x4685); // mov sp, r0
  w.constant(4, CONTROL + 16);
  const name = "dump.bin";
  const text = CONTROL + 64;
  for (let i = 0; i < name.length + 1; i += 4) {
    const chars = [0, 1, 2, 3].map((k) => name.charCodeAt(i + k) || 0);
    w.constant(0, (chars[0] | (chars[1] << 8) | (chars[2] << 16) | (chars[3] << 24)) >>> 0);
    w.constant(1, text + i);
    w.half(0x6008); // str r0, [r1]
  }
  const block = (values: number[]) => {
    for (let i = 0; i < values.length; i++) {
      w.constant(0, values[i]);
      w.half(0x6020 | (i << 6)); // str r0, [r4, #4i]
    }
  };
  const call = (operation: number) => {
    w.constant(0, operation);
    w.half(0x4621, 0xbeab); // mov r1, r4; bkpt 0xab
  };
  block([text, 5, name.length]);
  call(1);
  w.half(0x6020); // handle
  w.constant(0, RECORDS);
  w.half(0x6060);
  w.constant(0, bytes);
  w.half(0x60a0);
  call(5);
  w.constant(0, 0x18);
  w.constant(1, 0x20026);
  w.half(0xbeab, 0xe7fe);
}

/** Builds a batch of snippets and states from one seed. */
export function buildBatch(seed: number, snippetCount: number, runsEach: number, length: number): Batch {
  const random = new Random(seed);
  const w = new Writer();
  const runCount = snippetCount * runsEach;
  const recordBytes = runCount * RECORD_WORDS * 4;
  if (RECORDS + recordBytes > MAP.ramBase + MAP.ramBytes) throw new RangeError(`${runCount} runs need too much RAM`);
  w.word(HARNESS_SP);
  w.word(0);
  for (let i = 0; i < 14; i++) w.word(0xfffffff1); // any exception locks up
  const table = MAP.codeBytes - 8 * (runCount + 1);
  const next = writeNext(w, table, () => writeFinish(w, recordBytes));
  const saves = Array.from({ length: 13 }, (_, x) => writeSave(w, x, next));
  const states = writeStates(w, random, 256);
  const snippets: Snippet[] = [];
  const snippetAddresses: number[] = [];
  const generator = new Generator(random, () => w.at);
  for (let i = 0; i < snippetCount; i++) {
    w.align(random.chance(0.5) ? 4 : 2);
    const snippet = generator.snippet(length);
    snippets.push(snippet);
    snippetAddresses.push(w.at);
    w.half(...snippet.halfwords);
    w.branch(saves[snippet.reserved]);
  }
  if (w.at > table) throw new RangeError("snippets do not fit the code memory");
  const runs: number[] = [];
  w.at = table;
  let instructions = 0;
  for (let k = 0; k < runsEach; k++) {
    for (let i = 0; i < snippetCount; i++) {
      w.word(snippetAddresses[i] | 1);
      w.word(random.pick(states));
      runs.push(i);
      instructions += snippets[i].instructions;
    }
  }
  w.word(0);
  w.word(0);
  return {
    image: w.bytes,
    ram: initialRam(random),
    snippets,
    snippetAddresses,
    runs,
    records: { address: RECORDS, bytes: recordBytes },
    instructions,
  };
}

function writeStates(w: Writer, random: Random, count: number): number[] {
  const addresses: number[] = [];
  w.align(4);
  for (let i = 0; i < count; i++) {
    addresses.push(w.at);
    const words = Array.from({ length: STATE_WORDS }, (_, k) => (k < 32 ? cornerFloat(random) : cornerWord(random)));
    // Half of the states use the usual control bits, with and without an inexact result recorded.
    words[32] = random.chance(0.5) ? (random.chance(0.5) ? 0x10 : 0) : random.word() & (0xf7c0009f | 0);
    words[33] = random.word() & (0xf80f0000 | 0);
    words[34 + 6] = SANDBOX_AT + SANDBOX.r6;
    words[34 + 9] = SANDBOX_AT + SANDBOX.r9;
    words[34 + SANDBOX.index] = random.below(5);
    for (const word of words) w.word(word);
  }
  return addresses;
}

function initialRam(random: Random): Uint8Array {
  const words = new Int32Array(8192 / 4);
  for (let i = 64; i < words.length; i++) words[i] = cornerWord(random);
  return new Uint8Array(words.buffer);
}
