import { type ArenaPlan, type ArenaRecord, planArena } from "./arena.js";
import { crc32 } from "./crc32.js";
import { FormatError } from "./errors.js";
import { fitsField, writeField } from "./fields.js";
import { readModel } from "./read.js";
import { simulateSchedule } from "./schedule.js";
import {
  FLAG,
  FORMAT_VERSION,
  HEADER,
  HEADER_BYTES,
  INPUT_KIND,
  KERNEL,
  MAGIC,
  NO_INPUT,
  OUTPUT_TRANSFORM,
  OUTPUT_TYPE,
  pad16,
  RECORD,
  RECORD_BYTES,
  type RecordField,
  SECTION,
  SECTION_ENTRY_BYTES,
} from "./schema.js";
import { type RecordFields, type RecordNeeds, recordNeeds } from "./sizes.js";
import type { ModelSpec, RecordSpec } from "./spec.js";
import { int32Bytes, tableBytes } from "./tensors.js";

export interface EncodeOptions {
  /** Writes a model whose branches do not meet, or that the reader would refuse (tests only). */
  readonly unchecked?: boolean;
}

type TensorField = "weights" | "rowParams" | "table" | "gateTable" | "aux";
const TENSOR_FIELDS = ["weights", "rowParams", "table", "gateTable", "aux"] as const;
const EMPTY = new Uint8Array(0);

/** The record's fields with defaults, before anything is planned. */
function givenFields(spec: RecordSpec): Record<RecordField, number> {
  const fields = Object.fromEntries(Object.keys(RECORD).map((name) => [name, 0])) as Record<RecordField, number>;
  return { ...fields, input0: NO_INPUT, input1: NO_INPUT, ...spec.fields, kernel: KERNEL[spec.kernel] };
}

