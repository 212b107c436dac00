/** Largest prime below 2^26: products of residues are exact in a double. */
export const PRIME = 67108859;

/** The residue of an integer. */
export const mod = (value: number): number => ((value % PRIME) + PRIME) % PRIME;

export function inverse(value: number): number {
  let [a, b, x, y] = [mod(value), PRIME, 1, 0];
  while (a !== 0) {
    const q = Math.floor(b / a);
    [a, b, x, y] = [b - q * a, a, y - q * x, x];
  }
  return mod(y);
}
