import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { crc32, encodeModel, KERNEL_NAMES, type KernelName } from "@gatelet/converter/format";
import { ReferenceModel } from "../reference/index.js";
import { GENERATOR_VERSION, kernelModel, randomFrames } from "./random-models.js";

/** One committed case: a model, frames, and what every engine must answer. Made by the integer reference. */
export interface Vector {
  readonly kernel: KernelName;
  readonly seed: number;
  readonly generatorVersion: number;
  /** The `.gate` file, base64. */
  readonly model: string;
  /** One per step: int16 values, or one token. */
  readonly frames: readonly (readonly number[])[];
  /** One per step: the rows it yields. */
  readonly outputs: readonly (readonly (readonly number[])[])[];
  /** CRC-32 of the state region after the last step. */
  readonly stateCrc: number;
}

/** Cases per kernel and the largest row: chosen so that all vectors stay below 400 KB. */
const CASES = 7;
const MAX_SIZE = 9;
const MAX_STEPS = 10;

export const VECTOR_FOLDER = fileURLToPath(new URL("../vectors/", import.meta.url));

const fileOf = (kernel: KernelName): string => kernel.toLowerCase().replaceAll("_", "-") + ".json";

function makeVector(kernel: KernelName, seed: number): Vector {
  const bytes = encodeModel(kernelModel(kernel, seed, { maxSize: MAX_SIZE, maxWindow: 6 }));
  const reference = new ReferenceModel(bytes);
  const stream = reference.createStream();
  const { header } = reference.gate;
  // One step short of the second window's end, so that the final state is not the initial one.
  const steps = header.window === 0 ? MAX_STEPS : Math.max(1, Math.min(2 * header.window - 1, MAX_STEPS));
  const frames = randomFrames(seed, header, steps);
  const outputs = frames.map((frame) => stream.step(frame).rows.map((row) => [...row]));
  return {
    kernel,
    seed,
    generatorVersion: GENERATOR_VERSION,
    model: Buffer.from(bytes).toString("base64"),
    frames: frames.map((frame) => [...frame]),
    outputs,
    stateCrc: crc32(stream.state),
  };
}

/** All vector files, by name, one case a line. */
export function makeVectorFiles(): Map<string, string> {
  return new Map(
    KERNEL_NAMES.map((kernel) => {
      const cases = Array.from({ length: CASES }, (_, i) => JSON.stringify(makeVector(kernel, 13 * i)));
      return [fileOf(kernel), `[\n${cases.join(",\n")}\n]\n`];
    }),
  );
}

/** The committed vectors. */
export function loadVectors(): Vector[] {
  return readdirSync(VECTOR_FOLDER)
    .filter((name) => name.endsWith(".json"))
    .sort()
    .flatMap((name) => JSON.parse(readFileSync(VECTOR_FOLDER + name, "utf8")) as Vector[]);
}
