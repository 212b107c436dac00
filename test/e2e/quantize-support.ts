import {
  type Activation,
  encodeFrame,
  FloatExecutor,
  type FloatTensor,
  foldGraph,
  type Graph,
  type GraphNode,
  type QuantizedResult,
  type QuantizeOptions,
  quantize,
  type RowShape,
} from "@gatelet/converter";
import { readModel } from "@gatelet/converter/format";
import { ReferenceModel } from "../reference/index.js";

/** Deterministic numbers for small nets. */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }
  uniform(): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return this.#state / 2 ** 32;
  }
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }
  tensor(shape: readonly number[], size = 1, around = 0): FloatTensor {
    const length = shape.reduce((product, n) => product * n, 1);
    return { shape, data: Float32Array.from({ length }, () => around + size * this.normal()) };
  }
}

export const zeros = (length: number): FloatTensor => ({ shape: [length], data: new Float32Array(length) });
export const vector = (cols: number): RowShape => ({ sequence: false, rows: 1, cols });
export const sequence = (rows: number | null, cols: number): RowShape => ({ sequence: true, rows, cols });

/** A graph from nodes given without names and classes; inputs default to the node before. */
type Loose<Node> = Node extends GraphNode
  ? Omit<Node, "name" | "layerClass" | "inputs"> & { name?: string; inputs?: readonly number[] }
  : never;
export type LooseNode = Loose<GraphNode>;

export function graphOf(nodes: readonly LooseNode[], window: number | null): Graph {
  const complete = nodes.map(
    (node, index) =>
      ({
        name: `${node.op}_${index}`,
        layerClass: node.op,
        inputs: index === 0 ? [] : [index - 1],
        ...node,
      }) as GraphNode,
  );
  return { name: "test", nodes: complete, output: nodes.length - 1, window, stateful: false, provenance: "test" };
}

export const tanh: Activation = { kind: "tanh" };
export const sigmoid: Activation = { kind: "sigmoid" };
export const linear: Activation = { kind: "linear" };
export const relu: Activation = { kind: "relu" };

/** Standardized slow noise, [steps * size]. */
export function noiseWindow(random: Random, steps: number, size: number): Float32Array {
  const window = new Float32Array(steps * size);
  for (let i = 0; i < window.length; i++) {
    window[i] = i < size ? random.normal() : 0.8 * window[i - size]! + 0.6 * random.normal();
  }
  return window;
}

/** Output rows of the integer reference for one window of raw counts or tokens, in real numbers, host transform applied. */
export function runReference(bytes: Uint8Array, raw: Int16Array): Float64Array {
  const { header } = readModel(bytes);
  const stream = new ReferenceModel(bytes).createStream();
  const values: number[] = [];
  for (let at = 0; at < raw.length; at += header.frameSize) {
    const { status, rows } = stream.step(raw.subarray(at, at + header.frameSize));
    if (status !== 0) throw new Error(`step gives status ${status}`);
    for (const row of rows)
      values.push(
        ...transformed(
          Array.from(row, (q) => q * header.outputScale),
          header.outputTransform,
        ),
      );
  }
  return Float64Array.from(values);
}

function transformed(row: number[], transform: number): number[] {
  if (transform === 2) return row.map((x) => 1 / (1 + Math.exp(-x)));
  if (transform !== 1) return row;
  const most = Math.max(...row);
  const powers = row.map((x) => Math.exp(x - most));
  const sum = powers.reduce((total, x) => total + x, 0);
  return powers.map((x) => x / sum);
}

export interface Comparison {
  readonly sqnrDb: number;
  readonly largestError: number;
  readonly result: QuantizedResult;
}

/**
 * Quantizes a graph with calibration windows and runs float and integers over other windows.
 * The float side is fed what the raw counts mean, so that only the network's own error counts.
 */
export async function compare(
  graph: Graph,
  options: QuantizeOptions & { readonly windows?: number; readonly steps?: number; readonly seed?: number } = {},
): Promise<Comparison> {
  const random = new Random(options.seed ?? 7);
  const input = graph.nodes[0]!;
  const isTokens = input.op === "input" && input.kind === "tokens";
  const { cols } = input.shape;
  const steps = options.steps ?? graph.window ?? 40;
  const embedding = graph.nodes.find((node) => node.op === "embedding");
  const vocabulary = embedding?.op === "embedding" ? embedding.table.shape[0]! : 0;
  const draw = () =>
    isTokens
      ? Float32Array.from({ length: steps }, () => Math.floor(random.uniform() * vocabulary))
      : noiseWindow(random, steps, cols);
  const calibration = options.calibration ?? Array.from({ length: 48 }, draw);
  const folded = foldGraph(graph);
  const result = await quantize(folded.graph, {
    ...options,
    calibration,
    inputNormalization: folded.inputNormalization,
  });
  const executor = new FloatExecutor(graph);
  let signal = 0;
  let noise = 0;
  let largestError = 0;
  for (let w = 0; w < (options.windows ?? 6); w++) {
    const given = draw();
    const { raw, meant } = isTokens ? { raw: Int16Array.from(given), meant: given } : encode(result, given, cols);
    const wanted = executor.run(meant, { everyStep: graph.window === null });
    const got = runReference(result.bytes, raw);
    if (got.length !== wanted.length) throw new Error(`${got.length} values left, expected ${wanted.length}`);
    got.forEach((value, i) => {
      signal += wanted[i]! ** 2;
      noise += (wanted[i]! - value) ** 2;
      largestError = Math.max(largestError, Math.abs(wanted[i]! - value));
    });
  }
  return { sqnrDb: 10 * Math.log10(signal / noise), largestError, result };
}

/** Raw counts of a window of network inputs, and the network inputs that they mean exactly. */
function encode(result: QuantizedResult, window: Float32Array, cols: number) {
  const { inputScale = [], inputOffset } = result.spec.meta ?? {};
  const shift = inputOffset ?? inputScale.map(() => 0);
  const zero = inputScale.map(() => 0);
  const one = inputScale.map(() => 1);
  const encoding = { scale: inputScale, offset: shift, mean: zero, std: one, gain: inputScale, shift, derived: true };
  const raw = new Int16Array(window.length);
  for (let at = 0; at < window.length; at += cols) encodeFrame(encoding, window, at, raw.subarray(at, at + cols));
  return { raw, meant: Float32Array.from(raw, (q, i) => q * inputScale[i % cols]! + shift[i % cols]!) };
}
