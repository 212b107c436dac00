import { cpus } from "node:os";
import type { StreamEvaluation } from "./evaluate-streams.js";
import type { WindowEvaluation } from "./evaluate-windows.js";
import type { Predictor } from "./predictor.js";

/** Everything that `gatelet eval` says. */
export interface EvaluationReport {
  readonly model: string;
  readonly data: string;
  readonly fileBytes: number;
  readonly arenaBytes: number;
  readonly windows: WindowEvaluation | null;
  readonly streams: StreamEvaluation | null;
  readonly timing: Timing | null;
  /** What a reader should know: windows left out, a missing float model. */
  readonly notes: readonly string[];
}

/** Wall time on the machine at hand. */
export interface Timing {
  readonly kind: "measured";
  readonly engine: string;
  readonly host: string;
  readonly secondsPerStep: number;
  readonly secondsPerWindow: number | null;
  /** (slowest - fastest) / median of the repetitions. */
  readonly spread: number;
  readonly repetitions: number;
}

const REPETITIONS = 7;
const SECONDS_EACH = 0.05;
/** Frames of a measured piece of a stream. */
const STREAM_PIECE = 64;

/**
 * Measures how long the engine takes for frames, median of several repetitions after a warm-up.
 * @param samples frames as the model takes them, at least one window
 */
export function measureTiming(
  predictor: Predictor,
  samples: Int16Array | Float32Array,
  frameSize: number,
  window: number | null,
  engine: string,
): Timing {
  const frames = window ?? Math.min(STREAM_PIECE, samples.length / frameSize);
  const piece = samples.subarray(0, frames * frameSize);
  const stream = window === null ? predictor.createStream() : undefined;
  const once = stream === undefined ? () => predictor.windows([piece]) : () => stream.push(piece);
  const seconds = (count: number) => {
    const start = performance.now();
    for (let i = 0; i < count; i++) once();
    return (performance.now() - start) / 1000 / count;
  };
  seconds(3);
  const count = Math.max(1, Math.round(SECONDS_EACH / Math.max(1e-7, seconds(3))));
  const times = Array.from({ length: REPETITIONS }, () => seconds(count)).sort((a, b) => a - b);
  const median = times[REPETITIONS >> 1]!;
  return {
    kind: "measured",
    engine,
    host: `node ${process.versions.node}, ${cpus()[0]?.model.trim() ?? process.arch}`,
    secondsPerStep: median / frames,
    secondsPerWindow: window === null ? null : median,
    spread: (times[REPETITIONS - 1]! - times[0]!) / median,
    repetitions: REPETITIONS,
  };
}
