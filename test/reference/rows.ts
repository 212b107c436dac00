import type { GateRecord } from "@gatelet/converter/format";
import { mulh } from "./arithmetic.js";

/** One row of weights over up to two parts, as equation (12) or (13) reads it. */
export interface WeightRow {
  readonly first: Int8Array;
  readonly second: Int8Array | undefined;
  readonly bias: number;
  readonly multiplier: number;
}

/** Walks the quads of a record in file order (FORMAT.md 6), four rows at a time. */
export class QuadReader {
  private at = 0;
  private quad = 0;
  private readonly weights: Uint8Array;
  private readonly params: Int32Array;
  private readonly bits: number;

  constructor(record: GateRecord) {
    this.weights = record.bytes("weights")!;
    this.params = record.int32("rowParams")!;
    this.bits = record.fields.bits;
  }

  /** The next four rows over parts of so many columns. */
  next(firstColumns: number, secondColumns?: number): WeightRow[] {
    const first = this.part(firstColumns);
    const second = secondColumns === undefined ? undefined : this.part(secondColumns);
    const params = this.params.subarray(8 * this.quad, 8 * this.quad + 8);
    this.quad++;
    return [0, 1, 2, 3].map((lane) => ({
      first: first[lane]!,
      second: second?.[lane],
      bias: params[lane]!,
      multiplier: params[4 + lane]!,
    }));
  }

  private part(columns: number): Int8Array[] {
    const rows = [0, 1, 2, 3].map(() => new Int8Array(columns));
    const perBlock = this.bits === 8 ? 4 : 8;
    for (let column = 0; column < columns; column++) {
      const block = this.at + 16 * Math.floor(column / perBlock);
      for (let lane = 0; lane < 4; lane++) rows[lane]![column] = this.weight(block, column % perBlock, lane);
    }
    this.at += 16 * Math.ceil(columns / perBlock);
    return rows;
  }

  private weight(block: number, column: number, lane: number): number {
    const unsigned = this.bits === 8 ? lane === 0 || lane === 2 : lane !== 3;
    if (this.bits === 8) {
      // A0 B0 A1 B1 A2 B2 A3 B3  C0 D0 C1 D1 C2 D2 C3 D3
      const byte = this.weights[block + (lane < 2 ? 0 : 8) + 2 * column + (lane % 2)]!;
      return unsigned ? byte - 128 : byte - (byte > 127 ? 256 : 0);
    }
    const halfword = this.weights[block + 2 * column]! + 256 * this.weights[block + 2 * column + 1]!;
    const nibble = (halfword >> (4 * lane)) & 15;
    return unsigned ? nibble - 8 : nibble - (nibble > 7 ? 16 : 0);
  }
}

/** (12), modulo 2^32. */
export function dot(weights: Int8Array, values: Int16Array): number {
  let acc = 0;
  for (let c = 0; c < weights.length; c++) acc = (acc + weights[c]! * values[c]!) | 0;
  return acc;
}

/** (14) */
const narrow = (acc: number, bits: number): number => (bits === 4 ? (acc << 4) >> 4 : acc);

/** (12), (14), (15) without saturation: q of one part. */
export const requantizeOne = (row: WeightRow, values: Int16Array, bits: number): number =>
  mulh((narrow(dot(row.first, values), bits) + row.bias) | 0, row.multiplier);

/** (13), (14), (15) without saturation: q of two parts. */
export function requantizeTwo(
  row: WeightRow,
  first: Int16Array,
  second: Int16Array,
  alignShift: number,
  bits: number,
): number {
  const acc = ((dot(row.first, first) << alignShift) + dot(row.second!, second)) | 0;
  return mulh((narrow(acc, bits) + row.bias) | 0, row.multiplier);
}
