import type { Graph, GraphNode } from "../graph/types.js";
import { conv1dRunner, depthwiseRunner, poolRunner } from "./convolution.js";
import * as pointwise from "./pointwise.js";
import { recurrentRunner } from "./recurrent.js";
import type { NodeRunner, Observer, Rows, RunContext, Signal } from "./rows.js";

export interface FloatRunOptions {
  /** Sees every node's signals, batch by batch, in the order of the nodes. */
  readonly observe?: Observer;
  /** True: the argument of the last softmax or activation instead of the output itself. */
  readonly logits?: boolean;
  /** For open time dimensions: layers that return only their last row give one at every step, as a stream does. */
  readonly everyStep?: boolean;
}

/** Windows computed together: enough to use every weight several times, little enough to stay in the cache. */
const BATCH = 32;

/**
 * Runs a float graph: float32 weights, double arithmetic. Whole windows one by one or in batches, streams with kept
 * state. Agrees with tfjs `predict` within float32 rounding.
 * Cost of construction: a transposed double copy of all weights.
 */
export class FloatExecutor {
  readonly #runners: readonly NodeRunner[];
  /** Index of the last node that reads each node. */
  readonly #lastUse: Int32Array;

  constructor(readonly graph: Graph) {
    this.#runners = graph.nodes.map(runnerOf);
    this.#lastUse = new Int32Array(graph.nodes.length).fill(-1);
    graph.nodes.forEach((node, index) => {
      for (const input of node.inputs) this.#lastUse[input] = index;
    });
    this.#lastUse[graph.output] = graph.nodes.length;
  }

  /**
   * One window.
   * @param frames [steps * channels] row-major, or [steps] tokens; any number of steps where the time dimension is open
   * @returns [rows * cols] of the output node
   * Throws RangeError for a wrong length or a token outside the vocabulary.
   */
  run(frames: Float32Array, options: FloatRunOptions = {}): Float32Array {
    return this.runBatch([frames], options)[0];
  }

  /** Many windows of equal length; several times faster than one by one. Same contract as {@link run}. */
  runBatch(windows: readonly Float32Array[], options: FloatRunOptions = {}): Float32Array[] {
    const context = { observe: options.observe, kept: null, everyStep: options.everyStep === true };
    const outputs: Float32Array[] = [];
    for (let first = 0; first < windows.length; first += BATCH) {
      const chunk = windows.slice(first, first + BATCH);
      const rows = this.compute(this.#gather(chunk), context, options.logits === true);
      const size = rows.rows * rows.cols;
      chunk.forEach((_, window) => {
        outputs.push(Float32Array.from(rows.data.subarray(window * size, (window + 1) * size)));
      });
    }
    return outputs;
  }

  /** A stream with states of its own. Only for graphs with an open time dimension or, window by window, the others. */
  createStream(): FloatStream {
    return new FloatStream(this);
  }

  /** Runs all nodes over `input`. For callers that keep their own states (see {@link FloatStream}). */
  compute(input: Rows, context: RunContext, logits: boolean): Rows {
    const { nodes, output } = this.graph;
    const results: (Rows | undefined)[] = [];
    let argument: Rows | undefined;
    const observe: Observer = (observation) => {
      if (logits && observation.index === output && observation.signal === LOGIT_SIGNAL) {
        argument = { ...observation, data: observation.data.slice() };
      }
      context.observe?.(observation);
    };
    const inner = { ...context, observe: logits || context.observe ? observe : undefined };
    nodes.forEach((node, index) => {
      const inputs = node.inputs.map((from) => results[from] as Rows);
      const rows = index === 0 ? input : this.#runners[index](inputs, inner);
      results[index] = rows;
      context.observe?.({ index, node, signal: "output", ...rows });
      for (const from of node.inputs) if (this.#lastUse[from] <= index) results[from] = undefined;
    });
    return argument ?? (results[output] as Rows);
  }

  #gather(windows: readonly Float32Array[]): Rows {
    const { shape } = this.graph.nodes[0];
    const { cols } = shape;
    const rows = shape.rows ?? windows[0].length / cols;
    const data = new Float64Array(windows.length * rows * cols);
    windows.forEach((window, index) => {
      if (window.length !== rows * cols || rows < 1) {
        throw new RangeError(`window ${index} has ${window.length} values, expected ${rows} steps of ${cols}`);
      }
      data.set(window, index * rows * cols);
    });
    return { batch: windows.length, rows, cols, data, masked: null };
  }
}

const LOGIT_SIGNAL: Signal = "preActivation";

/** Feeds frames one by one or in pieces of any size; see {@link FloatExecutor.createStream}. */
export class FloatStream {
  readonly #executor: FloatExecutor;
  #kept = new Map<number, unknown>();
  #pending: number[] = [];

  constructor(executor: FloatExecutor) {
    this.#executor = executor;
  }

  /**
   * @param frames [steps * channels], any number of steps
   * @returns the output rows that these frames complete, [rows * cols]; a window model gives all rows of a window when
   *          the window is full and begins anew, a stream model never begins anew
   */
  push(frames: Float32Array, options: FloatRunOptions = {}): Float32Array {
    const { graph } = this.#executor;
    const { cols } = graph.nodes[0].shape;
    if (frames.length % cols !== 0) {
      throw new RangeError(`a frame has ${cols} values, got ${frames.length} values`);
    }
    if (graph.window !== null) return this.#pushWindow(frames, graph.window * cols, options);
    const input = { batch: 1, rows: frames.length / cols, cols, data: Float64Array.from(frames), masked: null };
    const context = { observe: options.observe, kept: this.#kept, everyStep: true };
    return Float32Array.from(this.#executor.compute(input, context, options.logits === true).data);
  }

  #pushWindow(frames: Float32Array, size: number, options: FloatRunOptions): Float32Array {
    this.#pending.push(...frames);
    const outputs: number[] = [];
    while (this.#pending.length >= size) {
      outputs.push(...this.#executor.run(Float32Array.from(this.#pending.splice(0, size)), options));
    }
    return Float32Array.from(outputs);
  }

  /** Forgets everything pushed so far. */
  reset(): void {
    this.#kept = new Map();
    this.#pending = [];
  }
}

function runnerOf(node: GraphNode, index: number): NodeRunner {
  switch (node.op) {
    case "input":
      return (inputs) => inputs[0];
    case "embedding":
      return pointwise.embeddingRunner(node);
    case "mask":
      return pointwise.maskRunner(node);
    case "rnn":
    case "lstm":
    case "gru":
    case "minimalGru":
    case "fastGrnn":
      return recurrentRunner(node, index);
    case "reverse":
      return pointwise.reverseRunner();
    case "dense":
      return pointwise.denseRunner(node, index);
    case "conv1d":
      return conv1dRunner(node, index);
    case "depthwiseConv1d":
      return depthwiseRunner(node, index);
    case "pool":
      return poolRunner(node, index);
    case "globalPool":
      return pointwise.globalPoolRunner(node);
    case "affine":
      return pointwise.affineRunner(node);
    case "activation":
      return pointwise.activationRunner(node, index);
    case "prelu":
      return pointwise.preluRunner(node);
    case "layerNorm":
      return pointwise.layerNormRunner(node);
    case "softmax":
      return pointwise.softmaxRunner(node, index);
    case "merge":
      return pointwise.mergeRunner(node, index);
    case "reshape":
      return ([input]) => ({
        ...input,
        rows: node.shape.rows ?? (input.rows * input.cols) / node.shape.cols,
        cols: node.shape.cols,
        masked: null,
      });
    case "repeat":
      return pointwise.repeatRunner(node);
  }
}
