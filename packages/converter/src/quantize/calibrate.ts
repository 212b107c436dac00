import { FloatExecutor, type Observation } from "../float/index.js";
import type { Conv1dNode, Graph, GraphNode } from "../graph/types.js";
import { MomentCollector, type Moments } from "./moments.js";
import { RangeStats } from "./range.js";
import { planWindowing } from "./windowing.js";

/** What calibration learned of one node. */
export interface NodeStats {
  readonly output: RangeStats;
  /** Pre-activations (recurrent nodes: of the candidate). */
  readonly pre: RangeStats;
  /** Pre-activations of all gates of a recurrent node. */
  readonly gates: RangeStats;
  /** Cell states of an LSTM; all hidden states of a recurrent node; recurrent candidate parts of a GRU (reset after). */
  readonly cell: RangeStats;
  readonly hidden: RangeStats;
  readonly part: RangeStats;
  /** Moments of the columns of the node's matrix: [x; h], or the taps of a convolution. */
  readonly moments?: Moments;
  /** Moments of [x; r * h] of a GRU that resets before, of [x; f * h] of a minimal GRU. */
  readonly resetMoments?: Moments;
}

export interface CalibrationRun {
  readonly nodes: readonly NodeStats[];
  readonly windows: number;
  readonly samples: number;
}

/** Samples that go into one layer's moments: at least so many, and more as long as they cost few MACs. */
const MOMENT_SAMPLES = 8_000;
const MOMENT_MACS = 4e8;
/** Columns of the widest matrix whose moments are kept (18 MB); wider ones are rounded plainly. */
export const WIDEST_MOMENTS = 1_536;
const BATCH = 32;

interface NodeState {
  readonly ranges: Omit<NodeStats, "moments" | "resetMoments">;
  moments?: MomentCollector;
  resetMoments?: MomentCollector;
  /** Copy of the node's last output, for the matrices behind it. */
  rows?: { readonly data: Float64Array; readonly rows: number; readonly cols: number };
}

/**
 * Runs the float graph over the windows and gathers ranges and second moments. Yields between batches the share that is
 * done, so that the caller can report progress and stop.
 * @param windows network inputs, [steps * channels] each
 */
export function* calibrate(
  graph: Graph,
  windows: readonly Float32Array[],
  withMoments: boolean,
): Generator<number, CalibrationRun> {
  const executor = new FloatExecutor(graph);
  const collector = new Collector(graph, windows, withMoments);
  const everyStep = graph.window === null;
  let done = 0;
  for (const batch of batchesOf(windows)) {
    executor.runBatch(batch, { observe: (observation) => collector.observe(observation), everyStep });
    done += batch.length;
    yield done / windows.length;
  }
  return { nodes: collector.finish(), windows: windows.length, samples: collector.samples };
}

/** Batches of windows of equal length, in the order given. */
export function batchesOf(windows: readonly Float32Array[], size = BATCH): Float32Array[][] {
  const batches: Float32Array[][] = [];
  for (const window of windows) {
    const last = batches[batches.length - 1];
    if (last !== undefined && last.length < size && last[0].length === window.length) last.push(window);
    else batches.push([window]);
  }
  return batches;
}

class Collector {
  readonly #states: NodeState[];
  readonly #feedsMatrix: Uint8Array;
  #windowsSeen = 0;
  samples = 0;

