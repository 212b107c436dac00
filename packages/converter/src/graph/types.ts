/**
 * The float graph between the importers and the quantizer: small, typed, plain data.
 *
 * Importers lower everything they read to these nodes: a Bidirectional layer becomes two recurrent nodes, `reverse`
 * nodes and a merge; StackedRNNCells become a stack of recurrent nodes; SeparableConv1D becomes a depthwise and a
 * pointwise convolution; dropouts and noise vanish; a layer's own activation stays in its node where the node has an
 * `activation`, otherwise it follows as an `activation` node.
 *
 * Every tensor that flows is either a *sequence* (rows over time, `rows` of them, null when the time dimension is open)
 * or a *vector* (`rows` = 1, `sequence` false). `cols` is the number of values in a row. The batch dimension is gone.
 */

/** Row-major float tensor. */
export interface FloatTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export type Padding = "valid" | "same" | "causal";

/**
 * Pointwise activation. `hardSigmoid` is clip(0.2 x + 0.5, 0, 1) (tfjs, Keras 2); `hardSigmoidKeras3` is
 * relu6(x + 3) / 6. `relu` clips at `max` where it is given (ReLU6), has slope `negativeSlope` below `threshold`.
 */
export type Activation =
  | { readonly kind: "linear" | "tanh" | "sigmoid" | "hardSigmoid" | "hardSigmoidKeras3" | "softplus" | "softsign" }
  | { readonly kind: "exponential" | "swish" | "gelu" | "geluTanh" | "mish" | "selu" | "hardTanh" | "hardSwish" }
  | { readonly kind: "relu"; readonly max?: number; readonly threshold?: number; readonly negativeSlope?: number }
  | { readonly kind: "leakyRelu" | "elu"; readonly alpha: number };

/** Shape of the rows that leave a node. */
export interface RowShape {
  readonly sequence: boolean;
  /** Number of rows in a window; 1 for a vector; null while the time dimension is open. */
  readonly rows: number | null;
  readonly cols: number;
}

interface NodeBase {
  /** Name of the layer it comes from (unique; lowered parts get a suffix such as `/forward`). */
  readonly name: string;
  /** Class of the layer it comes from, e.g. `LSTM`: for messages and tables. */
  readonly layerClass: string;
  /** Indices into `Graph.nodes`, all smaller than the node's own index. */
  readonly inputs: readonly number[];
  readonly shape: RowShape;
  /**
   * Whether this node's rows carry a mask flag, and whether it obeys one: a recurrent node that obeys skips masked
   * steps (state and last output stay), a global average counts unmasked rows only.
   */
  readonly maskOut?: boolean;
  readonly maskObey?: boolean;
}

export interface InputNode extends NodeBase {
  readonly op: "input";
  /** `tokens`: one integer a step, fed to an embedding. */
  readonly kind: "frames" | "tokens";
}
export interface EmbeddingNode extends NodeBase {
  readonly op: "embedding";
  readonly table: FloatTensor; // [vocabulary, cols]
  readonly maskZero: boolean;
}
/** A row whose values all equal `value` is masked and set to zero (`zero` false: flagged only, as Keras 3 functional masks do). */
export interface MaskNode extends NodeBase {
  readonly op: "mask";
  readonly value: number;
  readonly zero: boolean;
  /** `any`: masked where any value equals; `all` (Keras Masking): where all do. */
  readonly when: "all" | "any";
}
interface RecurrentBase extends NodeBase {
  readonly hiddenSize: number;
  readonly inputWeights: FloatTensor; // [inputSize, gates * hiddenSize], gate order of Keras
  readonly recurrentWeights: FloatTensor; // [hiddenSize, gates * hiddenSize]
  readonly bias: FloatTensor; // [gates * hiddenSize]; zeros where the layer has none
  readonly activation: Activation;
  /** false: only the row after the last step leaves (in a stream model: one row a step). */
  readonly returnSequences: boolean;
}
export interface RnnNode extends RecurrentBase {
  readonly op: "rnn";
}
/** Gates i, f, c, o. */
export interface LstmNode extends RecurrentBase {
  readonly op: "lstm";
  readonly recurrentActivation: Activation;
}
/** Gates z, r, h. */
export interface GruNode extends RecurrentBase {
  readonly op: "gru";
  readonly recurrentActivation: Activation;
  readonly resetAfter: boolean;
  /** [3 * hiddenSize]; zeros unless resetAfter. */
  readonly recurrentBias: FloatTensor;
}
/** Gates f, h: minimal gated unit, whose one gate is reset and update gate of a GRU (Zhou et al. 2016). */
export interface MinimalGruNode extends RecurrentBase {
  readonly op: "minimalGru";
  readonly recurrentActivation: Activation;
}
/**
 * FastGRNN (Kusupati et al. 2018): gate and candidate share one matrix. z = gate(p + gateOffset), g = activation(p) with
 * p = x W + h U + bias; h' = (zeta (1 - z) + nu) g + z h.
 */
