/** Steps of an axis are 1, 2 or 5 times a power of ten; the borders between them are geometric means. */
const STEPS = [
  { above: Math.sqrt(50), step: 10 },
  { above: Math.sqrt(10), step: 5 },
  { above: Math.sqrt(2), step: 2 },
];

/** A map of `from` onto `to`, linear. */
export function linear(from: readonly [number, number], to: readonly [number, number]): (value: number) => number {
  const slope = (to[1] - to[0]) / (from[1] - from[0]);
  return (value) => to[0] + (value - from[0]) * slope;
}

/**
 * Round values within low..high, about `count` of them, ascending.
 * @param low below `high`, both finite
 */
export function ticks(low: number, high: number, count: number): number[] {
  const raw = (high - low) / count;
  const power = Math.floor(Math.log10(raw));
  const factor = STEPS.find(({ above }) => raw / 10 ** power >= above)?.step ?? 1;
  // A step below 1 is 1 over a whole number, so that its multiples are as exact as a division is.
  const inverse = power < 0 ? 10 ** -power / factor : 0;
  const step = factor * 10 ** power;
  const at = (i: number) => (inverse > 0 ? i / inverse : i * step);
  const scaled = (value: number) => (inverse > 0 ? value * inverse : value / step);
  const values: number[] = [];
  for (let i = Math.ceil(scaled(low)) + 0; i <= Math.floor(scaled(high)); i++) values.push(at(i));
  return values;
}

/** Powers of ten within 10^low..10^high, about `count` of them at most. */
export function decades(low: number, high: number, count: number): number[] {
  return ticks(low, high, count)
    .filter((exponent) => Number.isInteger(exponent))
    .map((exponent) => Number(`1e${exponent}`));
}

const rounded = (value: number) => Math.round(value * 1000) / 1000;

/** Path data of an open polyline, coordinates to a thousandth; empty without points. */
export function polyline(points: readonly (readonly [number, number])[]): string {
  return points.map(([x, y], i) => `${i === 0 ? "M" : "L"}${rounded(x)},${rounded(y)}`).join("");
}
