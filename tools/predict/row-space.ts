import { inverse, mod, PRIME } from "./modular.js";

/** The space that rows of named counts span, exact modulo a prime: tells which new rows bring something new. */
export class RowSpace {
  private readonly columns = new Map<string, number>();
  /** By pivot column: rows whose first entry that is not 0 is a 1 there. */
  private readonly basis: (number[] | undefined)[] = [];
  rank = 0;

  /** Takes a row; whether it was independent of those before. */
  add(terms: ReadonlyMap<string, number>): boolean {
    for (const name of terms.keys()) if (!this.columns.has(name)) this.columns.set(name, this.columns.size);
    const row = [...this.columns.keys()].map((name) => mod(terms.get(name) ?? 0));
    for (let column = 0; column < row.length; column++) {
      const value = row[column]!;
      if (value === 0) continue;
      const known = this.basis[column];
      if (known === undefined) {
        const scale = inverse(value);
        this.basis[column] = row.map((entry) => (entry * scale) % PRIME);
        this.rank++;
        return true;
      }
      known.forEach((entry, k) => {
        if (entry !== 0) row[k] = mod(row[k]! - ((value * entry) % PRIME));
      });
    }
    return false;
  }
}