  constructor(
    readonly graph: Graph,
    readonly windows: readonly Float32Array[],
    readonly withMoments: boolean,
  ) {
    this.#feedsMatrix = new Uint8Array(graph.nodes.length);
    this.#states = graph.nodes.map((node) => {
      if (hasMatrix(node)) this.#feedsMatrix[node.inputs[0]] = 1;
      const range = () => new RangeStats();
      const ranges = { output: range(), pre: range(), gates: range(), cell: range(), hidden: range(), part: range() };
      return { ranges };
    });
  }

  observe(observation: Observation): void {
    const { index, node, signal, data } = observation;
    const { ranges } = this.#states[index];
    switch (signal) {
      case "output":
        this.#output(observation);
        break;
      case "preActivation":
        if (isRecurrent(node)) this.#gatePre(observation, node.hiddenSize);
        else if ("activation" in node && needsPre(node.activation.kind)) ranges.pre.add(data);
        break;
      case "cellState":
        ranges.cell.add(data);
        break;
      case "recurrentCandidate":
        ranges.part.add(data);
        break;
      case "hiddenState":
        ranges.hidden.add(data);
        if (isRecurrent(node)) this.#recurrentMoments(observation, node);
        break;
      case "resetState":
        if (isRecurrent(node)) this.#resetMoments(observation, node);
        break;
    }
  }

  #output({ index, node, data, rows, cols, batch, masked }: Observation): void {
    const state = this.#states[index];
    if (index === 0) this.#windowsSeen += batch;
    // Behind a mask that only flags, the mask value still stands in the rows: it must not set their range.
    if (masked === null || node.op !== "mask") state.ranges.output.add(data);
    else {
      masked.forEach((flag, row) => {
        if (flag === 0) state.ranges.output.add(data, row * cols, (row + 1) * cols);
      });
    }
    if (this.withMoments && this.#feedsMatrix[index] === 1) state.rows = { data: data.slice(), rows, cols };
    if (!this.withMoments) return;
    const input = this.#states[node.inputs[0]]?.rows;
    if (input === undefined) return;
    if (node.op === "dense" && input.cols <= WIDEST_MOMENTS) {
      const collector = (state.moments ??= new MomentCollector(input.cols));
      const stride = this.#stride(input.rows, input.cols);
      for (let i = this.#windowsSeen % stride; i < input.rows * batch; i += stride) {
        collector.add(input.data, i * input.cols, input.cols);
      }
    } else if (node.op === "conv1d") {
      this.#convMoments(node, state, input, batch);
    }
  }

  /** Every so many rows, so that all windows together give about MOMENT_SAMPLES. */
  #stride(rows: number, columns: number): number {
    const samples = Math.max(MOMENT_SAMPLES, MOMENT_MACS / (columns * columns));
    return Math.max(1, Math.floor((rows * this.windows.length) / samples));
  }

  #convMoments(node: Conv1dNode, state: NodeState, input: NonNullable<NodeState["rows"]>, batch: number): void {
    const [taps, channels] = node.weights.shape;
    if (taps * channels > WIDEST_MOMENTS) return;
    const { padLeft, rowsOut } = planWindowing(node.name, { ...node, taps }, input.rows);
    const collector = (state.moments ??= new MomentCollector(taps * channels));
    const window = new Float64Array(taps * channels);
    const count = rowsOut ?? 0;
    const stride = this.#stride(count, taps * channels);
    for (let i = this.#windowsSeen % stride; i < count * batch; i += stride) {
      const b = Math.floor(i / count);
      for (let tap = 0; tap < taps; tap++) {
        const row = (i % count) * node.stride - padLeft + tap * node.dilation;
        const at = (b * input.rows + row) * channels;
        if (row < 0 || row >= input.rows) window.fill(0, tap * channels, (tap + 1) * channels);
        else window.set(input.data.subarray(at, at + channels), tap * channels);
      }
      collector.add(window, 0, window.length);
    }
  }

  #gatePre({ node, index, data, cols }: Observation, size: number): void {
    const { ranges } = this.#states[index];
    if (!isRecurrent(node)) return;
    const candidate = candidateGate(node) * size;
    const wantsPre = needsPre(node.activation.kind);
    const wantsGates = node.op !== "rnn" && needsPre(node.recurrentActivation.kind);
    if (!wantsPre && !wantsGates) return;
    for (let at = 0; at < data.length; at += cols) {
      if (wantsPre) ranges.pre.add(data, at + candidate, at + candidate + size);
      if (wantsGates) ranges.gates.add(data, at, at + candidate);
      if (wantsGates && node.op === "lstm") ranges.gates.add(data, at + 3 * size, at + 4 * size);
    }
  }

  /** Samples [x of step t; h before step t] of unmasked steps. */
  #recurrentMoments(observation: Observation, node: RecurrentNode): void {
    const input = this.#states[node.inputs[0]].rows;
    if (!this.withMoments || input === undefined) return;
    const { data, rows, batch, masked, index } = observation;
    const size = node.hiddenSize;
    const collector = (this.#states[index].moments ??= new MomentCollector(input.cols + size));
    const start = new Float64Array(size);
    this.#eachStep(batch, rows, collector.columns, masked, (t, at) => {
      if (t === 0) collector.add(input.data, at * input.cols, input.cols, start);
      else collector.add(input.data, at * input.cols, input.cols, data, (at - 1) * size);
    });
  }

  #resetMoments({ data, rows, batch, masked, index }: Observation, node: RecurrentNode): void {
    const input = this.#states[node.inputs[0]].rows;
    if (!this.withMoments || input === undefined) return;
    const collector = (this.#states[index].resetMoments ??= new MomentCollector(input.cols + node.hiddenSize));
    this.#eachStep(batch, rows, collector.columns, masked, (_, at) => {
      collector.add(input.data, at * input.cols, input.cols, data, at * node.hiddenSize);
    });
  }

  #eachStep(
    batch: number,
    rows: number,
    columns: number,
    masked: Uint8Array | null,
    visit: (t: number, at: number) => void,
  ): void {
    const stride = this.#stride(rows, columns);
    for (let b = 0; b < batch; b++) {
      for (let t = (b * 7 + this.#windowsSeen) % stride; t < rows; t += stride) {
        const at = b * rows + t;
        if (masked === null || masked[at] === 0) visit(t, at);
      }
    }
  }

  finish(): NodeStats[] {
    return this.#states.map(({ ranges, moments, resetMoments }) => {
      this.samples = Math.max(this.samples, moments?.samples ?? 0);
      const main = moments?.finish();
      const reset = resetMoments?.finish();
      return { ...ranges, ...(main ? { moments: main } : {}), ...(reset ? { resetMoments: reset } : {}) };
    });
  }
}

/** Place of the candidate among the gates of a recurrent node. */
const CANDIDATES = { rnn: 0, lstm: 2, gru: 2, minimalGru: 1, fastGrnn: 0 } as const;
export type RecurrentNode = Extract<GraphNode, { op: keyof typeof CANDIDATES }>;

export function isRecurrent(node: GraphNode): node is RecurrentNode {
  return Object.hasOwn(CANDIDATES, node.op);
}

const candidateGate = (node: RecurrentNode): number => CANDIDATES[node.op];

/** Nodes whose weights are rounded with error compensation. */
export function hasMatrix(node: GraphNode): boolean {
  return isRecurrent(node) || node.op === "dense" || node.op === "conv1d";
}

/** Activations whose table or scale depends on the range of their argument. */
function needsPre(kind: string): boolean {
  return !["tanh", "sigmoid", "hardSigmoid", "hardSigmoidKeras3", "linear"].includes(kind);
}
