/**
 * Makes a graph of one frame, its state passed in and out, from an .onnx file of whole windows: the recurrent nodes get the
 * optional inputs initial_h and initial_c, their last states become outputs of the graph, the window becomes one frame long.
 * Weights and everything else stay as they are. Only as much of protobuf as this needs.
 */

interface Field {
  readonly number: number;
  /** Value of a varint; 0 for other wire types. */
  readonly value: number;
  /** Content of a length-delimited field; empty for other wire types. */
  readonly content: Uint8Array;
  /** The whole field with its tag. */
  readonly raw: Uint8Array;
}

const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
const WIRE_BYTES = 2;
const WIRE_FIXED32 = 5;

function fieldsOf(bytes: Uint8Array): Field[] {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++];
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  const fields: Field[] = [];
  while (at < bytes.length) {
    const start = at;
    const tag = varint();
    const wire = tag & 7;
    let value = 0;
    let content = bytes.subarray(0, 0);
    if (wire === WIRE_VARINT) value = varint();
    else if (wire === WIRE_FIXED64) at += 8;
    else if (wire === WIRE_FIXED32) at += 4;
    else if (wire === WIRE_BYTES) {
      const length = varint();
      content = bytes.subarray(at, (at += length));
    } else throw new Error(`onnx file has the wire type ${wire} at byte ${start}`);
    fields.push({ number: tag >>> 3, value, content, raw: bytes.subarray(start, at) });
  }
  return fields;
}

function varintBytes(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 128)) bytes.push((value & 0x7f) | 0x80);
  return [...bytes, value];
}

const varintField = (number: number, value: number): Uint8Array =>
  Uint8Array.from([...varintBytes((number << 3) | WIRE_VARINT), ...varintBytes(value)]);

function bytesField(number: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const tag = Uint8Array.from([...varintBytes((number << 3) | WIRE_BYTES), ...varintBytes(length)]);
  return Buffer.concat([tag, ...parts]);
}

const text = (content: Uint8Array): string => new TextDecoder().decode(content);
const textField = (number: number, value: string): Uint8Array => bytesField(number, new TextEncoder().encode(value));

// Numbers of onnx.proto3.
const MODEL_GRAPH = 7;
const GRAPH = { node: 1, input: 11, output: 12 };
const NODE = { input: 1, output: 2, type: 4, attribute: 5 };
const ATTRIBUTE = { name: 1, int: 3 };
const FLOAT = 1;

/** ValueInfoProto of a float tensor. */
function tensorInfo(number: number, name: string, shape: readonly number[]): Uint8Array {
  const dimensions = shape.map((size) => bytesField(1, varintField(1, size)));
  const tensor = bytesField(1, varintField(1, FLOAT), bytesField(2, ...dimensions));
  return bytesField(number, textField(1, name), bytesField(2, tensor));
}

export interface StateTensor {
  readonly input: string;
  readonly output: string;
  readonly size: number;
}

export interface StepGraph {
  readonly bytes: Uint8Array;
  readonly states: readonly StateTensor[];
}

function statefulNode(node: Field, index: number, states: StateTensor[]): Uint8Array {
  const fields = fieldsOf(node.content);
  const type = text(fields.find(({ number }) => number === NODE.type)!.content);
  if (type !== "LSTM" && type !== "GRU" && type !== "RNN") return node.raw;
  const inputs = fields.filter(({ number }) => number === NODE.input).length;
  const outputs = fields.filter(({ number }) => number === NODE.output).map(({ content }) => text(content));
  if (inputs !== 4 || outputs.length !== 2) throw new Error(`${type} node ${index} has other inputs than x, W, R, B`);
  const size = fields
    .filter(({ number }) => number === NODE.attribute)
    .map(({ content }) => fieldsOf(content))
    .find((attribute) =>
      attribute.some(({ number, content }) => number === ATTRIBUTE.name && text(content) === "hidden_size"),
    )!
    .find(({ number }) => number === ATTRIBUTE.int)!.value;
  const hidden = { input: `hidden_in_${index}`, output: outputs[1], size };
  states.push(hidden);
  // input 5 is sequence_lens, left out
  const added = [textField(NODE.input, ""), textField(NODE.input, hidden.input)];
  if (type === "LSTM") {
    const cell = { input: `cell_in_${index}`, output: `cell_out_${index}`, size };
    states.push(cell);
    added.push(textField(NODE.input, cell.input), textField(NODE.output, cell.output));
  }
  return bytesField(GRAPH.node, node.content, ...added);
}

/** @throws Error where the recurrent nodes are not as in the peers' files */
export function stepGraph(file: Uint8Array, channels: number): StepGraph {
  const states: StateTensor[] = [];
  const graphOf = (content: Uint8Array): Uint8Array[] => {
    const parts = fieldsOf(content).map((field, index) => {
      if (field.number === GRAPH.node) return statefulNode(field, index, states);
      if (field.number === GRAPH.input)
        return tensorInfo(GRAPH.input, text(fieldsOf(field.content)[0].content), [1, 1, channels]);
      return field.raw;
    });
    for (const { input, output, size } of states) {
      parts.push(tensorInfo(GRAPH.input, input, [1, 1, size]), tensorInfo(GRAPH.output, output, [1, 1, size]));
    }
    return parts;
  };
  const parts = fieldsOf(file).map((field) =>
    field.number === MODEL_GRAPH ? bytesField(MODEL_GRAPH, ...graphOf(field.content)) : field.raw,
  );
  return { bytes: Uint8Array.from(Buffer.concat(parts)), states };
}
