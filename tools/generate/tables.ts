/**
 * Constant tables of docs/KERNELS.md section 2 and 5, computed in float64. Every engine gets its copy from here, so that
 * the integers are the same everywhere whatever a platform's `tanh` says.
 */

const INTERVAL_POINTS = 128;
const MAX_Q15 = 32767;

/** 2^15 * tanh(a / 2) for a = p / 2048 (Q4.11). */
const exact = (p: number): number => Math.min(MAX_Q15, 32768 * Math.tanh(p / 4096));

function largestError(start: number, value: number, delta: number): number {
  let worst = 0;
  for (let f = 0; f < INTERVAL_POINTS; f++) {
    worst = Math.max(worst, Math.abs(value + ((delta * f) >> 7) - exact(start + f)));
  }
  return worst;
}

/** The (value, delta) near the chord of one interval whose largest error over its 128 points is smallest. */
function fitInterval(start: number): { value: number; delta: number } {
  const left = exact(start);
  const chord = exact(start + INTERVAL_POINTS) - left;
  let best = { value: 0, delta: 0, error: Number.POSITIVE_INFINITY };
  for (let value = Math.max(0, Math.floor(left) - 2); value <= Math.min(MAX_Q15, Math.ceil(left) + 5); value++) {
    for (let delta = Math.max(0, Math.floor(chord) - 6); delta <= Math.min(1024, Math.ceil(chord) + 6); delta++) {
      if (value + ((delta * (INTERVAL_POINTS - 1)) >> 7) > MAX_Q15) continue;
      if (start === 0 && value !== 0) continue; // v(0) = 0: a zero stays a zero
      const error = largestError(start, value, delta);
      if (error < best.error) best = { value, delta, error };
    }
  }
  return best;
}

/** 257 words value << 16 | delta (KERNELS.md equation 4). */
export function tanhHalfTable(): number[] {
  const words: number[] = [];
  for (let i = 0; i < 256; i++) {
    const { value, delta } = fitInterval(i * INTERVAL_POINTS);
    words.push(((value << 16) | delta) >>> 0);
  }
  words.push((MAX_Q15 << 16) >>> 0);
  return words;
}

/** 96 values 2^15 / sqrt(middle of [i/128, (i+1)/128)), i = 32 .. 127 (equation 41). */
export function rsqrtTable(): number[] {
  return Array.from({ length: 96 }, (_, j) => Math.min(65535, Math.round(32768 / Math.sqrt((j + 32.5) / 128))));
}

/** 65 values 2^(24 - j/64) (equation 43). */
export function exp2Table(): number[] {
  return Array.from({ length: 65 }, (_, j) => Math.round(2 ** (24 - j / 64)));
}