function tensorBytes(spec: RecordSpec, field: TensorField): Uint8Array {
  switch (field) {
    case "rowParams":
      return spec.rowParams === undefined ? EMPTY : int32Bytes(spec.rowParams);
    case "table":
    case "gateTable": {
      const table = spec[field];
      return table === undefined ? EMPTY : tableBytes(table);
    }
    default:
      return spec[field] ?? EMPTY;
  }
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((value, i) => value === b[i]);

/** Tensors one behind the other, 16-aligned, equal ones shared. */
class TensorSection {
  readonly chunks: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  bytes = 0;
  private readonly known = new Map<string, { readonly at: number; readonly bytes: Uint8Array }[]>();

  /** Offset of these bytes inside the section. */
  add(bytes: Uint8Array): number {
    const key = `${bytes.length}:${crc32(bytes)}`;
    const candidates = this.known.get(key) ?? [];
    const same = candidates.find((other) => sameBytes(other.bytes, bytes));
    if (same !== undefined) return same.at;
    const chunk = { at: this.bytes, bytes };
    this.known.set(key, [...candidates, chunk]);
    this.chunks.push(chunk);
    this.bytes += pad16(bytes.length);
    return chunk.at;
  }
}

/** Places a record's tensors; offsets are relative to the section until `base` is known. */
function placeTensors(spec: RecordSpec, index: number, needs: RecordNeeds, section: TensorSection) {
  const offsets = {} as Record<TensorField, number | undefined>;
  for (const field of TENSOR_FIELDS) {
    const bytes = tensorBytes(spec, field);
    const needed = needs[field];
    if (pad16(bytes.length) !== pad16(needed)) {
      throw new FormatError("BAD_TENSOR", {
        record: index,
        field: `bytes of ${field}`,
        value: bytes.length,
        limit: `${needed} for ${spec.kernel}`,
      });
    }
    offsets[field] = needed === 0 ? undefined : section.add(bytes);
  }
  return offsets;
}

function writeRecord(view: DataView, at: number, index: number, fields: Record<RecordField, number>): void {
  for (const name of Object.keys(RECORD) as RecordField[]) {
    const [offset, type] = RECORD[name];
    const value = fields[name];
    if (!fitsField(type, value))
      throw new FormatError("BAD_RECORD", { record: index, field: name, value, limit: type });
    writeField(view, at + offset, type, value);
  }
}

interface Section {
  readonly id: number;
  readonly required: boolean;
  readonly at: number;
  readonly bytes: number;
}

/** RECORDS, TENSORS and META behind the section table, each 16-aligned. */
function layOut(recordCount: number, tensorBytes: number, metaBytes: number): Section[] {
  const sizes = [
    { id: SECTION.RECORDS, required: true, bytes: recordCount * RECORD_BYTES },
    { id: SECTION.TENSORS, required: true, bytes: tensorBytes },
    ...(metaBytes > 0 ? [{ id: SECTION.META, required: false, bytes: metaBytes }] : []),
  ];
  let at = pad16(HEADER_BYTES + SECTION_ENTRY_BYTES * sizes.length);
  return sizes.map((section) => {
    const placed = { ...section, at };
    at += pad16(section.bytes);
    return placed;
  });
}

function writeHeader(view: DataView, spec: ModelSpec, plan: ArenaPlan, fields: readonly RecordFields[], rows: number) {
  const last = fields[fields.length - 1]!;
  const values: Partial<Record<keyof typeof HEADER, number>> = {
    magic: MAGIC,
    formatVersion: FORMAT_VERSION,
    headerBytes: HEADER_BYTES,
    fileBytes: view.byteLength,
    requiredKernels: fields.reduce((bits, { kernel }) => bits | (1 << kernel), 0) >>> 0,
    recordStride: RECORD_BYTES,
    recordCount: fields.length,
    arenaBytes: plan.stateBytes + plan.scratchBytes,
    stateBytes: plan.stateBytes,
    scratchBytes: plan.scratchBytes,
    inputKind: spec.inputKind === "tokens" ? INPUT_KIND.TOKENS : INPUT_KIND.FRAMES,
    outputType: last.flags & FLAG.OUT32 ? OUTPUT_TYPE.INT32 : OUTPUT_TYPE.INT16,
    outputTransform: {
      none: OUTPUT_TRANSFORM.NONE,
      softmax: OUTPUT_TRANSFORM.SOFTMAX,
      sigmoid: OUTPUT_TRANSFORM.SIGMOID,
    }[spec.outputTransform],
    window: spec.window,
    frameSize: spec.frameSize,
    outputSize: last.outputSize,
    maxOutputRows: rows,
    vocabularySize: spec.vocabularySize,
    outputScale: spec.outputScale,
  };
  for (const [name, value] of Object.entries(values) as [keyof typeof HEADER, number][]) {
    const [offset, type] = HEADER[name];
    if (!fitsField(type, value)) throw new FormatError("BAD_HEADER", { field: name, value, limit: type });
    writeField(view, offset, type, value);
  }
}

/**
 * Writes a `.gate` file: plans the arena, places tensors, computes `maxOutputRows` from the schedule, checksums.
 * The bytes depend on the spec only. Deterministic; cost linear in the file.
 * @throws FormatError naming the record and field that FORMAT.md does not allow, or SCHEDULE where branches do not meet
 */
export function encodeModel(spec: ModelSpec, options: EncodeOptions = {}): Uint8Array {
  if (spec.records.length === 0)
    throw new FormatError("BAD_HEADER", { field: "recordCount", value: 0, limit: "1..256" });
  const given = spec.records.map(givenFields);
  const needs = spec.records.map(({ kernel }, i) => recordNeeds(kernel, given[i]!));
  const arena = planArena(
    spec.records.map(
      ({ kernel }, i): ArenaRecord => ({
        kernel,
        input0: given[i]!.input0,
        input1: given[i]!.input1,
        needs: needs[i]!,
      }),
    ),
  );
  const section = new TensorSection();
  const tensors = spec.records.map((record, i) => placeTensors(record, i, needs[i]!, section));
  const meta = spec.meta === undefined ? EMPTY : new TextEncoder().encode(JSON.stringify(spec.meta));
  const sections = layOut(spec.records.length, section.bytes, meta.length);
  const end = sections[sections.length - 1]!;
  const bytes = new Uint8Array(pad16(end.at + end.bytes));
  const view = new DataView(bytes.buffer);

  const base = sections[1]!.at;
  given.forEach((fields, i) => {
    Object.assign(fields, arena.records[i], { stateBytes: needs[i]!.state, scratchBytes: needs[i]!.scratch });
    for (const field of TENSOR_FIELDS) {
      const offset = tensors[i]![field];
      fields[field] = offset === undefined ? 0 : base + offset;
    }
    writeRecord(view, sections[0]!.at + i * RECORD_BYTES, i, fields);
  });
  for (const { at, bytes: chunk } of section.chunks) bytes.set(chunk, base + at);
  if (meta.length > 0) bytes.set(meta, end.at);

  const schedule = simulateSchedule(spec.records, spec.window);
  if (schedule.problems.length > 0 && !options.unchecked) {
    throw new FormatError("SCHEDULE", { field: schedule.problems[0]! });
  }
  writeHeader(view, spec, arena, given, schedule.maxOutputRows);
  view.setUint16(HEADER.sectionCount[0], sections.length, true);
  sections.forEach(({ id, required, at, bytes: length }, i) => {
    const entry = HEADER_BYTES + i * SECTION_ENTRY_BYTES;
    view.setUint16(entry, id, true);
    view.setUint16(entry + 2, required ? 1 : 0, true);
    view.setUint32(entry + 4, at, true);
    view.setUint32(entry + 8, length, true);
  });
  view.setUint32(HEADER.crc32[0], crc32(bytes, 16), true);
  if (!options.unchecked) readModel(bytes);
  return bytes;
}
