import type { Graph } from "../graph/types.js";
import type { InputTransform } from "../lower/input-encoding.js";
import { deriveEncoding, encodingOf, type RawEncoding } from "../lower/input-encoding.js";
import { CalibrationError } from "./errors.js";
import type { QuantizeOptions } from "./options.js";
import { randomNumbers } from "./random.js";

/** Windows as the (folded) graph takes them, and how raw counts become the same. */
export interface NetworkWindows {
  readonly windows: readonly Float32Array[];
  readonly encoding: RawEncoding | undefined;
  /** True where the windows are noise, since none were given. */
  readonly synthetic: boolean;
}

const NOISE_WINDOWS = 32;
const NOISE_STEPS = 64;

/**
 * Checks the calibration data and brings it to the graph's units.
 * @throws CalibrationError naming window, step and feature of the first bad value
 */
export function networkWindows(graph: Graph, options: QuantizeOptions): NetworkWindows {
  const [input] = graph.nodes;
  const size = input.shape.cols;
  const given = options.calibration ?? [];
  const synthetic = given.length === 0;
  if (input.op === "input" && input.kind === "tokens") {
    const windows = synthetic ? noiseTokens(graph) : given.map((window, w) => checkWindow(graph, window, w));
    return { windows, encoding: undefined, synthetic };
  }
  const own = synthetic ? noise(graph) : given.map((window, w) => checkWindow(graph, window, w));
  const encoding = chooseEncoding(graph, own, options, size);
  const network = synthetic ? own : own.map((window) => toNetwork(window, size, encoding, options.calibrationUnit));
  const { inputNormalization: fold } = options;
  if (!fold) return { windows: network, encoding, synthetic };
  // Noise is thought of as standardized: it stands behind the normalization already.
  const windows = synthetic
    ? network
    : network.map((window) => window.map((x, i) => x * fold.scale[i % size] + fold.offset[i % size]));
  const gain = encoding.gain.map((value, j) => value * fold.scale[j]);
  const shift = encoding.shift.map((value, j) => value * fold.scale[j] + fold.offset[j]);
  return { windows, encoding: { ...encoding, gain, shift }, synthetic };
}

function chooseEncoding(
  graph: Graph,
  windows: readonly Float32Array[],
  options: QuantizeOptions,
  size: number,
): RawEncoding {
  const transform: InputTransform | undefined = options.inputTransform;
  if (transform !== undefined) return encodingOf(transform, size);
  const unit = options.calibrationUnit ?? "network";
  if (unit === "raw") return encodingOf({ scale: 1 }, size);
  const mask = graph.nodes.find((node) => node.op === "mask" && node.inputs[0] === 0);
  return deriveEncoding(windows, size, mask?.op === "mask" ? Math.fround(mask.value) : undefined);
}

function checkWindow(graph: Graph, window: ArrayLike<number>, index: number): Float32Array {
  const size = graph.nodes[0].shape.cols;
  const steps = graph.window;
  if (window.length === 0 || window.length % size !== 0 || (steps !== null && window.length !== steps * size)) {
    const expected = steps === null ? `a multiple of ${size}` : `${steps} steps of ${size} features`;
    throw new CalibrationError(`calibration window ${index} has ${window.length} values, expected ${expected}`);
  }
  const values = Float32Array.from(window);
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new CalibrationError(
      `calibration window ${index}, step ${Math.floor(bad / size)}, feature ${bad % size} is ${values[bad]}`,
    );
  }
  return values;
}

function toNetwork(
  window: Float32Array,
  size: number,
  { gain, shift, mean, std }: RawEncoding,
  unit: QuantizeOptions["calibrationUnit"],
): Float32Array {
  if (unit === "raw") return window.map((raw, i) => raw * gain[i % size] + shift[i % size]);
  if (unit === "physical") return window.map((value, i) => (value - mean[i % size]) / std[i % size]);
  return window;
}

/** Slow noise of unit variance, as standardized signals look. */
function noise(graph: Graph): Float32Array[] {
  const next = randomNumbers(1);
  const size = graph.nodes[0].shape.cols;
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  return Array.from({ length: NOISE_WINDOWS }, () => {
    const window = new Float32Array((graph.window ?? NOISE_STEPS) * size);
    for (let i = 0; i < window.length; i++) {
      window[i] = i < size ? normal() : 0.8 * window[i - size] + 0.6 * normal();
    }
    return window;
  });
}

function noiseTokens(graph: Graph): Float32Array[] {
  const next = randomNumbers(1);
  const embedding = graph.nodes.find((node) => node.op === "embedding");
  const vocabulary = embedding?.op === "embedding" ? embedding.table.shape[0] : 1;
  return Array.from({ length: NOISE_WINDOWS }, () =>
    Float32Array.from({ length: graph.window ?? NOISE_STEPS }, () => Math.floor(next() * vocabulary)),
  );
}
