import type { Runtime } from "../runtime.js";
import type { OutputTransform, Predictor } from "./predictor.js";

/** Streams of the engine that a predictor takes: one for windows, one for streams. */
export const PREDICTOR_STREAMS = 2;

/**
 * An engine as a predictor; of its streams only the one made last may be used.
 * @param count stored samples to the model's counts
 */
export function quantizedPredictor(
  runtime: Runtime,
  transform: OutputTransform,
  count: (samples: ArrayLike<number>) => Int16Array,
): Predictor {
  const { outputSize } = runtime;
  const own = runtime.createStream();
  const shared = runtime.createStream();
  return {
    outputSize,
    transform,
    windows: (samples) =>
      samples.map((window) => {
        own.reset();
        const rows = own.run(count(window));
        return rows.slice(rows.length - outputSize);
      }),
    createStream: () => {
      shared.reset();
      return { push: (samples) => shared.run(count(samples)) };
    },
  };
}
