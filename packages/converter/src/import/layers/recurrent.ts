import type { FloatTensor } from "../../graph/types.js";
import { readPointwise } from "../activations.js";
import { LayerConfig } from "../config.js";
import { isObject } from "../json.js";
import { type LayerContext, type Lowering, type MaskTag, refuse, type Value } from "../layer-context.js";
import type { WeightAddress } from "../weight-store.js";

export type CellKind = "rnn" | "lstm" | "gru" | "minimalGru" | "fastGrnn";

const GATES: Readonly<Record<CellKind, number>> = { rnn: 1, lstm: 4, gru: 3, minimalGru: 2, fastGrnn: 1 };
const CELL_TOKENS: Readonly<Record<CellKind, string>> = {
  rnn: "simple_rnn_cell",
  lstm: "lstm_cell",
  gru: "gru_cell",
  minimalGru: "minimal_gru_cell",
  fastGrnn: "fast_grnn_cell",
};
const LAYER_KINDS: ReadonlyMap<unknown, CellKind> = new Map([
  ["SimpleRNN", "rnn"],
  ["LSTM", "lstm"],
  ["GRU", "gru"],
  // @gatelet/train's own layers; the first has GRU's weights.
  ["GateletGRU", "gru"],
  ["MinimalGRU", "minimalGru"],
  ["FastGRNN", "fastGrnn"],
]);
const OWN_CLASSES: ReadonlySet<string> = new Set(["GateletGRU", "MinimalGRU", "FastGRNN"]);
const CELL_KINDS: ReadonlyMap<unknown, CellKind> = new Map([
  ["SimpleRNNCell", "rnn"],
  ["LSTMCell", "lstm"],
  ["GRUCell", "gru"],
]);

/** How a recurrent layer walks its sequence; cells inside an RNN share the layer's. */
interface Walk {
  readonly returnSequences: boolean;
  readonly suffix: string;
}

/** One cell over a sequence, without regard to the direction. */
function lowerCell(cell: LayerContext, kind: CellKind, input: Value, walk: Walk, mask: MaskTag | undefined): Value {
  const { config, dialect } = cell;
  const hiddenSize = config.size("units");
  const width = GATES[kind] * hiddenSize;
  const useBias = config.flag("use_bias", true);
  const isLow = (key: string) => kind === "fastGrnn" && typeof config.values[key] === "number";
  const order = [
    "kernel",
    "recurrent_kernel",
    ...(useBias ? ["bias"] : []),
    ...(kind === "fastGrnn" ? ["zeta", "nu"] : []),
    ...(isLow("rank") ? ["kernel_right"] : []),
    ...(isLow("recurrent_rank") ? ["recurrent_kernel_right"] : []),
  ];
  const token = CELL_TOKENS[kind];
  const cellOrdinal = cell.session.cellsSeen.get(token) ?? 0;
  cell.session.cellsSeen.set(token, cellOrdinal + 1);
  const layer = cell.inner(config, { ...cell.address, cell: token, cellOrdinal });
  /** A matrix of low rank is stored as two. */
  const matrix = (name: string, rows: number, rankKey: string): FloatTensor => {
    if (!isLow(rankKey)) return layer.weight(order, name, [rows, width]);
    const rank = config.size(rankKey);
    return multiply(layer.weight(order, name, [rows, rank]), layer.weight(order, `${name}_right`, [rank, width]));
  };
  const common = {
    hiddenSize,
    inputWeights: matrix("kernel", input.shape.cols, "rank"),
    recurrentWeights: matrix("recurrent_kernel", hiddenSize, "recurrent_rank"),
    activation: readPointwise(config, "activation", "tanh", dialect),
    returnSequences: walk.returnSequences,
  };
  const shape = walk.returnSequences ? { cols: hiddenSize } : { sequence: false, rows: 1, cols: hiddenSize };
  const options = { suffix: walk.suffix, shape, mask: mask ?? ("drop" as const), obey: true };
  if (kind === "rnn") {
    const bias = layer.weightOr(useBias, order, "bias", [width]);
    return cell.add({ op: "rnn", ...common, bias }, [input], options);
  }
  const defaultGate = dialect === "tfjs" ? "hard_sigmoid" : "sigmoid";
  const recurrentActivation = readPointwise(config, "recurrent_activation", defaultGate, dialect);
  if (kind === "fastGrnn") {
    return cell.add(
      { op: kind, ...common, recurrentActivation, ...fastGrnnBiases(layer, order, hiddenSize) },
      [input],
      options,
    );
  }
  if (kind === "lstm" || kind === "minimalGru") {
    const bias = layer.weightOr(useBias, order, "bias", [width]);
    return cell.add({ op: kind, ...common, recurrentActivation, bias }, [input], options);
  }
  // Keras 3 means reset_after; an older file without the key is told by the shape of its bias.
  const stored = useBias ? layer.session.weights.find(layer.address, order, "bias") : undefined;
  const resetAfter = config.flag(
    "reset_after",
    stored === undefined ? dialect === "keras3" : stored.shape.length === 2,
  );
  const biases = gruBiases(layer, useBias, order, width, resetAfter);
  return cell.add({ op: "gru", ...common, recurrentActivation, resetAfter, ...biases }, [input], options);
}

