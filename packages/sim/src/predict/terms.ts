import { blocksOf, pad8 } from "@gatelet/converter/format";

/** Named counts of things that cost time. Names are what cost tables are keyed by. */
export class Terms {
  readonly values = new Map<string, number>();

  add(name: string, value: number): void {
    if (value !== 0) this.values.set(name, (this.values.get(name) ?? 0) + value);
  }

  /** A loop that is met `times` times and makes `trips` rounds each: its rounds, and how often it is entered at all. */
  loop(name: string, times: number, trips: number): void {
    this.add(`${name} rounds`, times * trips);
    if (trips > 0) this.add(`${name} entered`, times);
  }

  /** Zeros behind n values. */
  tail(name: string, times: number, n: number): void {
    this.loop(`${name} tail`, times, pad8(n) - n);
  }
}

/** Units of 4 columns in a part of a quad. */
export const unitsOf = (columns: number, bits: number): number => blocksOf(columns, bits) * (bits === 4 ? 2 : 1);

/** The quads' loop does 8 units a round. */
const UNITS_A_ROUND = 8;

/** Quads of rows over one or two parts. */
export function addQuads(terms: Terms, name: string, quads: number, bits: number, parts: readonly number[]): void {
  const key = `${name} quads${bits}`;
  terms.add(key, quads);
  for (const columns of parts) {
    const units = unitsOf(columns, bits);
    terms.add(`${key} units`, quads * units);
    terms.add(`${key} rounds`, quads * Math.ceil(units / UNITS_A_ROUND));
  }
}

/** Whether rows of that many columns end in half a unit: those of a single round do, where the last unit has 2 columns at most. */
function endsInHalf(columns: number, bits: number): boolean {
  const units = Math.ceil(columns / 4);
  const few = ((columns + 3) & 2) === 0;
  return few && units >= 2 && units <= UNITS_A_ROUND && (bits === 8 || units % 2 === 0);
}

/** All quads of a row over one part. */
export function addRowQuads(
  terms: Terms,
  name: string,
  times: number,
  quads: number,
  bits: number,
  columns: number,
): void {
  const key = `${name} quads${bits}`;
  const half = endsInHalf(columns, bits);
  const units = unitsOf(columns, bits) - (half ? 1 : 0);
  terms.add(key, times * quads);
  terms.add(`${key} units`, times * quads * units);
  terms.add(`${key} rounds`, times * quads * Math.ceil(units / UNITS_A_ROUND));
  if (!half) return;
  terms.add(`${key} end in half`, times);
  terms.add(`${key} halves`, times * quads);
}

/** The sum of a row's columns: a loop over groups of units and one over the rest. */
export function addSum(terms: Terms, times: number, bits: number, columns: number): void {
  if (times === 0) return;
  const units = unitsOf(columns, bits);
  for (const group of [2, 4]) {
    terms.loop(`sum of ${group}`, times, Math.floor(units / group));
    terms.loop(`sum behind ${group}`, times, units % group);
  }
}
