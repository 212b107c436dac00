import { TrainError } from "../training/errors.js";

/** What the device allows. */
export interface ShrinkTarget {
  readonly flashBytes?: number;
  readonly ramBytes?: number;
  /** Of one window on the simulated board. */
  readonly milliseconds?: number;
  /** Of one step, as predicted from the file alone at 0 wait states. */
  readonly stepMilliseconds?: number;
}

/** How far something is from a target. */
export interface Shortfall {
  /** A line for each figure beyond its limit. */
  readonly misses: readonly string[];
  /** Sum of the parts by which they are beyond; 0: all is met. */
  readonly excess: number;
}

/** Compares figures with limits; what is not known or not limited is met. */
export function shortfall(
  figures: readonly (readonly [what: string, actual: number | undefined, limit: number | undefined, kind?: "least"])[],
): Shortfall {
  const beyond = figures.flatMap(([what, actual, limit, kind]) => {
    if (actual === undefined || limit === undefined || (kind === "least" ? actual >= limit : actual <= limit))
      return [];
    const excess = kind === "least" ? (limit - actual) / limit : actual / Math.max(limit, 1e-9) - 1;
    const shown = Number.isInteger(actual) ? actual : Number(actual.toPrecision(4));
    return [{ text: `${what} ${shown}, ${kind ?? "limit"} ${limit}`, excess }];
  });
  return { misses: beyond.map(({ text }) => text), excess: beyond.reduce((sum, { excess }) => sum + excess, 0) };
}

/**
 * Parses `flash<=16K,ram<=2K,ms<=5@nrf52840`: 1024s, ms of one window; `step` is ms of one step. Throws `TRAIN_OPTION` naming the part.
 */
export function parseTarget(text: string): ShrinkTarget {
  const [limits, board] = text.split("@");
  if (board !== undefined && board !== "nrf52840") {
    throw new TrainError("TRAIN_OPTION", `board ${board} is not known, boards are: nrf52840`);
  }
  const target: Record<string, number> = {};
  for (const part of limits.split(",").filter((each) => each.trim() !== "")) {
    const match = /^\s*(flash|ram|ms|step)\s*<=\s*(\d+(?:\.\d+)?)\s*([KM]?)\s*$/i.exec(part);
    if (match === null) {
      throw new TrainError(
        "TRAIN_OPTION",
        `target "${part}" is not understood, write flash<=16K,ram<=2K,ms<=5@nrf52840`,
      );
    }
    const key = { flash: "flashBytes", ram: "ramBytes", ms: "milliseconds", step: "stepMilliseconds" }[
      match[1].toLowerCase()
    ] as string;
    target[key] = Number(match[2]) * { "": 1, K: 1024, M: 1024 ** 2 }[match[3].toUpperCase() as "" | "K" | "M"];
  }
  return target;
}
