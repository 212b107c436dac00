import type { BoardCost } from "../study/integer-engine.js";
import type { Shortfall } from "./target.js";

/** One stage of the search; those with `gateBytes` are files, scored in the integer engine. */
export interface ShrinkStage {
  readonly stage: string;
  readonly parameters: number;
  readonly validationAccuracy: number;
  readonly testAccuracy: number;
  readonly gateBytes?: number;
  readonly ramBytes?: number;
  readonly board?: BoardCost;
  /** Predicted. */
  readonly stepMilliseconds?: number;
  /** What it misses; empty: a candidate. */
  readonly misses?: readonly string[];
  readonly excess?: number;
}

/** A file of the untrained network: size and speed do not depend on the weights. */
export interface ShrinkPlan extends Shortfall {
  readonly gateBytes: number;
  readonly ramBytes: number;
  readonly stepMilliseconds?: number;
  readonly milliseconds?: number;
}

/** A width that was tried. */
export interface ShrinkWidth extends ShrinkPlan {
  readonly units: number;
}

/** What a stage will cost; those that miss the target are not trained. */
export interface PlannedStage extends ShrinkPlan {
  readonly stage: string;
}

export interface ShrinkReport {
  readonly name: string;
  /** In the order tried, the last one was taken; empty where no widths were given. */
  readonly widths: readonly ShrinkWidth[];
  readonly plans: readonly PlannedStage[];
  readonly stages: readonly ShrinkStage[];
  /** The smallest file that meets everything; undefined: none does. */
  readonly chosen: string | undefined;
  /** Where none does: what comes nearest, and what it misses. */
  readonly nearest?: { readonly stage: string; readonly misses: readonly string[] };
}