export interface FastGrnnNode extends RecurrentBase {
  readonly op: "fastGrnn";
  readonly recurrentActivation: Activation;
  readonly gateOffset: FloatTensor; // [hiddenSize]: bias of the gate less that of the candidate
  readonly factors: FloatTensor; // [2]: zeta, nu
}
/** Rows of a window in reverse order; the first leaves when the last has come. */
export interface ReverseNode extends NodeBase {
  readonly op: "reverse";
}
export interface DenseNode extends NodeBase {
  readonly op: "dense";
  readonly weights: FloatTensor; // [inputSize, cols]
  readonly bias: FloatTensor; // [cols]
  readonly activation: Activation;
}
export interface Conv1dNode extends NodeBase {
  readonly op: "conv1d";
  readonly weights: FloatTensor; // [taps, inputSize, cols]
  readonly bias: FloatTensor; // [cols]
  readonly stride: number;
  readonly dilation: number;
  readonly padding: Padding;
  readonly activation: Activation;
}
export interface DepthwiseConv1dNode extends NodeBase {
  readonly op: "depthwiseConv1d";
  readonly weights: FloatTensor; // [taps, inputSize, depthMultiplier]; output channel = input * depthMultiplier + m
  readonly bias: FloatTensor; // [cols]
  readonly depthMultiplier: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padding: Padding;
  readonly activation: Activation;
}
export interface PoolNode extends NodeBase {
  readonly op: "pool";
  readonly mode: "max" | "average";
  readonly size: number;
  readonly stride: number;
  readonly padding: "valid" | "same";
}
export interface GlobalPoolNode extends NodeBase {
  readonly op: "globalPool";
  readonly mode: "max" | "average";
}
/** y = x * scale + offset per channel: BatchNormalization at inference, Normalization, Rescaling. */
export interface AffineNode extends NodeBase {
  readonly op: "affine";
  readonly scale: FloatTensor; // [cols]
  readonly offset: FloatTensor; // [cols]
}
export interface ActivationNode extends NodeBase {
  readonly op: "activation";
  readonly activation: Activation;
}
export interface PreluNode extends NodeBase {
  readonly op: "prelu";
  readonly alpha: FloatTensor; // [cols] (shared over time)
}
export interface LayerNormNode extends NodeBase {
  readonly op: "layerNorm";
  readonly gamma: FloatTensor; // [cols]
  readonly beta: FloatTensor; // [cols]
  readonly epsilon: number;
}
export interface SoftmaxNode extends NodeBase {
  readonly op: "softmax";
}
/** Rows of all inputs, one by one. */
export interface MergeNode extends NodeBase {
  readonly op: "merge";
  readonly mode: "concat" | "add" | "subtract" | "multiply" | "average" | "maximum" | "minimum";
}
/** Same values in row-major order, new rows and cols (Flatten: one row). */
export interface ReshapeNode extends NodeBase {
  readonly op: "reshape";
}
/** RepeatVector: the one row again and again, `shape.rows` times. */
export interface RepeatNode extends NodeBase {
  readonly op: "repeat";
}

export type GraphNode =
  | InputNode
  | EmbeddingNode
  | MaskNode
  | RnnNode
  | LstmNode
  | GruNode
  | MinimalGruNode
  | FastGrnnNode
  | ReverseNode
  | DenseNode
  | Conv1dNode
  | DepthwiseConv1dNode
  | PoolNode
  | GlobalPoolNode
  | AffineNode
  | ActivationNode
  | PreluNode
  | LayerNormNode
  | SoftmaxNode
  | MergeNode
  | ReshapeNode
  | RepeatNode;

export interface Graph {
  readonly name: string;
  /** Topological order; nodes[0] is the only input. */
  readonly nodes: readonly GraphNode[];
  /** Index of the node whose rows are the model's output. */
  readonly output: number;
  /** Steps of a window, or null: a stream model, whose time dimension is open. */
  readonly window: number | null;
  /** True for `stateful: true` models: a stream model whatever their batch shape says. */
  readonly stateful: boolean;
  /** What wrote the file, for the report: e.g. `keras 3.8 via tensorflowjs 4.22`. */
  readonly provenance: string;
}
