import { countersEnd } from "./arena.js";
import { checkAddresses, checkLiveness } from "./arena-checks.js";
import { FormatError } from "./errors.js";
import { readFields } from "./fields.js";
import { type HeaderFields, readHeader, readSections, type SectionEntry } from "./header.js";
import { readMeta } from "./meta.js";
import { checkRecord } from "./record-checks.js";
import { KERNEL_NAMES } from "./rules.js";
import {
  FLAG,
  INPUT_KIND,
  KERNEL,
  type KernelName,
  LIMITS,
  OUTPUT_TYPE,
  RECORD,
  RECORD_BYTES,
  SECTION,
} from "./schema.js";
import { type RecordFields, type RecordNeeds, recordNeeds } from "./sizes.js";
import type { ModelMeta } from "./spec.js";

export type TensorName = "weights" | "rowParams" | "table" | "gateTable" | "aux";
const TENSORS: readonly TensorName[] = ["weights", "rowParams", "table", "gateTable", "aux"];

/** One layer record of an accepted file. */
export class GateRecord {
  constructor(
    readonly index: number,
    readonly kernel: KernelName,
    readonly fields: RecordFields,
    readonly needs: RecordNeeds,
    private readonly file: Uint8Array,
  ) {}

  /** Bytes of a tensor as they lie in the file (a view); undefined where the kernel has none. */
  bytes(name: TensorName): Uint8Array | undefined {
    const bytes = this.needs[name];
    return bytes === 0 ? undefined : this.file.subarray(this.fields[name], this.fields[name] + bytes);
  }

  /** A tensor as int32, copied. */
  int32(name: TensorName): Int32Array | undefined {
    const bytes = this.bytes(name);
    if (bytes === undefined) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return Int32Array.from({ length: bytes.length / 4 }, (_, i) => view.getInt32(4 * i, true));
  }

  /** A tensor as int16, copied. */
  int16(name: TensorName): Int16Array | undefined {
    const bytes = this.bytes(name);
    if (bytes === undefined) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return Int16Array.from({ length: bytes.length / 2 }, (_, i) => view.getInt16(2 * i, true));
  }
}

/** An accepted file. Nothing is copied: the model keeps a view of the bytes. */
export interface GateModel {
  readonly bytes: Uint8Array;
  readonly header: HeaderFields;
  readonly sections: readonly SectionEntry[];
  readonly records: readonly GateRecord[];
  readonly meta: ModelMeta;
  /** What readMeta dropped. */
  readonly metaProblems: readonly string[];
}

function checkTensors(record: GateRecord, section: SectionEntry): void {
  for (const name of TENSORS) {
    const offset = record.fields[name];
    const needed = record.needs[name];
    if (needed === 0) {
      if (offset === 0) continue;
      throw new FormatError("BAD_RECORD", { record: record.index, field: name, value: offset, limit: "0: not needed" });
    }
    const end = section.offset + section.bytes;
    if (offset % 16 === 0 && offset >= section.offset && offset <= end && needed <= end - offset) continue;
    const limit = `a multiple of 16 in ${section.offset}..${end} for ${needed} bytes`;
    throw new FormatError("BAD_TENSOR", { record: record.index, field: name, value: offset, limit });
  }
  if (record.kernel !== "LAYER_NORM") return;
  const aux = record.bytes("aux")!;
  const epsilon = new DataView(aux.buffer, aux.byteOffset).getBigInt64(0, true);
  if (epsilon >= 1n && epsilon <= 1n << 61n) return;
  throw new FormatError("BAD_TENSOR", { record: record.index, field: "E", value: epsilon, limit: "1..2^61" });
}

function readRecords(bytes: Uint8Array, header: HeaderFields, sections: readonly SectionEntry[]): GateRecord[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const base = sections.find(({ id }) => id === SECTION.RECORDS)!.offset;
  const tensors = sections.find(({ id }) => id === SECTION.TENSORS)!;
  const kernels: KernelName[] = [];
  const fields: RecordFields[] = [];
  const records: GateRecord[] = [];
  let free = countersEnd(header.recordCount);
  let rows = 0;
  for (let index = 0; index < header.recordCount; index++) {
    const r = readFields(view, base + index * RECORD_BYTES, RECORD);
    const kernel = KERNEL_NAMES[r.kernel];
    if (kernel === undefined) {
      const limit = `0..${KERNEL_NAMES.length - 1}`;
      throw new FormatError("UNKNOWN_KERNEL", { record: index, field: "kernel", value: r.kernel, limit });
    }
    kernels.push(kernel);
    fields.push(r);
    checkRecord({ index, recordCount: header.recordCount, window: header.window, kernels, records: fields });
    const record = new GateRecord(index, kernel, r, recordNeeds(kernel, r), bytes);
    checkTensors(record, tensors);
    free = checkAddresses(header, index, record, free);
    records.push(record);
    rows += r.rowsOut;
  }
  if (rows > LIMITS.totalRows) {
    throw new FormatError("BAD_RECORD", { field: "sum of rowsOut", value: rows, limit: `at most ${LIMITS.totalRows}` });
  }
  return records;
}

/** Header fields that repeat what the records say. */
function checkHeaderAgainst(header: HeaderFields, records: readonly GateRecord[]): void {
  const first = records[0]!;
  const last = records[records.length - 1]!;
  const tokens = first.kernel === "EMBEDDING";
  const expected = {
    requiredKernels: records.reduce((bits, { kernel }) => bits | (1 << KERNEL[kernel]), 0) >>> 0,
    inputKind: tokens ? INPUT_KIND.TOKENS : INPUT_KIND.FRAMES,
    outputType: last.fields.flags & FLAG.OUT32 ? OUTPUT_TYPE.INT32 : OUTPUT_TYPE.INT16,
    frameSize: first.fields.inputSize,
    outputSize: last.fields.outputSize,
    vocabularySize: first.fields.vocabulary,
  };
  for (const [field, limit] of Object.entries(expected) as [keyof typeof expected, number][]) {
    if (header[field] === limit) continue;
    throw new FormatError("BAD_HEADER", { field, value: header[field], limit: `${limit} as the records say` });
  }
}

/**
 * Reads and checks a whole `.gate` file: everything FORMAT.md asks, before anything is executed.
 * @throws FormatError with the status name as `code`, and field, value and limit
 */
export function readModel(bytes: Uint8Array): GateModel {
  const header = readHeader(bytes);
  const sections = readSections(bytes, header);
  const records = readRecords(bytes, header, sections);
  checkHeaderAgainst(header, records);
  checkLiveness(records);
  const section = sections.find(({ id }) => id === SECTION.META);
  const { meta, problems } =
    section === undefined
      ? { meta: {}, problems: [] }
      : readMeta(bytes.subarray(section.offset, section.offset + section.bytes));
  return { bytes, header, sections, records, meta, metaProblems: problems };
}
