import { RECORD_BYTES } from "../format/index.js";
import type { RecordSpec } from "../format/spec.js";
import type { Lowering } from "../lower/lowering.js";
import type { LayerReport } from "./options.js";

/** Below this a layer's rows are more noise than a network can be expected to bear. */
const RUINED_DB = 10;

function recordBytes(record: RecordSpec): number {
  const tensors = [record.weights, record.rowParams, record.table, record.gateTable, record.aux];
  return tensors.reduce((sum, tensor) => sum + Math.ceil((tensor?.byteLength ?? 0) / 16) * 16, RECORD_BYTES);
}

/** One entry per record; SQNR goes to the last record of a node. */
export function layerReports(lowering: Lowering, sqnr: readonly number[]): LayerReport[] {
  const { graph, records, recordNodes, signals, matrices } = lowering;
  return records.map((record, index) => {
    const nodeIndex = recordNodes[index];
    const node = graph.nodes[nodeIndex];
    const isOwn = signals[nodeIndex]?.record === index;
    const ratio = sqnr[nodeIndex];
    const source = record.kernel === "FIFO" ? (record.fields.input0 ?? 0) : index;
    const scale = isOwn ? signals[nodeIndex]?.scale : signals[recordNodes[source]]?.scale;
    return {
      record: index,
      name: node.name,
      layerClass: node.layerClass,
      kernel: record.kernel,
      rows: record.fields.rowsOut ?? 0,
      cols: record.fields.outputSize ?? 0,
      scale: scale ?? 0,
      flashBytes: recordBytes(record),
      ...(isOwn ? matrices.get(nodeIndex) : {}),
      ...(isOwn && Number.isFinite(ratio) ? { sqnrDb: ratio } : {}),
    };
  });
}

/** Layers that lost much: rows made coarse for the overflow proof, rows full of noise. */
export function layerWarnings(layers: readonly LayerReport[]): string[] {
  return layers.flatMap((layer) => {
    const { name, bits, sqnrDb, raisedRows = 0, largestRaise = 1 } = layer;
    const warnings: string[] = [];
    if (raisedRows > 0 && largestRaise > 1.5) {
      warnings.push(
        `${raisedRows} rows of ${name} are up to ${largestRaise.toFixed(1)} times coarser, or a sum could overflow`,
      );
    }
    if (sqnrDb !== undefined && sqnrDb < RUINED_DB) {
      const help = bits === 4 ? ": keep it at 8 bits" : "";
      warnings.push(`${name} keeps ${sqnrDb.toFixed(1)} dB of its signal${bits ? ` at ${bits} bits` : ""}${help}`);
    }
    return warnings;
  });
}
