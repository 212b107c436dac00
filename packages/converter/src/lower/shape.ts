import { LIMITS } from "../format/index.js";
import { QuantizeError } from "../quantize/errors.js";
import type { Lowering, NodeOf } from "./lowering.js";

function refuseStream(lowering: Lowering, index: number): void {
  const { name, layerClass } = lowering.graph.nodes[index];
  if (lowering.isStream) {
    throw new QuantizeError(
      `${name} (${layerClass}) needs the end of a window, which a stream model has not: give a window`,
    );
  }
}

export function lowerReverse(lowering: Lowering, index: number): void {
  refuseStream(lowering, index);
  const node = lowering.graph.nodes[index] as NodeOf<"reverse">;
  const source = lowering.signal(node.inputs[0]);
  const values = lowering.rowsOf(index) * node.shape.cols;
  if (values > LIMITS.reverseValues) {
    throw new QuantizeError(`${node.name} turns ${values} values round, the limit is ${LIMITS.reverseValues}`);
  }
  lowering.signals[index] = { ...source, record: lowering.emit(index, "REVERSE", {}) };
}

/** RESHAPE; nothing at all where rows stay as they are. */
export function lowerReshape(lowering: Lowering, index: number): void {
  const node = lowering.graph.nodes[index] as NodeOf<"reshape">;
  const source = lowering.signal(node.inputs[0]);
  const { fields } = lowering.records[source.record];
  if (fields.outputSize === node.shape.cols && fields.rowsOut === lowering.rowsOf(index)) {
    lowering.signals[index] = source;
    return;
  }
  refuseStream(lowering, index);
  const values = lowering.rowsOf(index) * node.shape.cols;
  if (values > LIMITS.reshapeValues) {
    throw new QuantizeError(`${node.name} reshapes ${values} values, the limit is ${LIMITS.reshapeValues}: pool first`);
  }
  lowering.signals[index] = { ...source, record: lowering.emit(index, "RESHAPE", {}) };
}

export function lowerRepeat(lowering: Lowering, index: number): void {
  refuseStream(lowering, index);
  const source = lowering.signal(lowering.graph.nodes[index].inputs[0]);
  lowering.signals[index] = { ...source, record: lowering.emit(index, "REPEAT", {}) };
}
