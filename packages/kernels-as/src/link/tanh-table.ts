import { Code } from "./code.js";

/** Words of the table that all kernels read: value << 16 | difference to the next. */
const WORDS = 257;
export const TANH_TABLE_BYTES = 4 * WORDS;

/**
 * One byte a word: the second difference in its lower six bits; in the upper two, signed, what the next value is more than
 * value + difference (rounding). Undefined where that does not give the table back.
 */
export function packTanh(table: Uint8Array): Uint8Array | undefined {
  const view = new DataView(table.buffer, table.byteOffset, TANH_TABLE_BYTES);
  const value = (i: number) => view.getUint16(4 * i + 2, true);
  const difference = (i: number) => view.getUint16(4 * i, true);
  const packed = new Uint8Array(WORDS);
  for (let i = 0; i < WORDS; i++) {
    const second = i === 0 ? 0 : difference(i) - difference(i - 1);
    const more = i === WORDS - 1 ? 0 : value(i + 1) - value(i) - difference(i);
    if (second < -32 || second > 31 || more < -2 || more > 1 || value(0) !== 0) return undefined;
    packed[i] = (more << 6) | (second & 63);
  }
  return packed;
}

/** First difference, which the packed bytes leave out. */
export const firstDifference = (table: Uint8Array): number => table[0] | (table[1] << 8);

/** A function that writes the table to `to` from the packed bytes at `from`. */
export function unpackTanh(from: number, to: number, first: number): Uint8Array {
  const [i, value, difference, byte] = [0, 1, 2, 3];
  return new Code(4)
    .const(first)
    .set(difference)
    .loop()
    .get(i)
    .const(2)
    .shiftLeft()
    .get(value)
    .const(16)
    .shiftLeft()
    .get(difference)
    .get(i)
    .loadS8(from)
    .tee(byte)
    .const(26)
    .shiftLeft()
    .const(26)
    .shiftRight()
    .add()
    .tee(difference)
    .or()
    .store(to)
    .get(value)
    .get(difference)
    .add()
    .get(byte)
    .const(6)
    .shiftRight()
    .add()
    .set(value)
    .get(i)
    .const(1)
    .add()
    .tee(i)
    .const(WORDS)
    .lessUnsigned()
    .brIf(0)
    .end()
    .toBody();
}
