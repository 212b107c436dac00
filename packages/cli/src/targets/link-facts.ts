import {
  ACTIVATION,
  COUNTER_BYTES,
  countersEnd,
  FIELD_GROUP,
  FLAG,
  type GateModel,
  type GateRecord,
  hasQuads,
  historyRows,
  isRecurrent,
  isWindowed,
  KERNEL,
  KERNEL_RULES,
  OUTPUT_TYPE,
  POOL_MODE,
  pad2,
  RECORD_BYTES,
  rowBytes,
  SECTION,
  STREAM_HEADER_BYTES,
  simulateSchedule,
} from "@gatelet/converter/format";
import { isDirectKernel, type LinkFacts, type LinkRecord } from "@gatelet/kernels";

const MASKS = FLAG.MASK_OBEY | FLAG.MASK_PASS | FLAG.MASK_SET | FLAG.MASK_ZERO | FLAG.MASK_ANY;
const USUAL: readonly number[] = [ACTIVATION.LINEAR, ACTIVATION.RELU, ACTIVATION.SIGMOID, ACTIVATION.TANH];
/** More zero ranges than this are checked by the general code. */
const MOST_RANGES = 64;
type Range = readonly [number, number];

/** What the linker needs to know of an accepted file. */
export function linkFacts(model: GateModel): LinkFacts {
  const { header, records, sections } = model;
  const recordsOffset = sections.find(({ id }) => id === SECTION.RECORDS)!.offset;
  const tensors = sections.find(({ id }) => id === SECTION.TENSORS)!;
  const bits = new Set(records.filter(({ kernel }) => hasQuads(kernel)).map(({ fields }) => fields.bits));
  const activations = records.flatMap(({ kernel, fields }) =>
    KERNEL_RULES[kernel].groups & FIELD_GROUP.GATE
      ? [fields.activation, fields.gateActivation]
      : hasQuads(kernel) || kernel === "ACTIVATION" || kernel === "DEPTHWISE_CONV1D"
        ? [fields.activation]
        : [],
  );
  const [only] = bits;
  return {
    crc32: header.crc32,
    kernels: header.requiredKernels,
    window: header.window,
    frameSize: header.frameSize,
    outputSize: header.outputSize,
    outputBytesEach: header.outputType === OUTPUT_TYPE.INT32 ? 4 : 2,
    arenaBytes: header.arenaBytes,
    stateBytes: header.stateBytes,
    recordsOffset,
    tensorsEnd: tensors.offset + tensors.bytes,
    maxRows: (frames) => mostRows(model, frames),
    records: records.map((record) => linkRecord(record, recordsOffset)),
    weightBits: bits.size === 0 ? 8 : bits.size === 1 && (only === 4 || only === 8) ? only : 0,
    usualActivations: activations.every((activation) => USUAL.includes(activation)),
    needsTanh: activations.some((kind) => kind === ACTIVATION.SIGMOID || kind === ACTIVATION.TANH),
    isChain: isChain(model),
    zeroRanges: zeroRanges(model),
  };
}

function linkRecord({ kernel, fields, index }: GateRecord, recordsOffset: number): LinkRecord {
  const atEnd = kernel === "GLOBAL_POOL" || (isRecurrent(kernel) && (fields.flags & FLAG.LAST) !== 0);
  return {
    kernel: KERNEL[kernel],
    offset: recordsOffset + index * RECORD_BYTES,
    output: fields.output,
    state: fields.state,
    inputSize: fields.inputSize,
    rowsIn: fields.rowsIn,
    rowsOut: fields.rowsOut,
    atEnd,
    mostWait: isWindowed(kernel) ? Math.max(historyRows(kernel, fields) - fields.padLeft, fields.stride) : 0,
    isMaximum: fields.mode === POOL_MODE.MAX,
  };
}

/** The most rows that `frames` steps yield, wherever in its window a stream is: as the engines compute it. */
function mostRows({ header, records }: GateModel, frames: number): number {
  const { window, maxOutputRows } = header;
  if (window === 0) return frames;
  const perWindow = records[records.length - 1].fields.rowsOut;
  const windows = 1 + Math.ceil(Math.max(0, frames - 1) / window);
  return Math.min(frames * Math.min(maxOutputRows, perWindow), windows * perWindow);
}

/** Whether each layer has one input, the one before it, without masks, and none ever emits where its input does not. */
function isChain(model: GateModel): boolean {
  const { records, header } = model;
  const simple = records.every(
    ({ kernel, fields, index }) =>
      isDirectKernel(KERNEL[kernel]) && (fields.flags & MASKS) === 0 && (index === 0 || fields.input0 === index - 1),
  );
  if (!simple) return false;
  const { ticks } = simulateSchedule(records, header.window, { trace: true });
  return ticks.every(({ hasFrame, emitted }) => hasFrame && emitted.every((record, position) => record === position));
}

/** Bytes of a valid state that are zero (FORMAT.md 8), for the kernels of a chain; undefined where a list is too long. */
function zeroRanges(model: GateModel): Range[] | undefined {
  const { records, header } = model;
  const found: Range[] = [];
  for (const { kernel, fields, index } of records) {
    const at = STREAM_HEADER_BYTES + index * COUNTER_BYTES;
    if (header.window === 0) found.push([at, 8]);
    if (kernel === "POOL" && fields.mode === POOL_MODE.AVERAGE) return undefined;
    found.push(isWindowed(kernel) ? [at + 10, 6] : [at + 8, 8]);
  }
  const counted = STREAM_HEADER_BYTES + records.length * COUNTER_BYTES;
  found.push([counted, countersEnd(records.length) - counted]);
  for (const record of records) found.push(...padding(record));
  const merged = merge(found);
  return merged.length > MOST_RANGES ? undefined : merged;
}

function padding({ kernel, fields, needs }: GateRecord): Range[] {
  const { state } = fields;
  const end = state + needs.state;
  const rows = (count: number, stride: number, used: number): Range[] => [
    ...Array.from({ length: count }, (_, row): Range => [state + row * stride + used, stride - used]),
    [state + count * stride, end - state - count * stride],
  ];
  const used = 2 * fields.inputSize;
  if (isRecurrent(kernel)) return rows(kernel === "LSTM" ? 2 : 1, rowBytes(fields.outputSize), 2 * fields.outputSize);
  if (kernel === "CONV1D") return rows(historyRows(kernel, fields), 2 * pad2(fields.inputSize), used);
  if (isWindowed(kernel)) return rows(historyRows(kernel, fields), rowBytes(fields.inputSize), used);
  if (kernel !== "GLOBAL_POOL") return [];
  if (fields.mode === POOL_MODE.MAX) return rows(1, rowBytes(fields.inputSize), used);
  const sums = state + 16 + 2 * used;
  return [
    [state + 4, 12],
    [sums, end - sums],
  ];
}

function merge(ranges: readonly Range[]): Range[] {
  const merged: [number, number][] = [];
  for (const [offset, length] of ranges.filter(([, bytes]) => bytes > 0).sort((a, b) => a[0] - b[0])) {
    const last = merged[merged.length - 1];
    if (last !== undefined && last[0] + last[1] === offset) last[1] += length;
    else merged.push([offset, length]);
  }
  return merged;
}
