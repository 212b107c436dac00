import { decidedClass, type OutputTransform, transformed } from "../evaluation/predictor.js";
import type { Runtime, RuntimeStream } from "../runtime.js";

/** One answer of a model in a stream. */
export interface Decision {
  /** Number of the frame, from 0, with which it fell. */
  readonly frame: number;
  /** Of several rows that fell with one frame: which. */
  readonly row: number;
  /** Probabilities (softmax, sigmoid) or values. */
  readonly outputs: readonly number[];
  /** Index and name of the class; absent in regression. */
  readonly classId?: number;
  readonly className?: string;
  /** Probability of the class. */
  readonly confidence?: number;
}

export interface DeciderOptions {
  readonly transform: OutputTransform;
  readonly classes: readonly string[];
  /** Window models: frames between the starts of windows; default: the window's length. */
  readonly hop?: number;
  /** Regression: value = output * std + mean. */
  readonly targetScale?: { readonly mean: number; readonly std: number };
}

/** Streams that windows started `hop` apart keep busy at once; 1 for a stream model. */
export const streamsNeeded = (window: number | null, hop: number): number =>
  window === null ? 1 : Math.ceil(window / hop);

/**
 * Turns frames into decisions as they fall. Overlapping windows are streams of the same model started `hop` apart: they
 * share its weights, and there are ceil(window / hop) of them however long the input is.
 */
export class Decider {
  private readonly streams: readonly RuntimeStream[];
  private readonly hop: number;
  private frame = 0;

  constructor(
    private readonly runtime: Runtime,
    private readonly options: DeciderOptions,
  ) {
    const { window } = runtime;
    this.hop = window === null ? 0 : (options.hop ?? window);
    const count = streamsNeeded(window, this.hop);
    this.streams = Array.from({ length: count }, () => runtime.createStream());
  }

  /** Streams that run side by side. */
  get streamCount(): number {
    return this.streams.length;
  }

  /** Frames pushed so far. */
  get frames(): number {
    return this.frame;
  }

  /** @param counts one frame; the answers that fall with it are added to `into` */
  push(counts: Int16Array, into: Decision[]): void {
    const frame = this.frame++;
    const { window } = this.runtime;
    for (let i = 0; i < this.streams.length; i++) {
      if (window !== null && !this.isInWindow(i, frame, window)) continue;
      const rows = this.streams[i]!.run(counts);
      const size = this.runtime.outputSize;
      for (let row = 0; row * size < rows.length; row++) {
        into.push(this.decision(frame, row, rows.subarray(row * size, (row + 1) * size)));
      }
    }
  }

  /** Stream i takes the windows that start at (i + k * streams) * hop, each `window` frames long. */
  private isInWindow(i: number, frame: number, window: number): boolean {
    const period = this.hop * this.streams.length;
    const since = frame - i * this.hop;
    return since >= 0 && since % period < window;
  }

  private decision(frame: number, row: number, logits: Float64Array): Decision {
    const { transform, classes, targetScale } = this.options;
    const outputs = transformed(logits, transform);
    if (transform === "none" && classes.length !== outputs.length) {
      const { mean, std } = targetScale ?? { mean: 0, std: 1 };
      return { frame, row, outputs: Array.from(outputs, (value) => value * std + mean) };
    }
    const classId = decidedClass(logits, transform);
    const single = transform === "sigmoid" && outputs.length === 1;
    const probability = single ? (classId === 1 ? outputs[0]! : 1 - outputs[0]!) : outputs[classId]!;
    const className = classes[classId] ?? `${classId}`;
    return { frame, row, outputs: Array.from(outputs), classId, className, confidence: probability };
  }
}