/** Product of two matrices, summed in doubles. */
function multiply(left: FloatTensor, right: FloatTensor): FloatTensor {
  const [rows, inner] = left.shape;
  const cols = right.shape[1];
  const data = Float32Array.from({ length: rows * cols }, (_, at) => {
    const row = Math.floor(at / cols);
    let sum = 0;
    for (let i = 0; i < inner; i++) sum += left.data[row * inner + i] * right.data[i * cols + (at % cols)];
    return sum;
  });
  return { shape: [rows, cols], data };
}

/** Biases of candidate and gate, and the two factors, which are stored before their sigmoid. */
function fastGrnnBiases(layer: LayerContext, order: readonly string[], size: number) {
  const { data } = layer.weight(order, "bias", [2, size]);
  const bias: FloatTensor = { shape: [size], data: data.slice(0, size) };
  const gateOffset: FloatTensor = { shape: [size], data: bias.data.map((value, i) => data[size + i] - value) };
  const factors = ["zeta", "nu"].map((name) => 1 / (1 + Math.exp(-layer.weight(order, name, [1]).data[0])));
  return { bias, gateOffset, factors: { shape: [2], data: Float32Array.from(factors) } };
}

function gruBiases(
  layer: LayerContext,
  useBias: boolean,
  order: readonly string[],
  width: number,
  resetAfter: boolean,
): { bias: FloatTensor; recurrentBias: FloatTensor } {
  const shape = [width];
  if (!resetAfter) {
    return {
      bias: layer.weightOr(useBias, order, "bias", shape),
      recurrentBias: layer.weightOr(false, order, "bias", shape),
    };
  }
  const both = layer.weightOr(useBias, order, "bias", [2, width]).data;
  return {
    bias: { shape, data: both.slice(0, width) },
    recurrentBias: { shape, data: both.slice(width) },
  };
}

interface RecurrentOptions {
  readonly reverse: boolean;
  readonly returnSequences: boolean;
  readonly suffix: string;
  /** Masked rows of the output are zero in Keras. */
  readonly zeroed: boolean;
}

/** The cells of a recurrent layer, the first below, in the direction asked for. */
function lowerCells(
  layer: LayerContext,
  cells: readonly { readonly context: LayerContext; readonly kind: CellKind }[],
  input: Value,
  options: RecurrentOptions,
): Value {
  layer.requireSequence(input);
  let value = input;
  if (options.reverse) {
    layer.requireRows(value);
    value = layer.add({ op: "reverse" }, [value], { suffix: `${options.suffix}/reversed`, mask: "keep" });
  }
  cells.forEach(({ context, kind }, index) => {
    const last = index === cells.length - 1;
    const walk = {
      returnSequences: !last || options.returnSequences,
      suffix: options.suffix + (cells.length > 1 ? `/cell_${index}` : ""),
    };
    const mask = walk.returnSequences && input.mask ? { ...input.mask, zeroed: options.zeroed && last } : undefined;
    value = lowerCell(context, kind, value, walk, mask);
  });
  return value;
}

/** The cells a recurrent layer is made of, with where their weights are. */
function cellsOf(layer: LayerContext): { context: LayerContext; kind: CellKind }[] {
  const { config, address } = layer;
  const kind = LAYER_KINDS.get(config.className);
  if (kind !== undefined) {
    if (OWN_CLASSES.has(config.className) && layer.dialect !== "tfjs") {
      refuse(config, "it is known as @gatelet/train's layer in tfjs files; one of that name in Keras may be another");
    }
    const stores = address.stores.map((store) => [...store, "cell"]);
    return [{ context: layer.inner(config, { ...address, stores }), kind }];
  }
  const cell = config.object("cell");
  const cellConfig = isObject(cell["config"]) ? cell["config"] : {};
  const single = CELL_KINDS.get(cell["class_name"]);
  const cells =
    single !== undefined ? [cell] : cell["class_name"] === "StackedRNNCells" ? cellConfig["cells"] : undefined;
  if (!Array.isArray(cells) || cells.length === 0) {
    refuse(config, `its cell is a ${String(cell["class_name"])}; supported are ${[...CELL_KINDS.keys()].join(", ")}`);
  }
  const used = new Map<string, number>();
  return cells.map((value: unknown, index) => {
    const { class_name: className, config: values } = isObject(value) ? value : {};
    const cellKind = CELL_KINDS.get(className);
    if (cellKind === undefined || !isObject(values)) {
      refuse(config, `cell ${index} is a ${String(className)}; supported are ${[...CELL_KINDS.keys()].join(", ")}`);
    }
    const token = CELL_TOKENS[cellKind];
    const count = used.get(token) ?? 0;
    used.set(token, count + 1);
    const where = cellAddress(address, String(values["name"] ?? ""), `${token}${count > 0 ? `_${count}` : ""}`, {
      index,
      stacked: single === undefined,
    });
    const cellLayer = new LayerConfig(config.name, config.className, { ...values, name: config.name });
    return { context: layer.inner(cellLayer, where), kind: cellKind };
  });
}

