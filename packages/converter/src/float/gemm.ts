/** A matrix of weights, transposed: row n holds the weights of output n, in double so that no load converts. */
export interface PackedWeights {
  readonly outputs: number;
  readonly inputs: number;
  readonly data: Float64Array;
}

/** Transposes weights [inputs, outputs] as Keras keeps them. */
export function packWeights(weights: ArrayLike<number>, inputs: number, outputs: number): PackedWeights {
  const data = new Float64Array(inputs * outputs);
  for (let input = 0; input < inputs; input++) {
    for (let output = 0; output < outputs; output++) data[output * inputs + input] = weights[input * outputs + output];
  }
  return { outputs, inputs, data };
}

/**
 * out[m][firstOutput + n] += sum over k of a[m][k] * weights[n][k], double accumulation.
 * @param out      [m rows of outStride], begins at column 0
 * @param a        [m rows of aStride], row 0 begins at aOffset; weights.inputs values of each are read
 * @param from,to  outputs (rows of the packed weights) to compute; they land at the same columns of out
 * Cost: m * (to - from) * inputs MACs, four rows by two outputs in registers.
 */
export function multiplyAdd(
  out: Float64Array,
  outStride: number,
  a: Float64Array,
  aOffset: number,
  aStride: number,
  m: number,
  weights: PackedWeights,
  from = 0,
  to = weights.outputs,
): void {
  const b = weights.data;
  const k = weights.inputs;
  let row = 0;
  for (; row + 4 <= m; row += 4) {
    const a0 = aOffset + row * aStride;
    const a1 = a0 + aStride;
    const a2 = a1 + aStride;
    const a3 = a2 + aStride;
    let output = from;
    for (; output + 2 <= to; output += 2) {
      const b0 = output * k;
      const b1 = b0 + k;
      let s00 = 0;
      let s01 = 0;
      let s10 = 0;
      let s11 = 0;
      let s20 = 0;
      let s21 = 0;
      let s30 = 0;
      let s31 = 0;
      for (let i = 0; i < k; i++) {
        const x = b[b0 + i];
        const y = b[b1 + i];
        const p = a[a0 + i];
        const q = a[a1 + i];
        const r = a[a2 + i];
        const s = a[a3 + i];
        s00 += x * p;
        s01 += y * p;
        s10 += x * q;
        s11 += y * q;
        s20 += x * r;
        s21 += y * r;
        s30 += x * s;
        s31 += y * s;
      }
      const o0 = row * outStride + output;
      const o1 = o0 + outStride;
      const o2 = o1 + outStride;
      const o3 = o2 + outStride;
      out[o0] += s00;
      out[o0 + 1] += s01;
      out[o1] += s10;
      out[o1 + 1] += s11;
      out[o2] += s20;
      out[o2 + 1] += s21;
      out[o3] += s30;
      out[o3 + 1] += s31;
    }
    for (; output < to; output++) {
      for (let i = 0; i < 4; i++) dotInto(out, (row + i) * outStride + output, a, a0 + i * aStride, b, output * k, k);
    }
  }
  for (; row < m; row++) {
    for (let output = from; output < to; output++) {
      dotInto(out, row * outStride + output, a, aOffset + row * aStride, b, output * k, k);
    }
  }
}

/** out[at] += a[aAt ...] . b[bAt ...], two partial sums. */
function dotInto(
  out: Float64Array,
  at: number,
  a: Float64Array,
  aAt: number,
  b: Float64Array,
  bAt: number,
  k: number,
): void {
  let even = 0;
  let odd = 0;
  let i = 0;
  for (; i + 2 <= k; i += 2) {
    even += a[aAt + i] * b[bAt + i];
    odd += a[aAt + i + 1] * b[bAt + i + 1];
  }
  if (i < k) even += a[aAt + i] * b[bAt + i];
  out[at] += even + odd;
}
