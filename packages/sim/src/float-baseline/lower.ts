import { activationWords } from "./activation.js";
import {
  FloatBaselineError,
  type FloatBaselineGraph,
  type FloatBaselineNode,
  type FloatBaselineTensor,
} from "./graph.js";
import { FLOAT } from "./map.js";
import { type FloatProgram, ProgramWriter, type RecordWords } from "./program.js";

/** Rows of a node and the buffer that holds them. */
interface Flow {
  readonly buffer: number;
  readonly rows: number;
  readonly cols: number;
}

/**
 * Writes the flat image that the baseline firmware runs.
 * @param steps rows of a window of a graph whose time dimension is open; such a graph gives a row at every step
 * Throws FloatBaselineError naming the layer for an operation that the baseline does not cover.
 */
export function floatProgram(graph: FloatBaselineGraph, steps = graph.window ?? undefined): FloatProgram {
  const [input] = graph.nodes;
  if (steps === undefined) throw new FloatBaselineError("a graph with an open time dimension needs a number of steps");
  if (input.kind === "tokens") throw new FloatBaselineError("the float baseline takes no tokens");
  const lowering = new Lowering(graph, new ProgramWriter(), graph.window === null);
  return lowering.run(input.shape.rows ?? steps);
}

/** Weights [inputs, outputs] as [outputs][inputs]. */
function transposed({ data }: FloatBaselineTensor, outputs: number): Float32Array {
  const inputs = data.length / outputs;
  const result = new Float32Array(data.length);
  for (let i = 0; i < inputs; i++) for (let o = 0; o < outputs; o++) result[o * inputs + i] = data[i * outputs + o];
  return result;
}

const MERGES: Readonly<Record<string, number>> = {
  add: FLOAT.MERGE_ADD,
  average: FLOAT.MERGE_ADD,
  subtract: FLOAT.MERGE_SUBTRACT,
  multiply: FLOAT.MERGE_MULTIPLY,
  maximum: FLOAT.MERGE_MAXIMUM,
  minimum: FLOAT.MERGE_MINIMUM,
};

const CELLS = {
  rnn: { op: FLOAT.RNN, gates: 1 },
  lstm: { op: FLOAT.LSTM, gates: 4 },
  gru: { op: FLOAT.GRU, gates: 3 },
  minimalGru: { op: FLOAT.MINIMAL_GRU, gates: 2 },
  fastGrnn: { op: FLOAT.FASTGRNN, gates: 1 },
} as const;

class Lowering {
  readonly #flows: Flow[] = [];
  readonly #readers: number[];

  constructor(
    readonly graph: FloatBaselineGraph,
    readonly writer: ProgramWriter,
    /** Layers that return their last row give one at every step. */
    readonly everyStep: boolean,
  ) {
    this.#readers = graph.nodes.map((_, i) => graph.nodes.filter(({ inputs }) => inputs.includes(i)).length);
  }

