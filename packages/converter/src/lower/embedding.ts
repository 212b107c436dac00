import { FLAG, int16Bytes, LIMITS, packByteRows, pad16 } from "../format/index.js";
import { QuantizeError } from "../quantize/errors.js";
import type { Lowering, NodeOf } from "./lowering.js";

/**
 * EMBEDDING (KERNELS.md 33): int8 rows times an int16 multiplier per token, on one scale. Multipliers are at most 258, so
 * that the largest row just fits; a row's weights are rounded for its multiplier as it is, so only small rows lose anything.
 */
export function lowerEmbedding(lowering: Lowering, index: number): void {
  const node = lowering.graph.nodes[index] as NodeOf<"embedding">;
  const [vocabulary, cols] = node.table.shape;
  if (vocabulary > LIMITS.vocabulary) {
    throw new QuantizeError(`${node.name} has a vocabulary of ${vocabulary}, the limit is ${LIMITS.vocabulary}`);
  }
  const { data } = node.table;
  const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
  const scale = largest / 32766;
  const weights = new Int8Array(vocabulary * cols);
  const multipliers = new Int16Array(vocabulary);
  const real = new Float32Array(data.length);
  for (let token = 0; token < vocabulary; token++) {
    const from = token * cols;
    const row = data.subarray(from, from + cols);
    const most = row.reduce((value, entry) => Math.max(value, Math.abs(entry)), 0);
    const multiplier = Math.max(1, Math.ceil(most / 127 / scale - 1e-9));
    multipliers[token] = multiplier;
    for (let j = 0; j < cols; j++) {
      const q = Math.max(-127, Math.min(127, Math.round(row[j] / (multiplier * scale))));
      weights[from + j] = q;
      real[from + j] = q * multiplier * scale;
    }
  }
  const rows = lowering.graph.window ?? 0;
  const record = lowering.push(index, {
    kernel: "EMBEDDING",
    fields: {
      inputSize: 1,
      outputSize: cols,
      rowsIn: rows,
      rowsOut: rows,
      bits: 8,
      vocabulary,
      flags: node.maskZero && node.maskOut === true ? FLAG.MASK_SET : 0,
    },
    weights: packByteRows(weights, vocabulary, cols),
    aux: int16Bytes(multipliers, pad16(2 * vocabulary)),
  });
  lowering.signals[index] = { record, scale };
  lowering.simulated[index] = { node: { ...node, table: { shape: node.table.shape, data: real } } };
}
