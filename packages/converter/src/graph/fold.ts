import { pruneGraph } from "./builder.js";
import type { AffineNode, Conv1dNode, DenseNode, DepthwiseConv1dNode, FloatTensor, Graph, GraphNode } from "./types.js";

/** x * scale + offset per channel, what the network's input goes through before anything else. */
export interface InputNormalization {
  readonly scale: Float32Array;
  readonly offset: Float32Array;
}

export interface FoldedGraph {
  readonly graph: Graph;
  /** The affine node that stood directly behind the input and is no longer in the graph; null where there was none. */
  readonly inputNormalization: InputNormalization | null;
}

type LinearNode = DenseNode | Conv1dNode | DepthwiseConv1dNode;

/**
 * Exact folds, until none is left:
 * - activation nodes merge into a linear dense or convolution before them,
 * - affine nodes (BatchNormalization and its kin) join, then merge into a linear dense or convolution before them, or
 *   into the weights of all dense, convolution and recurrent nodes behind them (through reverse, flatten and average
 *   nodes; where padding follows, only with zero offset),
 * - an affine node directly behind the input, read by nothing else, is taken out and reported; where it cannot be
 *   taken out (behind a mask, beside a branch) it stays a node and is not moved into weights,
 * - nodes that change nothing vanish.
 * The folded graph computes the same within float32 rounding of the folded weights. `graph` is not changed.
 */
export function foldGraph(graph: Graph): FoldedGraph {
  const folding = new Folding(graph);
  const inputNormalization = folding.run();
  return { graph: folding.result(), inputNormalization };
}

class Folding {
  readonly #nodes: GraphNode[];
  #output: number;

  constructor(readonly graph: Graph) {
    this.#nodes = [...graph.nodes];
    this.#output = graph.output;
  }

