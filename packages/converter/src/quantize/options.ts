import type { ModelMeta } from "../format/spec.js";
import type { InputTransform } from "../lower/input-encoding.js";
import type { RangeMethod } from "./range.js";
import type { WeightBits } from "./rows.js";

/** What one may spend. */
export interface Budget {
  /** State and scratch of one stream. */
  readonly arenaBytes?: number;
  /** The file. */
  readonly flashBytes?: number;
}

/** Units of the calibration data: what the float network is fed, physical values, or raw counts of the device. */
export type CalibrationUnit = "network" | "physical" | "raw";

export interface QuantizeOptions {
  /**
   * Representative windows, [steps * features] row-major each (tokens: [steps]); in a stream model of any length.
   * Without them ranges come from noise and weights are rounded plainly.
   */
  readonly calibration?: readonly ArrayLike<number>[];
  /** Default "network". The others need an input transform. */
  readonly calibrationUnit?: CalibrationUnit;
  /** How raw counts become network inputs; absent: an encoding is derived from the calibration data. */
  readonly inputTransform?: InputTransform;
  /** What `foldGraph` took from behind the input: x * scale + offset per feature. */
  readonly inputNormalization?: { readonly scale: ArrayLike<number>; readonly offset: ArrayLike<number> } | null;
  /** Weights of recurrent, convolution and inner dense layers; default 8. */
  readonly bits?: WeightBits;
  /** Weights of the last layer where it is dense; default 8. */
  readonly headBits?: WeightBits;
  /** Chooses 4 or 8 bits per layer so that the file fits, quietest layers first. Replaces `bits`. */
  readonly mixed?: { readonly flashBytes: number };
  readonly budget?: Budget;
  /** Default "max", with `margin` 1.25. */
  readonly rangeMethod?: RangeMethod;
  readonly margin?: number;
  /** False: plain rounding in spite of calibration data. */
  readonly compensate?: boolean;
  /**
   * Layers of an earlier conversion of the same network, whose input scales and alignments of recurrent layers are kept, so
   * that weights which lie on that file's grid stay there.
   */
  readonly like?: readonly LayerReport[];
  /** Names, classes and the like for the META section; scales and layers are filled in. False: the file has no META. */
  readonly meta?: ModelMeta | false;
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}

export interface Progress {
  readonly stage: "calibrate" | "round" | "measure" | "encode";
  /** Share of the whole work that is done, 0..1. */
  readonly done: number;
}

/** One record of the file, as tables show it. */
export interface LayerReport {
  readonly record: number;
  readonly name: string;
  readonly layerClass: string;
  readonly kernel: string;
  readonly rows: number;
  readonly cols: number;
  /** Real value of one LSB of its rows. */
  readonly scale: number;
  /** Bytes of its tensors and record. */
  readonly flashBytes: number;
  /** Weights: bits, left shift of the first part, whether that is the recurrent one, LSTM cell fraction bits. */
  readonly bits?: WeightBits;
  readonly alignShift?: number;
  readonly recurrentFirst?: boolean;
  readonly cellBits?: number;
  /** Rows that the overflow proof made coarser, and the largest factor. */
  readonly raisedRows?: number;
  readonly largestRaise?: number;
  /** Signal to quantization noise of its rows, with the noise of all layers before; by simulation. */
  readonly sqnrDb?: number;
}

export interface QuantizeReport {
  readonly layers: readonly LayerReport[];
  readonly rounding: "compensated" | "plain";
  readonly calibrationWindows: number;
  /** SQNR of the output row (logits where the host does the softmax). */
  readonly outputSqnrDb: number;
  readonly flashBytes: number;
  readonly arenaBytes: number;
  readonly stateBytes: number;
  readonly scratchBytes: number;
  readonly warnings: readonly string[];
}
