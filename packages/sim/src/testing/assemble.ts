import { BuiltinBoard, type BuiltinOptions } from "../board/builtin.js";

/** Halfwords as little-endian bytes. */
export function halfwords(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 2);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    view.setUint16(i * 2, value, true);
  });
  return bytes;
}

/** A minimal ELF: vectors at 0, `code` at 0x100, symbols given by name and address. */
export function makeElf(
  code: readonly number[],
  symbols: Readonly<Record<string, number>> = {},
  stack = 0x20010000,
): Uint8Array {
  const image = new Uint8Array(0x100 + code.length * 2);
  const vectors = new DataView(image.buffer);
  vectors.setUint32(0, stack, true);
  for (let i = 1; i < 64; i++) vectors.setUint32(4 * i, 0x101, true);
  image.set(halfwords(...code), 0x100);
  const names = Object.keys(symbols);
  const strings = `\0${names.join("\0")}\0`;
  const program = 52;
  const data = 84;
  const symbolTable = (data + image.length + 3) & ~3;
  const stringTable = symbolTable + 16 * (names.length + 1);
  const sections = (stringTable + strings.length + 3) & ~3;
  const elf = new Uint8Array(sections + 3 * 40);
  const view = new DataView(elf.buffer);
  const words = (at: number, ...values: number[]) => {
    values.forEach((value, i) => {
      view.setUint32(at + 4 * i, value, true);
    });
  };
  elf.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  view.setUint16(16, 2, true);
  view.setUint16(18, 40, true);
  words(20, 1, 0x101, program, sections, 0);
  [52, 32, 1, 40, 3, 2].forEach((value, i) => {
    view.setUint16(40 + 2 * i, value, true);
  });
  words(program, 1, data, 0, 0, image.length, image.length, 5, 4);
  elf.set(image, data);
  names.forEach((name, i) => {
    const at = symbolTable + 16 * (i + 1);
    words(at, strings.indexOf(`\0${name}\0`) + 1, symbols[name] | 1, 0);
    elf[at + 12] = 0x12;
    view.setUint16(at + 14, 1, true);
  });
  for (let i = 0; i < strings.length; i++) elf[stringTable + i] = strings.charCodeAt(i);
  words(sections + 40, 0, 2, 0, 0, symbolTable, 16 * (names.length + 1), 2, 0, 4, 16);
  words(sections + 80, 0, 3, 0, 0, stringTable, strings.length, 0, 0, 1, 0);
  return elf;
}

/** A board with `code` at 0x100, reset. */
export function boardWith(
  code: readonly number[],
  options: BuiltinOptions = {},
  symbols: Record<string, number> = {},
): BuiltinBoard {
  const board = new BuiltinBoard(options);
  board.loadNow(makeElf(code, symbols));
  return board;
}

/** BKPT #0xAB: ends a run with "halt". */
export const HALT = 0xbeab;
