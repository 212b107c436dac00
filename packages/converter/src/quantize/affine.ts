import type { AffineEntry } from "../format/tensors.js";
import { QuantizeError } from "./errors.js";

/**
 * Entry of an affine kernel (KERNELS.md 32): y = floor(x * gain + offset + 1/2) as closely as int32 and int64 allow.
 * @param gain   LSB of the result per LSB of the argument
 * @param offset in LSB of the result
 * @param bits   size of the argument in bits, sign included (16, or 27 behind a layer normalization)
 * @throws QuantizeError for a gain of 2^30 or more
 */
export function affineEntry(name: string, gain: number, offset: number, bits = 16): AffineEntry {
  if (!(Math.abs(gain) < 2 ** 30) || !Number.isFinite(offset)) {
    throw new QuantizeError(`${name} scales by ${gain} and adds ${offset}, an affine kernel takes gains below 2^30`);
  }
  const gainShift = gain === 0 ? 62 : 30 - Math.ceil(Math.log2(Math.abs(gain)));
  // The offset must leave room for the product: |x * M| < 2^(bits + 30).
  const offsetShift = 61 - Math.max(1, Math.ceil(Math.log2(Math.abs(offset) + 2)));
  const shift = Math.max(0, Math.min(62, gainShift, offsetShift, 92 - bits));
  const half = shift === 0 ? 0n : 1n << BigInt(shift - 1);
  return { multiplier: Math.round(gain * 2 ** shift), bias: roundToBigInt(offset, shift) + half, shift };
}

/** round(value * 2^shift); exact, since a double times a power of two is exact. */
function roundToBigInt(value: number, shift: number): bigint {
  return BigInt(Math.round(value * 2 ** shift));
}
