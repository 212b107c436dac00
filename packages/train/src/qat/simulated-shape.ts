import type { NetworkLayer } from "../prune/network.js";
import { requantize, sat16 } from "./integer-math.js";
import type { Rows, SimulatedLayer } from "./simulated-layer.js";

/**
 * Layers without weights: global pooling (KERNELS.md 31), flattening, dropout; undefined for others.
 * @param scale of the layer's rows in the file
 */
export function simulateShape(layer: NetworkLayer, scale: number | undefined): SimulatedLayer | undefined {
  switch (layer.className) {
    case "GlobalAveragePooling1D":
      return new GlobalAverage(scale);
    case "GlobalMaxPooling1D":
      return new GlobalMaximum();
    case "Flatten":
      return new Reshape((x) => ({ ...x, steps: 1, columns: x.steps * x.columns }));
    case "Dropout":
      return new Reshape((x) => x);
    default:
      return undefined;
  }
}

/** Moves no value. */
class Reshape implements SimulatedLayer {
  constructor(readonly forward: (x: Rows) => Rows) {}

  backward = (slopes: Float32Array) => ({ input: slopes, weights: [] });
}

class GlobalAverage implements SimulatedLayer {
  #steps = 1;
  #columns = 1;

  constructor(readonly scale: number | undefined) {}

  forward(x: Rows): Rows {
    const { batch, steps, columns } = x;
    this.#steps = steps;
    this.#columns = columns;
    const sums = new Float64Array(batch * columns);
    x.values.forEach((value, i) => {
      sums[Math.floor(i / (steps * columns)) * columns + (i % columns)] += value;
    });
    const scale = this.scale ?? x.scale;
    const multiplier = Math.round((2 ** 30 / steps) * (x.scale / scale));
    const values = Float32Array.from(sums, (sum) => sat16(requantize(4 * sum, multiplier)));
    return { ...x, steps: 1, values, scale };
  }

  backward(slopes: Float32Array) {
    const [steps, columns] = [this.#steps, this.#columns];
    const input = new Float32Array(slopes.length * steps);
    for (let i = 0; i < input.length; i++) {
      input[i] = slopes[Math.floor(i / (steps * columns)) * columns + (i % columns)] / steps;
    }
    return { input, weights: [] };
  }
}

class GlobalMaximum implements SimulatedLayer {
  #size = 0;
  #largest = new Int32Array();

  forward(x: Rows): Rows {
    const { batch, steps, columns, values } = x;
    this.#size = values.length;
    this.#largest = new Int32Array(batch * columns).fill(-1);
    values.forEach((value, i) => {
      const to = Math.floor(i / (steps * columns)) * columns + (i % columns);
      if (this.#largest[to] < 0 || value > values[this.#largest[to]]) this.#largest[to] = i;
    });
    return { ...x, steps: 1, values: Float32Array.from(this.#largest, (at) => values[at]) };
  }

  backward(slopes: Float32Array) {
    const input = new Float32Array(this.#size);
    this.#largest.forEach((at, i) => {
      input[at] = slopes[i];
    });
    return { input, weights: [] };
  }
}
