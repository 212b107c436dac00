import { ByteReader, ByteWriter } from "./bytes.js";

const CALL = 0x10;
const GLOBAL_GET = 0x23;
const GLOBAL_SET = 0x24;

/** Steps over the immediates of one instruction (core 1.0, sign extension, saturating conversion, bulk memory, SIMD). */
function skipImmediates(opcode: number, code: ByteReader): void {
  if (opcode >= 0x02 && opcode <= 0x04)
    code.skipLeb(); // block type
  else if (opcode === 0x0c || opcode === 0x0d) code.skipLeb();
  else if (opcode === 0x0e) {
    code.vector(() => code.u32());
    code.skipLeb();
  } else if (opcode === 0x11) {
    throw new RangeError("call_indirect is not linked: kernels have no table");
  } else if (opcode === 0x1c) code.vector(() => code.u8());
  else if (opcode >= 0x20 && opcode <= 0x22) code.skipLeb();
  else if (opcode >= 0x28 && opcode <= 0x3e) {
    code.skipLeb();
    code.skipLeb();
  } else if (opcode === 0x3f || opcode === 0x40) code.u8();
  else if (opcode === 0x41 || opcode === 0x42) code.skipLeb();
  else if (opcode === 0x43) code.take(4);
  else if (opcode === 0x44) code.take(8);
  else if (opcode === 0xfc) skipMiscellaneous(code);
  else if (opcode === 0xfd) skipVector(code);
  else if (opcode > 0xc4 && opcode !== 0xfc && opcode !== 0xfd)
    throw new RangeError(`opcode 0x${opcode.toString(16)} is unknown`);
}

function skipMiscellaneous(code: ByteReader): void {
  const operation = code.u32();
  if (operation <= 7) return;
  if (operation === 10) code.take(2);
  else if (operation === 11) code.take(1);
  else throw new RangeError(`opcode 0xfc ${operation} is not linked`);
}

function skipVector(code: ByteReader): void {
  const operation = code.u32();
  if (operation <= 11 || operation === 92 || operation === 93) {
    code.skipLeb();
    code.skipLeb();
  } else if (operation === 12 || operation === 13) code.take(16);
  else if (operation >= 21 && operation <= 34) code.u8();
  else if (operation >= 84 && operation <= 91) {
    code.skipLeb();
    code.skipLeb();
    code.u8();
  }
}

export interface Instruction {
  readonly opcode: number;
  /** First byte, and the byte behind the immediates. */
  readonly start: number;
  readonly end: number;
  /** Function of a `call`, global of a `global.get` or `global.set`; undefined otherwise. */
  readonly index?: number;
}

/** Walks the instructions of a function body's expression (behind the locals). */
export function* instructions(bytes: Uint8Array, start: number): Generator<Instruction> {
  const code = new ByteReader(bytes, start);
  while (!code.isAtEnd) {
    const first = code.position;
    const opcode = code.u8();
    let index: number | undefined;
    if (opcode === CALL || opcode === GLOBAL_GET || opcode === GLOBAL_SET) index = code.u32();
    else skipImmediates(opcode, code);
    yield { opcode, start: first, end: code.position, index };
  }
}

/** Position of the first instruction of a body, behind its locals. */
export function expressionStart(body: Uint8Array): number {
  const reader = new ByteReader(body);
  reader.vector(() => {
    reader.u32();
    reader.u8();
  });
  return reader.position;
}

/** Functions that a body calls. */
export function calls(body: Uint8Array): number[] {
  const found: number[] = [];
  for (const { opcode, index } of instructions(body, expressionStart(body))) {
    if (opcode === CALL && index !== undefined) found.push(index);
  }
  return found;
}

/** The body with its calls renumbered by `functions` and its globals by `globals`. */
export function renumber(
  body: Uint8Array,
  functions: (index: number) => number,
  globals: (index: number) => number,
): Uint8Array {
  const out = new ByteWriter();
  let copied = 0;
  for (const { opcode, start, end, index } of instructions(body, expressionStart(body))) {
    if (index === undefined) continue;
    out.raw(body.subarray(copied, start)).u8(opcode);
    out.u32(opcode === CALL ? functions(index) : globals(index));
    copied = end;
  }
  return out.raw(body.subarray(copied)).toBytes();
}