  result(): Graph {
    return pruneGraph({ ...this.graph, nodes: this.#nodes, output: this.#output });
  }

  run(): InputNormalization | null {
    let changed = true;
    while (changed) {
      changed = false;
      for (let index = 1; index < this.#nodes.length; index++) changed = this.#step(index) || changed;
    }
    return this.#takeInputNormalization();
  }

  /** Tries every fold on one node. */
  #step(index: number): boolean {
    const node = this.#nodes[index];
    if (this.#consumers(index).length === 0 && index !== this.#output) return false;
    if (isNothing(node, this.#nodes[node.inputs[0]])) return this.#remove(index);
    if (node.op === "activation") return this.#activationBackward(index);
    if (node.op !== "affine") return false;
    return this.#affineBackward(node, index) || (!this.#normalizesInput(node) && this.#affineForward(node, index));
  }

  #consumers(index: number): number[] {
    const found: number[] = [];
    this.#nodes.forEach((node, user) => {
      if (node.inputs.includes(index)) found.push(user);
    });
    return found;
  }

  /** True where `index` is read by one node only and is not the output itself. */
  #isPrivate(index: number): boolean {
    return index !== this.#output && this.#consumers(index).length === 1;
  }

  /** Takes a node out: what read it reads its input. */
  #remove(index: number): true {
    const [input] = this.#nodes[index].inputs;
    for (const user of this.#consumers(index)) {
      const node = this.#nodes[user];
      this.#nodes[user] = { ...node, inputs: node.inputs.map((from) => (from === index ? input : from)) };
    }
    if (this.#output === index) this.#output = input;
    this.#nodes[index] = { ...this.#nodes[index], inputs: [] };
    return true;
  }

  #activationBackward(index: number): boolean {
    const node = this.#nodes[index];
    const before = node.inputs[0];
    const producer = this.#nodes[before];
    if (node.op !== "activation" || !isLinear(producer) || !this.#isPrivate(before)) return false;
    this.#nodes[before] = { ...producer, activation: node.activation };
    return this.#remove(index);
  }

  #affineBackward(node: AffineNode, index: number): boolean {
    const before = node.inputs[0];
    const producer = this.#nodes[before];
    if (!this.#isPrivate(before)) return false;
    if (producer.op === "affine") this.#nodes[before] = compose(producer, node);
    else if (isLinear(producer)) this.#nodes[before] = scaleOutputs(producer, node);
    else return false;
    return this.#remove(index);
  }

  #affineForward(node: AffineNode, index: number): boolean {
    if (index === this.#output) return false;
    const folded = new Map<number, GraphNode>();
    for (const user of this.#consumers(index)) {
      if (!this.#absorb(user, node, folded)) return false;
    }
    for (const [user, replacement] of folded) this.#nodes[user] = replacement;
    return this.#remove(index);
  }

  /** Notes in `folded` the weights that take up `affine` for one consumer; false where it cannot. */
  #absorb(user: number, affine: Channels, folded: Map<number, GraphNode>): boolean {
    const node = this.#nodes[user];
    if (new Set(node.inputs).size !== 1 || folded.has(user)) return false;
    const through = carry(node, affine);
    if (through !== undefined) {
      if (user === this.#output) return false;
      return this.#consumers(user).every((next) => this.#absorb(next, through, folded));
    }
    const replacement = absorbInputs(node, affine);
    if (replacement !== undefined) folded.set(user, replacement);
    return replacement !== undefined;
  }

  /** Features of very different size would spoil the row scales of the weights: such an affine node stays apart. */
  #normalizesInput(node: AffineNode): boolean {
    let from = node.inputs[0];
    while (this.#nodes[from].op === "mask") [from] = this.#nodes[from].inputs;
    return from === 0;
  }

  #takeInputNormalization(): InputNormalization | null {
    const [first, ...others] = this.#consumers(0);
    const node = this.#nodes[first];
    if (node?.op !== "affine" || others.length > 0 || this.#output === 0) return null;
    this.#remove(first);
    return { scale: node.scale.data, offset: node.offset.data };
  }
}

/** Per-channel factors and summands on their way to a node that takes them up. */
interface Channels {
  readonly scale: FloatTensor;
  readonly offset: FloatTensor;
}

function isNothing(node: GraphNode, input: GraphNode | undefined): boolean {
  if (input === undefined) return false;
  if (node.op === "activation") return node.activation.kind === "linear";
  if (node.op === "affine") return node.scale.data.every((x) => x === 1) && node.offset.data.every((x) => x === 0);
  if (node.op !== "reshape") return false;
  const { sequence, rows, cols } = node.shape;
  return input.shape.sequence === sequence && input.shape.rows === rows && input.shape.cols === cols;
}

function isLinear(node: GraphNode): node is LinearNode {
  if (node.op !== "dense" && node.op !== "conv1d" && node.op !== "depthwiseConv1d") return false;
  return node.activation.kind === "linear";
}

function map(tensor: FloatTensor, value: (value: number, index: number) => number): FloatTensor {
  return { shape: tensor.shape, data: Float32Array.from(tensor.data, value) };
}

function compose(first: AffineNode, second: AffineNode): AffineNode {
  return {
    ...first,
    scale: map(first.scale, (value, col) => value * second.scale.data[col]),
    offset: map(first.offset, (value, col) => value * second.scale.data[col] + second.offset.data[col]),
  };
}

function scaleOutputs(node: LinearNode, { scale, offset }: Channels): LinearNode {
  const cols = scale.data.length;
  return {
    ...node,
    // The last axis of every kernel, or the last two of a depthwise one, run over the outputs.
    weights: map(node.weights, (value, index) => value * scale.data[index % cols]),
    bias: map(node.bias, (value, col) => value * scale.data[col] + offset.data[col]),
  };
}

/** The channels' factors behind a node that lets them through unchanged or repeated; undefined where it does not. */
function carry(node: GraphNode, channels: Channels): Channels | undefined {
  if (node.op === "reverse") return channels;
  if ((node.op === "pool" || node.op === "globalPool") && node.mode === "average") return channels;
  if (node.op !== "reshape" || node.shape.sequence) return undefined;
  const { cols } = node.shape;
  const repeat = ({ data }: FloatTensor): FloatTensor => ({
    shape: [cols],
    data: Float32Array.from({ length: cols }, (_, index) => data[index % data.length]),
  });
  return { scale: repeat(channels.scale), offset: repeat(channels.offset) };
}

/** The node with factors on its inputs moved into its weights and bias; undefined where that is not exact. */
function absorbInputs(node: GraphNode, { scale, offset }: Channels): GraphNode | undefined {
  const inputs = scale.data.length;
  switch (node.op) {
    case "dense":
    case "conv1d": {
      if (node.op === "conv1d" && node.padding !== "valid" && offset.data.some((value) => value !== 0))
        return undefined;
      return { ...node, ...scaleInputs(node.weights, node.bias, scale.data, offset.data) };
    }
    case "rnn":
    case "lstm":
    case "gru":
    case "minimalGru":
    case "fastGrnn": {
      const { weights, bias } = scaleInputs(node.inputWeights, node.bias, scale.data, offset.data);
      return { ...node, inputWeights: weights, bias };
    }
    case "depthwiseConv1d": {
      if (node.padding !== "valid" && offset.data.some((value) => value !== 0)) return undefined;
      const cols = inputs * node.depthMultiplier;
      const channel = (index: number) => Math.floor((index % cols) / node.depthMultiplier);
      const sums = Float64Array.from(node.bias.data);
      node.weights.data.forEach((value, index) => {
        sums[index % cols] += value * offset.data[channel(index)];
      });
      return {
        ...node,
        weights: map(node.weights, (value, index) => value * scale.data[channel(index)]),
        bias: { shape: node.bias.shape, data: Float32Array.from(sums) },
      };
    }
    default:
      return undefined;
  }
}

/** Weights [..., inputs, cols]: each input's row times its factor; the summands go into the bias. */
function scaleInputs(
  weights: FloatTensor,
  bias: FloatTensor,
  scale: Float32Array,
  offset: Float32Array,
): { weights: FloatTensor; bias: FloatTensor } {
  const cols = bias.data.length;
  const input = (index: number) => Math.floor(index / cols) % scale.length;
  const sums = Float64Array.from(bias.data);
  weights.data.forEach((value, index) => {
    sums[index % cols] += value * offset[input(index)];
  });
  return {
    weights: map(weights, (value, index) => value * scale[input(index)]),
    bias: { shape: bias.shape, data: Float32Array.from(sums) },
  };
}
