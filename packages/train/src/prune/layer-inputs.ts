import type { LayersModel, SymbolicTensor, Tensor } from "@tensorflow/tfjs";
import type { Tf } from "../tf/load-tf.js";
import type { TrainingSet } from "../training/training-set.js";

/** Rows of each layer that are looked at. */
const ROWS = 512;
const WINDOWS = 128;

/**
 * Rows that come into each layer of a sequential model, [count, size], by place among the layers that are no input layer:
 * up to 512 of them, from windows spread over `set`.
 */
export function layerInputs(tf: Tf, model: LayersModel, set: TrainingSet): Map<number, Float32Array> {
  const size = set.inputs.length / set.count;
  const count = Math.min(WINDOWS, set.count);
  const windows = new Float32Array(count * size);
  for (let n = 0; n < count; n++) {
    const at = Math.floor((n * set.count) / count) * size;
    windows.set(set.inputs.subarray(at, at + size), n * size);
  }
  const own = model.layers.filter((layer) => layer.getClassName() !== "InputLayer");
  const found = new Map<number, Float32Array>();
  tf.tidy(() => {
    const x = tf.tensor(windows, [count, ...set.shape]);
    // Outputs of all layers but the last are the inputs of the next.
    const outputs = own.slice(0, -1).map((layer) => layer.output as SymbolicTensor);
    const behind =
      outputs.length === 0 ? [] : [tf.model({ inputs: model.inputs, outputs }).predict(x, { batchSize: count })].flat();
    [x, ...behind].forEach((tensor, place) => {
      found.set(place, someRows(tensor));
    });
  });
  return found;
}

function someRows(tensor: Tensor): Float32Array {
  const width = tensor.shape[tensor.shape.length - 1];
  const data = tensor.dataSync() as Float32Array;
  const rows = data.length / width;
  const count = Math.min(ROWS, rows);
  const result = new Float32Array(count * width);
  for (let n = 0; n < count; n++) {
    const at = Math.floor((n * rows) / count) * width;
    result.set(data.subarray(at, at + width), n * width);
  }
  return result;
}
