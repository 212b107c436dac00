import { convert, FloatExecutor, openModel, type WeightBits } from "@gatelet/converter";
import { frameTargets } from "../data/frame-labels.js";
import type { Normalization } from "../data/prepare.js";
import type { Recordings } from "../data/recordings.js";
import { countedRecordings, countScale } from "../data/transforms.js";
import { argMax, ConfusionMatrix } from "../metrics/classification.js";
import { TrainError } from "../training/errors.js";
import type { LoadInteger } from "./integer-engine.js";

/** A network that was trained on streams, and recordings to calibrate and to judge it by. */
export interface StreamInput {
  readonly name: string;
  /** Folder or file of the model. */
  readonly model: string;
  readonly train: Recordings;
  readonly test: Recordings;
  readonly normalization: Normalization;
  readonly bits: WeightBits;
  /** Physical value of a count for recordings of physical values, as the model's meta.json has it; default: fitted on `train`. */
  readonly inputScale?: readonly number[];
  /** Class of frames without a label; absent: they do not count. */
  readonly rejection?: number;
}

/** How a stream model does, frame by frame over whole recordings. */
export interface StreamFigures {
  readonly bits: WeightBits;
  /** Frames with a label. */
  readonly frames: number;
  readonly floatAccuracy: number;
  readonly floatMacroF1: number;
  readonly accuracy: number;
  readonly macroF1: number;
  /** Share of frames that both decide alike. */
  readonly agreement: number;
  readonly gateBytes: number;
  /** State and scratch of one stream. */
  readonly ramBytes: number;
}

/** Frames of the pieces of training recordings that calibrate. */
const PIECE = 256;
const PIECES = 200;

/**
 * Converts a network into a stream model and walks it through every test recording from its first frame to its last, one
 * decision a frame: the float network and, in counts, the integer engine.
 * @returns the figures, and the `.gate` file
 * Throws what converter and engine throw; `TRAIN_OPTION` for an engine that cannot stream.
 */
export async function evaluateStream(
  input: StreamInput,
  engine: LoadInteger,
): Promise<{ readonly figures: StreamFigures; readonly gate: Uint8Array }> {
  const { normalization, bits, rejection } = input;
  const scale = input.inputScale ?? countScale(input.train);
  const train = countedRecordings(input.train, scale);
  const test = countedRecordings(input.test, scale);
  const { channels, rawScale, classes } = test;
  const graph = await openModel(input.model, { stream: true });
  const { bytes, report } = await convert(graph, {
    calibration: calibrationPieces(train),
    calibrationUnit: "raw",
    inputTransform: { scale: rawScale, ...normalization },
    bits,
    meta: { name: input.name, classes },
  });
  const model = await engine(bytes);
  if (model.stream === undefined) throw new TrainError("TRAIN_OPTION", "the engine given runs no streams");
  const executor = new FloatExecutor(graph);
  const float = new ConfusionMatrix(classes);
  const integer = new ConfusionMatrix(classes);
  let frames = 0;
  let equal = 0;
  for (const [place, { samples, length }] of test.sequences.entries()) {
    const { targets, weights } = frameTargets(
      test,
      place,
      classes.length,
      rejection === undefined ? {} : { rejection },
    );
    const inputs = Float32Array.from(samples, (count, at) => {
      const c = at % channels;
      return (count * rawScale[c] - normalization.mean[c]) / normalization.std[c];
    });
    const answers = executor.createStream().push(inputs);
    const integers = model.stream(samples as Int16Array);
    for (let frame = 0; frame < length; frame++) {
      if (weights[frame] === 0) continue;
      const [label, one, other] = [targets, answers, integers].map((rows) =>
        argMax(rows, frame * classes.length, classes.length),
      );
      float.add(label, one);
      integer.add(label, other);
      frames++;
      equal += Number(one === other);
    }
  }
  const figures = {
    bits,
    frames,
    floatAccuracy: float.accuracy,
    floatMacroF1: float.macroF1,
    accuracy: integer.accuracy,
    macroF1: integer.macroF1,
    agreement: equal / frames,
    gateBytes: bytes.length,
    ramBytes: report.arenaBytes,
  };
  return { figures, gate: bytes };
}

/** Pieces of recordings, spread evenly over them all. */
function calibrationPieces({ sequences, channels }: Recordings): Int16Array[] {
  const all = sequences.flatMap(({ samples }) =>
    Array.from(
      { length: Math.ceil(samples.length / (PIECE * channels)) },
      (_, i) => samples.subarray(i * PIECE * channels, (i + 1) * PIECE * channels) as Int16Array,
    ),
  );
  const every = Math.max(1, all.length / PIECES);
  return all.filter((_, i) => Math.floor(i / every) !== Math.floor((i - 1) / every));
}
