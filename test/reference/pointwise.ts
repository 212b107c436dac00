import { type GateRecord, readAffine } from "@gatelet/converter/format";
import { act, affine, mulh, rshr, sat16 } from "./arithmetic.js";
import { activationOf, type Kernel, type Slot } from "./kernel.js";
import { QuadReader, requantizeOne, type WeightRow } from "./rows.js";
import { EXP2, RSQRT } from "./tables.gen.js";

const FLAG_OUT32 = 8;
const FLAG_MASK_SET = 16;
const FLAG_MASK_ZERO = 32;
const FLAG_MASK_ANY = 64;

/** A kernel that writes one row for each row. */
const eachRow = (compute: (slot: Slot, x: Int16Array) => void): Kernel => ({
  take(slot, x) {
    compute(slot, x);
    return true;
  },
});

/** Whether a row shows the mask's codes. */
function matches(codes: Int16Array, x: Int16Array, any: boolean): boolean {
  const equal = Array.from(x, (value, c) => value === codes[c]);
  return any ? equal.includes(true) : !equal.includes(false);
}

/** (32) on raw counts, with the mask on the same counts. */
export function inputKernel(record: GateRecord): Kernel {
  const { inputSize, flags } = record.fields;
  const aux = record.bytes("aux")!;
  const entries = readAffine(aux, inputSize);
  const codes = flags & FLAG_MASK_SET ? record.int16("aux")!.subarray(8 * inputSize, 9 * inputSize) : undefined;
  return eachRow((slot, x) => {
    entries.forEach(({ multiplier, bias, shift }, c) => {
      slot.row[c] = affine(x[c]!, multiplier, bias, shift);
    });
    slot.found = codes !== undefined && matches(codes, x, (flags & FLAG_MASK_ANY) !== 0);
    if (slot.found && flags & FLAG_MASK_ZERO) slot.row.fill(0);
  });
}

/** (33); the token was checked. */
export function embeddingKernel(record: GateRecord): Kernel {
  const { outputSize, flags } = record.fields;
  const stride = 16 * Math.ceil(outputSize / 16);
  const weights = new Int8Array(record.bytes("weights")!);
  const multipliers = record.int16("aux")!;
  return eachRow((slot, x) => {
    const token = x[0]! & 0xffff;
    for (let c = 0; c < outputSize; c++) slot.row[c] = sat16(weights[token * stride + c]! * multipliers[token]!);
    slot.found = (flags & FLAG_MASK_SET) !== 0 && token === 0;
  });
}

/** (26) */
export function denseKernel(record: GateRecord): Kernel {
  const { inputSize, outputSize, bits, flags, activation: kind } = record.fields;
  const quads = new QuadReader(record);
  const rows: WeightRow[] = [];
  while (rows.length < outputSize) rows.push(...quads.next(inputSize));
  const activation = activationOf(record);
  const relu = kind === 4;
  return eachRow((slot, x) => {
    for (let r = 0; r < outputSize; r++) {
      const q = requantizeOne(rows[r]!, x, bits);
      if (flags & FLAG_OUT32) slot.row[r] = relu ? Math.max(q, 0) : q;
      else slot.row[r] = act(activation, sat16(q));
    }
  });
}

export function affineKernel(record: GateRecord): Kernel {
  const entries = readAffine(record.bytes("aux")!, record.fields.inputSize);
  return eachRow((slot, x) => {
    entries.forEach(({ multiplier, bias, shift }, c) => {
      slot.row[c] = affine(x[c]!, multiplier, bias, shift);
    });
  });
}

/** (34) */
export function activationKernel(record: GateRecord): Kernel {
  const activation = activationOf(record);
  const { multiplier } = record.fields;
  return eachRow((slot, x) => {
    for (let c = 0; c < x.length; c++) slot.row[c] = act(activation, sat16(mulh(x[c]! << 16, multiplier)));
  });
}

/** (35) */
export function preluKernel(record: GateRecord): Kernel {
  const slopes = record.int16("aux")!;
  const { shift } = record.fields;
  return eachRow((slot, x) => {
    for (let c = 0; c < x.length; c++) {
      slot.row[c] = x[c]! >= 0 ? x[c]! : sat16(rshr(x[c]! * slopes[c]!, shift));
    }
  });
}

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);

