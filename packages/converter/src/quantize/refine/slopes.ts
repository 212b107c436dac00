import { activationFunction } from "../../float/index.js";
import type { Activation } from "../../graph/types.js";

/** Half the distance of the two points that a slope is taken from. */
const REACH = 1e-5;

/** An activation as a backward pass needs it. */
export interface Curve {
  readonly value: (x: number) => number;
  /** Slope at x, where the value is y: tanh and sigmoid from y, others from two points beside x. */
  readonly slope: (x: number, y: number) => number;
}

export function curveOf(activation: Activation): Curve {
  const value = activationFunction(activation);
  switch (activation.kind) {
    case "linear":
      return { value, slope: () => 1 };
    case "tanh":
      return { value, slope: (_, y) => 1 - y * y };
    case "sigmoid":
      return { value, slope: (_, y) => y * (1 - y) };
    default:
      return { value, slope: (x) => (value(x + REACH) - value(x - REACH)) / (2 * REACH) };
  }
}
