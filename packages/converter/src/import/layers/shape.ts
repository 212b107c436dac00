import type { LayerContext, Lowering, Value } from "../layer-context.js";

/** Layers that do nothing at inference. */
export const lowerNothing: Lowering = (layer, inputs) => {
  layer.requireInputs(inputs, 1);
  return inputs[0];
};

function reshape(layer: LayerContext, input: Value, sequence: boolean, rows: number, cols: number): Value {
  const same = input.shape.sequence === sequence && input.shape.rows === rows && input.shape.cols === cols;
  return same ? layer.dropMask(input) : layer.add({ op: "reshape" }, [input], { shape: { sequence, rows, cols } });
}

export const lowerFlatten: Lowering = (layer, inputs) => {
  layer.requireInputs(inputs, 1);
  const input = inputs[0];
  layer.config.only("data_format", "channels_last", "store sequences as [steps, channels]");
  if (!input.shape.sequence) return input;
  return reshape(layer, input, false, 1, layer.requireRows(input) * input.shape.cols);
};

export const lowerReshape: Lowering = (layer, inputs) => {
  layer.requireInputs(inputs, 1);
  const { config } = layer;
  const input = inputs[0];
  const target = config.values["target_shape"];
  if (!Array.isArray(target) || target.length < 1 || target.length > 2 || !target.every(Number.isInteger)) {
    throw config.unsupported("target_shape", "one or two sizes are run: [values] or [steps, values]");
  }
  const sizes: number[] = target.map(Number);
  if (sizes.length === 2 && sizes[0] === -1 && input.shape.sequence && sizes[1] === input.shape.cols) {
    return layer.dropMask(input);
  }
  const total = layer.requireRows(input) * input.shape.cols;
  const known = sizes.reduce((product, size) => (size < 0 ? product : product * size), 1);
  const resolved = sizes.map((size) => (size < 0 ? total / known : size));
  const fits = resolved.every((size) => Number.isInteger(size) && size > 0);
  if (!fits || resolved.reduce((product, size) => product * size, 1) !== total) {
    throw config.unsupported("target_shape", `its input has ${total} values`);
  }
  return resolved.length === 1
    ? reshape(layer, input, false, 1, resolved[0])
    : reshape(layer, input, true, resolved[0], resolved[1]);
};

/** Permute where no value moves: one row, one column, or the identity. */
export const lowerPermute: Lowering = (layer, inputs) => {
  layer.requireInputs(inputs, 1);
  const { config } = layer;
  const input = inputs[0];
  const dims = config.values["dims"];
  const text = Array.isArray(dims) ? dims.join(",") : "";
  if (text === "1" || text === "1,2") return input;
  if (text !== "2,1") throw config.unsupported("dims", "an order of the two axes is needed: [1, 2] or [2, 1]");
  const rows = layer.requireRows(input);
  if (rows !== 1 && input.shape.cols !== 1) {
    throw config.unsupported("dims", "swapping steps and channels is not run; store the sequences the other way round");
  }
  return reshape(layer, input, true, input.shape.cols, rows);
};

export const lowerRepeat: Lowering = (layer, inputs) => {
  layer.requireInputs(inputs, 1);
  const { config } = layer;
  const input = inputs[0];
  if (input.shape.sequence) throw config.error("SHAPE_UNSUPPORTED", "needs a vector, its input is a sequence");
  const rows = config.size("n");
  const graphInput = layer.session.builder.nodes[0];
  if (graphInput.shape.rows === null) layer.requireRows({ ...input, shape: graphInput.shape });
  const value = layer.add({ op: "repeat" }, [input], { shape: { sequence: true, rows } });
  return { ...value, probes: value.probes.map(() => rows) };
};
