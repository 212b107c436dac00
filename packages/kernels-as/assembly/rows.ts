// Rows of weights against activations, KERNELS.md 3: the scalar build's hot loop, and what both builds share.
// Results are requantized but unsaturated int32 (15), four a quad.
import { mulh } from "./arith";
import { quadRowsSimd, rowSumSimd } from "./rows-simd";

/** Quads that one call of `quadRows` may take: the size of the buffer ROWS. */
// @ts-ignore: decorator
@inline
export const BATCH: i32 = ASC_FEATURE_SIMD ? 32 : 8;

/** Results of `quadRows`, dead after the kernel that asked for them. */
// @ts-ignore: decorator
@lazy export const ROWS: usize = ASC_FEATURE_SIMD ? memory.data(512, 16) : memory.data(128, 16);

/** Blocks of 16 bytes in a quad of `columns` columns. */
export function blocks(columns: i32, bits: i32): i32 {
  const shift = bits == 8 ? 2 : 3;
  return (columns + (1 << shift) - 1) >> shift;
}

/**
 * What the unsigned rows of a quad carry too much per unit of weight offset: 128 (8 bits) or 8 (4 bits) times the sum
 * of the activations that the blocks read.
 */
export function rowOffset(u: usize, count: i32, bits: i32): i32 {
  const lanes = bits == 8 ? count << 2 : count << 3;
  let sum = 0;
  if (ASC_FEATURE_SIMD) sum = rowSumSimd(u, lanes);
  else for (let i = 0; i < lanes; i++) sum += load<i16>(u + (i << 1));
  return sum << (bits == 8 ? 7 : 3);
}

/**
 * `quads` (1 .. BATCH) quads over two parts (13) into `out`.
 * @param w           first block of the first quad, n0 blocks of the first part, then n1 of the second
 * @param stride      bytes from one quad to the next
 * @param u0          activations of the first part
 * @param u1          activations of the second part
 * @param k           left shift between the parts
 * @param sum         rowOffset over both parts, the first shifted by k
 * @param params      bias and multipliers of the first quad
 * @param paramStride bytes to those of the next
 * @param out         16 bytes a quad, room for pad4(quads)
 */
export function quadRows(
  bits: i32, w: usize, stride: usize, quads: i32, u0: usize, n0: i32, u1: usize, n1: i32,
  k: i32, sum: i32, params: usize, paramStride: usize, out: usize,
): void {
  if (ASC_FEATURE_SIMD) {
    quadRowsSimd(bits, w, stride, quads, u0, n0, u1, n1, k, sum, params, paramStride, out);
  } else {
    const shift = bits == 8 ? 3 : 4;
    for (; quads > 0; quads--) {
      quadSums(bits, w, u0, u0 + (<usize>n0 << shift), u1, u1 + (<usize>n1 << shift), k, out);
      for (let row: usize = 0; row < 16; row += 4) {
        let acc = load<i32>(out + row) - sum;
        if (bits == 4) acc = (acc << 4) >> 4;
        store<i32>(out + row, mulh(acc + load<i32>(params + row), load<i32>(params + row, 16)));
      }
      w += stride;
      params += paramStride;
      out += 16;
    }
  }
}

// The scalar loop multiplies two columns at once: (w0 + w2 * 2^32) * (x2 + x0 * 2^32) holds w0 x0 + w2 x2 above the cross
// product w0 x2. One mask of a 64-bit word is such a pair of weights. All rows are taken unsigned (w + 128, w + 8), which
// rowOffset takes back. CHUNK columns keep the sum of cross products within +-2^31, so that it rounds away.
// @ts-ignore: decorator
@inline const CHUNK: usize = 512;

// @ts-ignore: decorator
@inline
function upper(sum: i64): i32 {
  return <i32>((sum + 0x80000000) >> 32);
}

/**
 * Sums of the four rows of one quad, all unsigned, to `out`. An 8-bit block is two words of four columns: A and B, C and
 * D; a 4-bit block is two words of four columns of A, B, C, D. Parts are [u, end) and [u1, end1).
 */
function quadSums(bits: i32, w: usize, u: usize, end: usize, u1: usize, end1: usize, k: i32, out: usize): void {
  let a = 0, b = 0, c = 0, d = 0;
  for (let part = 0; part < 2; part++) {
    while (u < end) {
      const stop = min(end, u + 2 * CHUNK);
      let sumA: i64 = 0, sumB: i64 = 0, sumC: i64 = 0, sumD: i64 = 0;
      if (bits == 8) {
        while (u < stop) {
          const even = (<i64>load<i16>(u) << 32) + <i64>load<i16>(u, 4);
          const odd = (<i64>load<i16>(u, 2) << 32) + <i64>load<i16>(u, 6);
          let word = load<u64>(w) ^ 0x8000800080008000;
          sumA += (word & 0xff000000ff) * even;
          sumB += ((word >> 8) & 0xff000000ff) * even;
          sumA += ((word >> 16) & 0xff000000ff) * odd;
          sumB += ((word >> 24) & 0xff000000ff) * odd;
          word = load<u64>(w, 8) ^ 0x8000800080008000;
          sumC += (word & 0xff000000ff) * even;
          sumD += ((word >> 8) & 0xff000000ff) * even;
          sumC += ((word >> 16) & 0xff000000ff) * odd;
          sumD += ((word >> 24) & 0xff000000ff) * odd;
          u += 8;
          w += 16;
        }
      } else {
        while (u < stop) {
          const even = (<i64>load<i16>(u) << 32) + <i64>load<i16>(u, 4);
          const odd = (<i64>load<i16>(u, 2) << 32) + <i64>load<i16>(u, 6);
          const word = load<u64>(w) ^ 0x8000800080008000;
          sumA += (word & 0xf0000000f) * even;
          sumB += ((word >> 4) & 0xf0000000f) * even;
          sumC += ((word >> 8) & 0xf0000000f) * even;
          sumD += ((word >> 12) & 0xf0000000f) * even;
          sumA += ((word >> 16) & 0xf0000000f) * odd;
          sumB += ((word >> 20) & 0xf0000000f) * odd;
          sumC += ((word >> 24) & 0xf0000000f) * odd;
          sumD += ((word >> 28) & 0xf0000000f) * odd;
          u += 8;
          w += 8;
        }
      }
      a += upper(sumA);
      b += upper(sumB);
      c += upper(sumC);
      d += upper(sumD);
    }
    if (part) break;
    a <<= k;
    b <<= k;
    c <<= k;
    d <<= k;
    u = u1;
    end = end1;
  }
  store<i32>(out, a);
  store<i32>(out, b, 4);
  store<i32>(out, c, 8);
  store<i32>(out, d, 12);
}