function cellAddress(
  address: WeightAddress,
  name: string,
  storeName: string,
  place: { readonly index: number; readonly stacked: boolean },
): WeightAddress {
  const inner = place.stacked
    ? [[`stacked_rnn_cells`, name], [name], [`RNNCell_${place.index}`], [`rnn_cell_${place.index}`]]
    : [[name], []];
  const paths = address.paths.flatMap((path) => inner.map((tokens) => [...path, ...tokens]));
  const stores = address.stores.map((store) => [...store, "cell", ...(place.stacked ? ["cells", storeName] : [])]);
  return { ...address, paths, stores };
}

/** SimpleRNN, LSTM, GRU and RNN. */
export const lowerRecurrent: Lowering = (layer, inputs) => {
  const { config } = layer;
  if (inputs.length > 1 || layer.kwargs["initial_state"] !== undefined) {
    refuse(config, "it gets initial_state tensors; only states that begin at zero are run");
  }
  config.only("time_major", false, "store sequences batch first");
  const returnSequences = config.flag("return_sequences", false);
  const reverse = config.flag("go_backwards", false);
  const zeroed = layer.dialect !== "tfjs" && config.flag("zero_output_for_mask", false);
  const value = lowerCells(layer, cellsOf(layer), inputs[0], { reverse, returnSequences, suffix: "", zeroed });
  if (reverse && value.mask !== undefined) {
    const unclear = "in forward order with rows in backward order (go_backwards below it): use Bidirectional";
    return { ...value, mask: { ...value.mask, unclear } };
  }
  return value;
};

const MERGE_MODES = { concat: "concat", sum: "add", mul: "multiply", ave: "average" } as const;

function isMergeMode(value: unknown): value is keyof typeof MERGE_MODES {
  return typeof value === "string" && Object.hasOwn(MERGE_MODES, value);
}

/** The layer of one direction: its config, its weights' names in every writer's manner. */
function direction(layer: LayerContext, which: "forward" | "backward"): LayerContext {
  const { config, address } = layer;
  const own = which === "backward" && isObject(config.values["backward_layer"]);
  const inner = config.object(own ? "backward_layer" : "layer");
  const className = String(inner["class_name"]);
  const values = isObject(inner["config"]) ? inner["config"] : {};
  if (LAYER_KINDS.get(className) === undefined && className !== "RNN") {
    refuse(config, `it wraps a ${className}; supported are SimpleRNN, LSTM, GRU and RNN`);
  }
  const plain = String(values["name"] ?? "").replace(/^(forward|backward)_/, "");
  const names = [
    ...new Set([`${which}_${plain}`, String(own ? values["name"] : `${which}_${plain}`), `${which}_layer`]),
  ];
  const wrapped = address.paths.flatMap((path) => names.map((name) => [...path, name]));
  const paths = [...wrapped, ...names.slice(0, -1).map((name) => [name])];
  const stores = address.stores.map((store) => [...store, `${which}_layer`]);
  return layer.inner(new LayerConfig(config.name, className, values), { paths, stores });
}

/** Bidirectional: forward and reversed nodes, and a merge. */
export const lowerBidirectional: Lowering = (layer, inputs) => {
  const { config } = layer;
  if (inputs.length > 1 || layer.kwargs["initial_state"] !== undefined) {
    refuse(config, "it gets initial_state tensors; only states that begin at zero are run");
  }
  const mode = config.values["merge_mode"] === undefined ? "concat" : config.values["merge_mode"];
  if (!isMergeMode(mode)) {
    throw config.unsupported("merge_mode", "use concat, sum, mul or ave: two separate outputs are not run");
  }
  const forward = direction(layer, "forward");
  const backward = direction(layer, "backward");
  const returnSequences = forward.config.flag("return_sequences", false);
  const zeroed = layer.dialect !== "tfjs" && returnSequences;
  // A forward layer that goes backwards swaps the two directions.
  const swapped = forward.config.flag("go_backwards", false);
  const ways = [
    { context: forward, reverse: swapped, suffix: "/forward" },
    { context: backward, reverse: !swapped, suffix: "/backward" },
  ];
  const halves = ways.map(({ context, reverse, suffix }) => {
    const value = lowerCells(context, cellsOf(context), inputs[0], { reverse, returnSequences, suffix, zeroed });
    // Keras turns the rows of the backward layer round, whichever way it went.
    if (!returnSequences || suffix === "/forward") return value;
    return layer.add({ op: "reverse" }, [value], { suffix: `${suffix}/restored`, mask: "keep" });
  });
  const cols = mode === "concat" ? halves[0].shape.cols + halves[1].shape.cols : halves[0].shape.cols;
  return layer.add({ op: "merge", mode: MERGE_MODES[mode] }, halves, {
    shape: { cols },
    mask: halves[0].mask ?? "drop",
  });
};
