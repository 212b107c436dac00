import { type Figure, median } from "./figures.js";

/** Fresh processes a figure. */
export const COLD_STARTS = 15;
export const COLD_GOAL_MS = 5;

export const sizeOf = (file: Uint8Array): string => `${(file.length / 1024).toFixed(0)} KiB`;

/** A figure of the section `cold`: the median of some fresh starts. */
export function coldFigure(id: string, text: string, times: readonly number[], note: string, goal?: number): Figure {
  return {
    id: `peers.cold.${id}`,
    text,
    value: median(times),
    unit: "ms",
    kind: "measured",
    spread: [Math.min(...times), Math.max(...times)],
    note,
    ...(goal === undefined ? {} : { goal: { atMost: goal } }),
  };
}
