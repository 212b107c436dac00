import { countersEnd } from "./arena.js";
import { crc32 } from "./crc32.js";
import { FormatError } from "./errors.js";
import { readField, readFields } from "./fields.js";
import { KERNEL_NAMES } from "./rules.js";
import {
  FORMAT_VERSION,
  HEADER,
  HEADER_BYTES,
  LIMITS,
  MAGIC,
  RECORD_BYTES,
  SECTION,
  SECTION_ENTRY_BYTES,
} from "./schema.js";
import type { StatusName } from "./statuses.js";

export type HeaderField = keyof typeof HEADER;
export type HeaderFields = Readonly<Record<HeaderField, number>>;

export interface SectionEntry {
  readonly id: number;
  readonly required: boolean;
  readonly offset: number;
  readonly bytes: number;
}

const hex = (value: number): string => `0x${value.toString(16)}`;

/** Magic, version, sizes and checksum, in the order of FORMAT.md 1: what tells a damaged file from a hostile one. */
function checkEnvelope(bytes: Uint8Array, view: DataView): void {
  const read = (name: HeaderField) => readField(view, HEADER[name][0], HEADER[name][1]);
  const require = (name: HeaderField, ok: boolean, code: StatusName, limit: string) => {
    if (ok) return;
    const value = name === "magic" || name === "crc32" ? hex(read(name)) : read(name);
    throw new FormatError(code, { field: name, value, limit });
  };
  if (bytes.length < HEADER_BYTES) {
    throw new FormatError("BAD_SIZE", { field: "length", value: bytes.length, limit: `at least ${HEADER_BYTES}` });
  }
  require("magic", read("magic") === MAGIC, "BAD_MAGIC", hex(MAGIC));
  require("formatVersion", read("formatVersion") === FORMAT_VERSION, "BAD_VERSION", String(FORMAT_VERSION));
  require("headerBytes", read("headerBytes") === HEADER_BYTES, "BAD_HEADER", String(HEADER_BYTES));
  const size = read("fileBytes");
  require("fileBytes", size === bytes.length && size % 16 === 0, "BAD_SIZE", `the length ${bytes.length}, in 16s`);
  const actual = crc32(bytes, HEADER.requiredKernels[0]);
  require("crc32", read("crc32") === actual, "BAD_CRC", hex(actual));
}

function checkScale(view: DataView): void {
  const [at] = HEADER.outputScale;
  const low = view.getUint32(at, true);
  const high = view.getUint32(at + 4, true);
  if (high < 0x7ff00000 && (low | high) !== 0) return;
  throw new FormatError("BAD_HEADER", {
    field: "outputScale",
    value: view.getFloat64(at, true),
    limit: "finite and > 0",
  });
}

/** Header of the whole file, all ranges checked that need no records. */
export function readHeader(bytes: Uint8Array): HeaderFields {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  checkEnvelope(bytes, view);
  const header = readFields(view, 0, HEADER);
  const within = (name: HeaderField, min: number, max: number) => {
    const value = header[name];
    if (value >= min && value <= max) return;
    const limit = min === max ? String(min) : `${min}..${max}`;
    throw new FormatError("BAD_HEADER", { field: name, value, limit });
  };
  for (const name of ["reserved26", "reserved43", "reserved60", "reserved72"] as const) within(name, 0, 0);
  within("sectionCount", 2, LIMITS.sections);
  within("recordStride", RECORD_BYTES, RECORD_BYTES);
  within("recordCount", 1, LIMITS.records);
  within("inputKind", 0, 1);
  within("outputType", 0, 1);
  within("outputTransform", 0, 2);
  within("window", 0, LIMITS.rows);
  within("frameSize", 1, LIMITS.rowSize);
  within("maxOutputRows", 1, LIMITS.rows);
  checkScale(view);
  if (header.requiredKernels >>> KERNEL_NAMES.length !== 0) {
    throw new FormatError("UNKNOWN_KERNEL", {
      field: "requiredKernels",
      value: hex(header.requiredKernels),
      limit: `below ${hex(2 ** KERNEL_NAMES.length)}`,
    });
  }
  checkArenaSizes(header);
  return header;
}

function checkArenaSizes(header: HeaderFields): void {
  const { arenaBytes, stateBytes, scratchBytes, recordCount } = header;
  const require = (field: HeaderField, ok: boolean, limit: string) => {
    if (!ok) throw new FormatError("BAD_ARENA", { field, value: header[field], limit });
  };
  const least = countersEnd(recordCount);
  require("arenaBytes", arenaBytes <= LIMITS.arenaBytes, `at most ${LIMITS.arenaBytes}`);
  require("arenaBytes", arenaBytes ===
    stateBytes + scratchBytes, `stateBytes + scratchBytes = ${stateBytes + scratchBytes}`);
  require("stateBytes", stateBytes % 16 === 0 && stateBytes >= least, `a multiple of 16, at least ${least}`);
  require("scratchBytes", scratchBytes % 16 === 0, "a multiple of 16");
}

/** Section table, checked; entries in file order. */
export function readSections(bytes: Uint8Array, header: HeaderFields): SectionEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = header.sectionCount;
  let free = HEADER_BYTES + SECTION_ENTRY_BYTES * count;
  const seen = new Set<number>();
  const entries: SectionEntry[] = [];
  const fail = (i: number, what: string, value: number, limit: string) => {
    throw new FormatError("BAD_SECTION", { field: `${what} of section ${i}`, value, limit });
  };
  if (free > bytes.length) fail(count - 1, "table entry", free, `within ${bytes.length} bytes`);
  for (let i = 0; i < count; i++) {
    const at = HEADER_BYTES + SECTION_ENTRY_BYTES * i;
    const id = view.getUint16(at, true);
    const flags = view.getUint16(at + 2, true);
    const offset = view.getUint32(at + 4, true);
    const length = view.getUint32(at + 8, true);
    const reserved = view.getUint32(at + 12, true);
    if (flags > 1) fail(i, "flags", flags, "0 or 1");
    if (reserved !== 0) fail(i, "reserved word", reserved, "0");
    if (offset % 16 !== 0 || offset < free) fail(i, "offset", offset, `a multiple of 16, at least ${free}`);
    if (offset > bytes.length || length > bytes.length - offset)
      fail(i, "end", offset + length, `at most ${bytes.length}`);
    free = offset + length;
    const known = id >= SECTION.RECORDS && id <= SECTION.META;
    if (known && seen.has(id)) fail(i, "id", id, "named once");
    if (!known && flags === 1)
      throw new FormatError("UNKNOWN_SECTION", { field: "section id", value: id, limit: "1..3" });
    seen.add(id);
    entries.push({ id, required: flags === 1, offset, bytes: length });
  }
  for (const id of [SECTION.RECORDS, SECTION.TENSORS]) if (!seen.has(id)) fail(count, "id", id, "present");
  const records = entries.find(({ id }) => id === SECTION.RECORDS)!;
  const needed = header.recordCount * RECORD_BYTES;
  if (records.bytes !== needed) fail(entries.indexOf(records), "bytes", records.bytes, `${needed}`);
  return entries;
}