  run(rows: number): FloatProgram {
    const { graph, writer } = this;
    const { cols } = graph.nodes[0].shape;
    this.#flows[0] = { buffer: writer.buffer(rows * cols), rows, cols };
    graph.nodes.forEach((node, index) => {
      if (index > 0) this.#flows[index] = this.#lower(node);
    });
    const [input, output] = [this.#flows[0], this.#flows[graph.output]];
    return writer.finish(input.buffer, output.buffer, rows * cols, output.rows * output.cols);
  }

  #lower(node: FloatBaselineNode): Flow {
    const from = this.#flows[node.inputs[0]];
    switch (node.op) {
      case "dense":
        return this.#emit(node, FLOAT.DENSE, from.rows, { ...this.#weights(node), ...this.#activation(node) });
      case "rnn":
      case "lstm":
      case "gru":
      case "minimalGru":
      case "fastGrnn":
        return this.#recurrent(node, from, CELLS[node.op]);
      case "conv1d":
        return this.#slide(node, FLOAT.CONV1D, node.weights!.shape[0], {
          ...this.#weights(node),
          ...this.#activation(node),
        });
      case "depthwiseConv1d":
        return this.#slide(node, FLOAT.DEPTHWISE, node.weights!.shape[0], {
          [FLOAT.W0_AT]: this.writer.constant(node.weights!.data),
          [FLOAT.B0_AT]: this.writer.constant(node.bias!.data),
          ...this.#activation(node),
        });
      case "pool":
        return this.#slide(node, FLOAT.POOL, node.size!, { [FLOAT.MODE_AT]: node.mode === "average" ? 1 : 0 });
      case "globalPool":
        if (this.everyStep) break;
        return this.#emit(node, FLOAT.GLOBAL_POOL, 1, { [FLOAT.MODE_AT]: node.mode === "average" ? 1 : 0 });
      case "affine":
        return this.#emit(node, FLOAT.AFFINE, from.rows, {
          [FLOAT.W0_AT]: this.writer.constant(node.scale!.data),
          [FLOAT.B0_AT]: this.writer.constant(node.offset!.data),
        });
      case "activation":
        return this.#emit(node, FLOAT.ACTIVATE, from.rows, this.#activation(node));
      case "softmax":
        return this.#emit(node, FLOAT.SOFTMAX, from.rows, {});
      case "reverse":
        return this.#emit(node, FLOAT.REVERSE, from.rows, {});
      case "repeat":
        return this.#emit(node, FLOAT.REPEAT, node.shape.rows!, {});
      case "reshape":
        return { buffer: from.buffer, rows: (from.rows * from.cols) / node.shape.cols, cols: node.shape.cols };
      case "merge":
        return this.#merge(node);
    }
    const stream = node.op === "globalPool" ? " of a stream" : "";
    throw new FloatBaselineError(`layer ${node.name}: the float baseline has no ${node.op}${stream}`);
  }

  #emit(node: FloatBaselineNode, op: number, rows: number, words: RecordWords): Flow {
    const from = this.#flows[node.inputs[0]];
    const { cols } = node.shape;
    // What maps each value to its own place needs no second buffer where nobody else reads the first.
    const inPlace = [FLOAT.AFFINE, FLOAT.ACTIVATE, FLOAT.SOFTMAX].includes(op as never) && this.#isOnlyReader(node);
    const flow = { buffer: inPlace ? from.buffer : this.writer.buffer(rows * cols), rows, cols };
    this.writer.record(node.name, { ...this.#shapes(op, from, flow), ...words });
    return flow;
  }

  #isOnlyReader({ inputs: [input] }: FloatBaselineNode): boolean {
    // A reshape's rows are those of its input.
    const { op } = this.graph.nodes[input];
    return op !== "input" && op !== "reshape" && this.#readers[input] === 1 && input !== this.graph.output;
  }

  #shapes(op: number, from: Flow, to: Flow): RecordWords {
    return {
      [FLOAT.OP_AT]: op,
      [FLOAT.INPUT_AT]: from.buffer,
      [FLOAT.OUTPUT_AT]: to.buffer,
      [FLOAT.ROWS_IN_AT]: from.rows,
      [FLOAT.COLS_IN_AT]: from.cols,
      [FLOAT.ROWS_OUT_AT]: to.rows,
      [FLOAT.COLS_OUT_AT]: to.cols,
    };
  }

  #weights(node: FloatBaselineNode): RecordWords {
    return {
      [FLOAT.W0_AT]: this.writer.constant(transposed(node.weights!, node.shape.cols)),
      [FLOAT.B0_AT]: this.writer.constant(node.bias!.data),
    };
  }

  #activation(node: FloatBaselineNode): RecordWords {
    return activationWords(node.activation!, FLOAT.ACTIVATION_AT, node.name);
  }

  #recurrent(node: FloatBaselineNode, from: Flow, { op, gates }: (typeof CELLS)[keyof typeof CELLS]): Flow {
    if (node.maskObey) throw new FloatBaselineError(`layer ${node.name}: the float baseline knows no masks`);
    const units = node.shape.cols;
    const gated = op !== FLOAT.RNN;
    const sequence = node.returnSequences || this.everyStep;
    const bias = Float32Array.from(node.bias!.data);
    const words: RecordWords = {
      [FLOAT.MODE_AT]: (sequence ? FLOAT.MODE_SEQUENCE : 0) | (node.resetAfter ? FLOAT.MODE_RESET_AFTER : 0),
      [FLOAT.SCRATCH_AT]: this.writer.buffer((gates + (gated ? 2 : 1)) * units),
      [FLOAT.W0_AT]: this.writer.constant(transposed(node.inputWeights!, gates * units)),
      [FLOAT.W1_AT]: this.writer.constant(transposed(node.recurrentWeights!, gates * units)),
      ...this.#activation(node),
      ...(gated ? activationWords(node.recurrentActivation!, FLOAT.GATE_AT, node.name) : {}),
    };
    if (node.resetAfter) {
      const recurrent = node.recurrentBias!.data;
      for (let i = 0; i < 2 * units; i++) bias[i] += recurrent[i];
      words[FLOAT.B1_AT] = this.writer.constant(recurrent.subarray(2 * units));
    }
    if (op === FLOAT.FASTGRNN) {
      words[FLOAT.B1_AT] = this.writer.constant(Float32Array.of(...node.gateOffset!.data, ...node.factors!.data));
    }
    words[FLOAT.B0_AT] = this.writer.constant(bias);
    return this.#emit(node, op, sequence ? from.rows : 1, words);
  }

  /** Convolutions and pools: rows and padding as Keras counts them. */
  #slide(node: FloatBaselineNode, op: number, taps: number, words: RecordWords): Flow {
    const { rows } = this.#flows[node.inputs[0]];
    const { dilation = 1, padding } = node;
    const stride = node.stride!;
    const span = (taps - 1) * dilation + 1;
    const total = Math.max(0, (Math.ceil(rows / stride) - 1) * stride + span - rows);
    const before = padding === "causal" ? span - 1 : padding === "same" ? Math.floor(total / 2) : 0;
    const padded = rows + before + (padding === "same" ? total - before : 0);
    const count = Math.max(0, Math.ceil((padded - span + 1) / stride));
    if (count === 0) throw new FloatBaselineError(`layer ${node.name}: ${rows} rows are less than its span of ${span}`);
    return this.#emit(node, op, count, {
      ...words,
      [FLOAT.SPAN_AT]: taps,
      [FLOAT.STRIDE_AT]: stride,
      [FLOAT.DILATION_AT]: dilation,
      [FLOAT.PAD_AT]: before,
    });
  }

  /** One record an input: the first is copied, each further one joins it. */
  #merge(node: FloatBaselineNode): Flow {
    const inputs = node.inputs.map((index) => this.#flows[index]);
    const [{ rows }] = inputs;
    const { cols } = node.shape;
    const to = { buffer: this.writer.buffer(rows * cols), rows, cols };
    let column = 0;
    inputs.forEach((from, i) => {
      const concat = node.mode === "concat";
      const mode = concat || i === 0 ? FLOAT.MERGE_COPY : MERGES[node.mode!];
      const words = { [FLOAT.MODE_AT]: mode, [FLOAT.PAD_AT]: concat ? column : 0 };
      this.writer.record(node.name, { ...this.#shapes(FLOAT.MERGE, from, to), ...words });
      column += from.cols;
    });
    if (node.mode === "average") {
      const scale = { [FLOAT.MODE_AT]: FLOAT.MERGE_SCALE, [FLOAT.ACTIVATION_AT + 1]: 1 / inputs.length };
      this.writer.record(node.name, { ...this.#shapes(FLOAT.MERGE, to, to), ...scale });
    }
    return to;
  }
}
