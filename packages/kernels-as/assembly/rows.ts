// Rows of weights against activations, KERNELS.md 3: the scalar build's hot loop, and what both builds share.
// Results are requantized but unsaturated int32 (15), four a quad.
import { clearWords, mulh } from "./arith";
import { FEWEST_BYTES } from "./features";
import { quadRows4, quadRows8, rowSumSimd } from "./rows-simd";

/** Quads that one call of `quadRows` may take: the size of the buffer ROWS. */
// @ts-ignore: decorator
@inline
export const BATCH: i32 = ASC_FEATURE_SIMD ? 128 : FEWEST_BYTES ? 8 : 32;

/** Results of `quadRows`, dead after the kernel that asked for them. */
// @ts-ignore: decorator
@lazy export const ROWS: usize = ASC_FEATURE_SIMD ? memory.data(2048, 16) : FEWEST_BYTES ? memory.data(128, 16) : memory.data(512, 16);

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
    if (bits == 8) quadRows8(w, stride, quads, u0, n0, u1, n1, k, sum, params, paramStride, out);
    else quadRows4(w, stride, quads, u0, n0, u1, n1, k, sum, params, paramStride, out);
  } else {
    clearWords(out, <usize>quads << 4);
    w = addPart(bits, w, stride, quads, u0, n0, k, out);
    addPart(bits, w, stride, quads, u1, n1, 0, out);
    for (; quads > 0; quads--) {
      for (let row: usize = 0; row < 16; row += 4) {
        let acc = load<i32>(out + row) - sum;
        if (bits == 4) acc = (acc << 4) >> 4;
        store<i32>(out + row, mulh(acc + load<i32>(params + row), load<i32>(params + row, 16)));
      }
      params += paramStride;
      out += 16;
    }
  }
}

// The scalar loop multiplies two columns at once: (w0 + w2 * 2^32) * (x2 + x0 * 2^32) holds w0 x0 + w2 x2 above the cross
// product w0 x2. One mask of a 64-bit word is such a pair of weights; pairs of activations are made once for a batch of
// quads. All rows are taken unsigned (w + 128, w + 8), which rowOffset takes back. Sums begin with a half, so that their
// upper word is rounded: that takes the cross products away, whose sum over CHUNK columns lies within +-2^31.
// @ts-ignore: decorator
@inline const CHUNK: i32 = 128;
// @ts-ignore: decorator
@inline const HALF: i64 = 0x80000000;
// @ts-ignore: decorator
@lazy const PAIRS: usize = memory.data(512, 16);

/** Adds one part, shifted left by k, to the sums of `quads` quads. Returns where the first quad's next part begins. */
function addPart(bits: i32, w: usize, stride: usize, quads: i32, u: usize, blocks: i32, k: i32, out: usize): usize {
  for (let left = blocks << (bits == 8 ? 2 : 3); left > 0; left -= CHUNK) {
    const bytes = <usize>min(left, CHUNK) << 2;
    for (let p: usize = 0; p < bytes; p += 16) {
      store<i64>(PAIRS + p, (<i64>load<i16>(u) << 32) + <i64>load<i16>(u, 4));
      store<i64>(PAIRS + p, (<i64>load<i16>(u, 2) << 32) + <i64>load<i16>(u, 6), 8);
      u += 8;
    }
    for (let quad = 0; quad < quads; quad++) {
      addChunk(bits, w + <usize>quad * stride, PAIRS + bytes, k, out + (<usize>quad << 4));
    }
    w += bits == 8 ? bytes : bytes >> 1;
  }
  return w;
}

/**
 * Adds the pairs up to `end`, shifted left by k, to the sums of one quad. An 8-bit block is two words of four columns: A and B, C and D; a
 * 4-bit block is two words of four columns of A, B, C, D.
 */
function addChunk(bits: i32, w: usize, end: usize, k: i32, out: usize): void {
  let sumA = HALF, sumB = HALF, sumC = HALF, sumD = HALF;
  let p = PAIRS;
  if (bits == 8) {
    while (p < end) {
      const even = load<u64>(p);
      const odd = load<u64>(p, 8);
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
      if (!FEWEST_BYTES) {
        // a second block; without this test engines load both first
        if (p + 16 >= end) break;
        const even = load<u64>(p, 16);
        const odd = load<u64>(p, 24);
        word = load<u64>(w, 16) ^ 0x8000800080008000;
        sumA += (word & 0xff000000ff) * even;
        sumB += ((word >> 8) & 0xff000000ff) * even;
        sumA += ((word >> 16) & 0xff000000ff) * odd;
        sumB += ((word >> 24) & 0xff000000ff) * odd;
        word = load<u64>(w, 24) ^ 0x8000800080008000;
        sumC += (word & 0xff000000ff) * even;
        sumD += ((word >> 8) & 0xff000000ff) * even;
        sumC += ((word >> 16) & 0xff000000ff) * odd;
        sumD += ((word >> 24) & 0xff000000ff) * odd;
        p += 16;
        w += 16;
      }
      p += 16;
      w += 16;
    }
  } else {
    while (p < end) {
      const even = load<u64>(p);
      const odd = load<u64>(p, 8);
      const word = load<u64>(w) ^ 0x8000800080008000;
      sumA += (word & 0xf0000000f) * even;
      sumB += ((word >> 4) & 0xf0000000f) * even;
      sumC += ((word >> 8) & 0xf0000000f) * even;
      sumD += ((word >> 12) & 0xf0000000f) * even;
      sumA += ((word >> 16) & 0xf0000000f) * odd;
      sumB += ((word >> 20) & 0xf0000000f) * odd;
      sumC += ((word >> 24) & 0xf0000000f) * odd;
      sumD += ((word >> 28) & 0xf0000000f) * odd;
      p += 16;
      w += 8;
    }
  }
  store<i32>(out, load<i32>(out) + (<i32>(sumA >> 32) << k));
  store<i32>(out, load<i32>(out, 4) + (<i32>(sumB >> 32) << k), 4);
  store<i32>(out, load<i32>(out, 8) + (<i32>(sumC >> 32) << k), 8);
  store<i32>(out, load<i32>(out, 12) + (<i32>(sumD >> 32) << k), 12);
}
