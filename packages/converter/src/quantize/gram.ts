/**
 * Adds the Gram matrix of the columns of `samplesByColumn` to the lower 4 x 4 blocks of `gram`; `mirrorLower` completes it.
 * @param samplesByColumn [size, samples]: column j of the data is row j here; size a multiple of 4
 * @param gram            [size, size]
 */
export function addGramLower(samplesByColumn: Float64Array, size: number, samples: number, gram: Float64Array): void {
  for (let r = 0; r < size; r += 4) {
    for (let c = 0; c <= r; c += 4) {
      block4x4(samplesByColumn, r * samples, samples, samplesByColumn, c * samples, gram, r * size + c, size);
    }
  }
}

/** Copies the lower triangle of a square matrix to the upper one. */
export function mirrorLower(matrix: Float64Array, size: number): void {
  for (let r = 0; r < size; r++) for (let c = 0; c < r; c++) matrix[c * size + r] = matrix[r * size + c];
}

function block4x4(
  a: Float64Array,
  a0: number,
  inner: number,
  b: Float64Array,
  b0: number,
  out: Float64Array,
  o0: number,
  cols: number,
): void {
  const a1 = a0 + inner;
  const a2 = a1 + inner;
  const a3 = a2 + inner;
  const b1 = b0 + inner;
  const b2 = b1 + inner;
  const b3 = b2 + inner;
  let s00 = 0,
    s01 = 0,
    s02 = 0,
    s03 = 0;
  let s10 = 0,
    s11 = 0,
    s12 = 0,
    s13 = 0;
  let s20 = 0,
    s21 = 0,
    s22 = 0,
    s23 = 0;
  let s30 = 0,
    s31 = 0,
    s32 = 0,
    s33 = 0;
  for (let i = 0; i < inner; i++) {
    const x0 = a[a0 + i],
      x1 = a[a1 + i],
      x2 = a[a2 + i],
      x3 = a[a3 + i];
    const y0 = b[b0 + i],
      y1 = b[b1 + i],
      y2 = b[b2 + i],
      y3 = b[b3 + i];
    s00 += x0 * y0;
    s01 += x0 * y1;
    s02 += x0 * y2;
    s03 += x0 * y3;
    s10 += x1 * y0;
    s11 += x1 * y1;
    s12 += x1 * y2;
    s13 += x1 * y3;
    s20 += x2 * y0;
    s21 += x2 * y1;
    s22 += x2 * y2;
    s23 += x2 * y3;
    s30 += x3 * y0;
    s31 += x3 * y1;
    s32 += x3 * y2;
    s33 += x3 * y3;
  }
  const o1 = o0 + cols;
  const o2 = o1 + cols;
  const o3 = o2 + cols;
  out[o0] += s00;
  out[o0 + 1] += s01;
  out[o0 + 2] += s02;
  out[o0 + 3] += s03;
  out[o1] += s10;
  out[o1 + 1] += s11;
  out[o1 + 2] += s12;
  out[o1 + 3] += s13;
  out[o2] += s20;
  out[o2 + 1] += s21;
  out[o2 + 2] += s22;
  out[o2 + 3] += s23;
  out[o3] += s30;
  out[o3 + 1] += s31;
  out[o3 + 2] += s32;
  out[o3 + 3] += s33;
}