/** (40) to (42), in BigInt. */
export function layerNormKernel(record: GateRecord): Kernel {
  const n = record.fields.inputSize;
  const aux = record.bytes("aux")!;
  const epsilon = new DataView(aux.buffer, aux.byteOffset).getBigInt64(0, true);
  const entries = readAffine(aux, n, 16);
  return eachRow((slot, x) => {
    let sum = 0n;
    let squares = 0n;
    for (const value of x) {
      sum += BigInt(value);
      squares += BigInt(value * value);
    }
    const w = u64(BigInt(n) * squares - sum * sum + epsilon);
    const log = w.toString(2).length - 1;
    const e = log - (log % 2);
    const m = e <= 30 ? w << BigInt(30 - e) : w >> BigInt(e - 30);
    let r = BigInt(RSQRT[Number(m >> 25n) - 32]!) << 15n;
    for (let i = 0; i < 2; i++) {
      const t = u64(r * r) >> 32n;
      const u = u64(m * t) >> 32n;
      r = u64(r * (3n * 2n ** 28n - u)) >> 29n;
    }
    const shift = BigInt(26 + (e - 30) / 2);
    entries.forEach(({ multiplier, bias, shift: s }, c) => {
      const product = BigInt.asIntN(64, (BigInt(n) * BigInt(x[c]!) - sum) * r);
      const z = BigInt.asIntN(32, product >> shift);
      slot.row[c] = affine(z, multiplier, bias, s);
    });
  });
}

/** (43) to (45), in BigInt. */
export function softmaxKernel(record: GateRecord): Kernel {
  const multiplier = BigInt(record.fields.multiplier);
  return eachRow((slot, x) => {
    const most = Math.max(...x);
    const e = Array.from(x, (value) => {
      const u = (BigInt(most - value) * multiplier) >> 15n;
      const k = Number(u >> 16n);
      const f = Number(u & 0xffffn);
      const j = f >> 10;
      const between = EXP2[j]! - (((EXP2[j]! - EXP2[j + 1]!) * (f & 1023)) >> 10);
      return k > 30 ? 0n : BigInt(between >> k);
    });
    const sum = e.reduce((a, b) => a + b, 0n);
    const q = sum.toString(2).length - 32;
    const m = q >= 0 ? sum >> BigInt(q) : sum << BigInt(-q);
    let r = 3031741620n - ((2021161080n * m) >> 32n);
    for (let i = 0; i < 3; i++) r = u64(r * (2n ** 31n - (u64(m * r) >> 32n))) >> 30n;
    e.forEach((value, c) => {
      const y = u64(value * r) >> BigInt(47 + q);
      slot.row[c] = y > 32767n ? 32767 : Number(y);
    });
  });
}

export function maskKernel(record: GateRecord): Kernel {
  const { inputSize, flags } = record.fields;
  const codes = record.int16("aux")!.subarray(0, inputSize);
  return eachRow((slot, x) => {
    slot.row.set(x);
    slot.found = matches(codes, x, (flags & FLAG_MASK_ANY) !== 0);
    if (slot.found && flags & FLAG_MASK_ZERO) slot.row.fill(0);
  });
}

/** (36) to (39): a row of each input. */
export function merge(record: GateRecord, row: Int16Array | Int32Array, a: Int16Array, b: Int16Array): void {
  const { mode, multiplier, multiplierA, multiplierB, shift } = record.fields;
  const scaleA = (value: number) => sat16(rshr(value * multiplierA, shift));
  const scaleB = (value: number) => sat16(rshr(value * multiplierB, shift));
  if (mode === 0) {
    row.set(Array.from(a, scaleA));
    row.set(Array.from(b, scaleB), a.length);
    return;
  }
  for (let c = 0; c < a.length; c++) {
    const [x, y] = [a[c]!, b[c]!];
    if (mode === 1) row[c] = sat16(rshr((x * multiplierA + y * multiplierB) | 0, shift));
    else if (mode === 2) row[c] = sat16(mulh(x * y, multiplier));
    else if (mode === 3) row[c] = Math.max(scaleA(x), scaleB(y));
    else row[c] = Math.min(scaleA(x), scaleB(y));
  }
}
