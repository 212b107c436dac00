import { randomNumbers } from "../random.js";

/** How far made-up windows stray: factor and shift (in standard deviations) of each channel, share of another window. */
const GAIN = 0.25;
const SHIFT = 0.5;
const MIX = 0.2;

/**
 * Made-up windows beside those given, until there are `count`: as if other people, who hold and move the device a little
 * differently, had been recorded. They need no labels, since the float network answers them too.
 * @param channels values of one step
 */
export function moreWindows(windows: readonly Float32Array[], count: number, channels: number): Float32Array[] {
  const next = randomNumbers(1);
  const within = (reach: number) => reach * (2 * next() - 1);
  const { mean, deviation } = channelFacts(windows, channels);
  const result = [...windows];
  while (result.length < count) {
    const window = windows[result.length % windows.length];
    const other = windows[Math.floor(next() * windows.length)];
    const gain = mean.map(() => 1 + within(GAIN));
    const shift = deviation.map((value) => value * within(SHIFT));
    const share = other.length === window.length ? MIX * next() : 0;
    result.push(
      window.map((value, i) => {
        const c = i % channels;
        const mixed = share === 0 ? value : (1 - share) * value + share * other[i];
        return mean[c] + (mixed - mean[c]) * gain[c] + shift[c];
      }),
    );
  }
  return result;
}

function channelFacts(windows: readonly Float32Array[], channels: number) {
  const sums = new Float64Array(channels);
  const squares = new Float64Array(channels);
  let count = 0;
  for (const window of windows) {
    count += window.length / channels;
    for (let i = 0; i < window.length; i++) {
      sums[i % channels] += window[i];
      squares[i % channels] += window[i] ** 2;
    }
  }
  const mean = sums.map((sum) => sum / count);
  return { mean, deviation: squares.map((sum, c) => Math.sqrt(Math.max(0, sum / count - mean[c] ** 2))) };
}
