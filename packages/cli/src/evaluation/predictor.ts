import type { FloatExecutor } from "@gatelet/converter";

/** What the host makes of a model's outputs. */
export type OutputTransform = "none" | "softmax" | "sigmoid";

/** A stream with kept state: frames in, output rows out (row-major; none while a window fills). */
export interface PredictorStream {
  push(samples: Int16Array | Float32Array): Float64Array;
}

/** A model that answers stored samples, whatever arithmetic it uses. */
export interface Predictor {
  readonly outputSize: number;
  readonly transform: OutputTransform;
  /** The last output row of each window, in real units, before `transform`. */
  windows(samples: readonly (Int16Array | Float32Array)[]): Float64Array[];
  /** A stream of its own. */
  createStream(): PredictorStream;
}

/**
 * The float graph as a predictor.
 * @param normalize stored samples to network inputs
 */
export function floatPredictor(
  executor: FloatExecutor,
  transform: OutputTransform,
  normalize: (samples: ArrayLike<number>) => Float32Array,
): Predictor {
  const { graph } = executor;
  const outputSize = graph.nodes[graph.output]!.shape.cols;
  const options = { logits: transform !== "none" };
  return {
    outputSize,
    transform,
    windows: (samples) =>
      executor
        .runBatch(samples.map(normalize), options)
        .map((rows) => Float64Array.from(rows.subarray(rows.length - outputSize))),
    createStream: () => {
      const stream = executor.createStream();
      return { push: (samples) => Float64Array.from(stream.push(normalize(samples), options)) };
    },
  };
}

/** Outputs as the host shows them: probabilities for softmax and sigmoid, the values themselves otherwise. */
export function transformed(logits: ArrayLike<number>, transform: OutputTransform): Float64Array {
  const values = Float64Array.from(logits);
  if (transform === "none") return values;
  if (transform === "sigmoid") return values.map((logit) => 1 / (1 + Math.exp(-logit)));
  const top = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = values.map((logit) => Math.exp(logit - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/** Class that a row of logits decides for; one sigmoid output decides between 0 and 1. */
export function decidedClass(logits: ArrayLike<number>, transform: OutputTransform): number {
  if (transform === "sigmoid" && logits.length === 1) return logits[0]! > 0 ? 1 : 0;
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
}

/** Number of classes that a model of `outputSize` outputs tells apart. */
export const classCount = (outputSize: number, transform: OutputTransform): number =>
  transform === "sigmoid" && outputSize === 1 ? 2 : outputSize;
