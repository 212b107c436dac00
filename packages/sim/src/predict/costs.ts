/** Cost of one of a term: instructions; cycles at 0 wait states, at 2 with the cache off, at 3 without a miss. */
export type TermCost = readonly [instructions: number, cycles0: number, cycles2: number, cycles3: number];

export interface VariantCosts {
  /** Measured layers that the costs reproduce exactly. */
  readonly samples: number;
  /** Terms that cost nothing beside the others. Terms of neither list were never measured. */
  readonly free: readonly string[];
  readonly costs: Readonly<Record<string, TermCost>>;
}

/** By kernel variant (basis.ts), and EXECUTOR. */
export type CostTable = Readonly<Record<string, VariantCosts>>;
