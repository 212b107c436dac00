import {
  crc32,
  HEADER,
  HEADER_BYTES,
  RECORD,
  RECORD_BYTES,
  type RecordField,
  readField,
  SECTION,
  SECTION_ENTRY_BYTES,
  writeField,
} from "@gatelet/converter/format";

export type HeaderField = keyof typeof HEADER;

/** A copy of a file whose fields can be changed by name, without any check; values are taken modulo the field's size. */
export class Patch {
  bytes: Uint8Array;

  constructor(original: Uint8Array) {
    this.bytes = original.slice();
  }

  get view(): DataView {
    return new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
  }

  getHeader(field: HeaderField): number {
    return readField(this.view, HEADER[field][0], HEADER[field][1]);
  }
  header(field: HeaderField, value: number): this {
    writeField(this.view, HEADER[field][0], HEADER[field][1], value);
    return this;
  }

  /** Byte offset of the entry of section table index i. */
  entry(i: number): number {
    return HEADER_BYTES + SECTION_ENTRY_BYTES * i;
  }
  /** Section table index of an id. */
  sectionIndex(id: number): number {
    for (let i = 0; i < this.getHeader("sectionCount"); i++) {
      if (this.view.getUint16(this.entry(i), true) === id) return i;
    }
    throw new RangeError(`the file has no section ${id}`);
  }
  section(
    i: number,
    values: { id?: number; flags?: number; offset?: number; bytes?: number; reserved?: number },
  ): this {
    const at = this.entry(i);
    if (values.id !== undefined) this.view.setUint16(at, values.id, true);
    if (values.flags !== undefined) this.view.setUint16(at + 2, values.flags, true);
    if (values.offset !== undefined) this.view.setUint32(at + 4, values.offset, true);
    if (values.bytes !== undefined) this.view.setUint32(at + 8, values.bytes, true);
    if (values.reserved !== undefined) this.view.setUint32(at + 12, values.reserved, true);
    return this;
  }
  sectionOffset(i: number): number {
    return this.view.getUint32(this.entry(i) + 4, true);
  }
  sectionBytes(i: number): number {
    return this.view.getUint32(this.entry(i) + 8, true);
  }

  /** File offset of record i. */
  recordAt(i: number): number {
    return this.sectionOffset(this.sectionIndex(SECTION.RECORDS)) + RECORD_BYTES * i;
  }
  getRecord(i: number, field: RecordField): number {
    return readField(this.view, this.recordAt(i) + RECORD[field][0], RECORD[field][1]);
  }
  record(i: number, field: RecordField, value: number): this {
    writeField(this.view, this.recordAt(i) + RECORD[field][0], RECORD[field][1], value);
    return this;
  }

  resize(length: number): this {
    const bytes = new Uint8Array(length);
    bytes.set(this.bytes.subarray(0, length));
    this.bytes = bytes;
    return this;
  }

  /** Makes size and checksum right, so that the other checks are reached. */
  seal(): Uint8Array {
    if (this.bytes.length < HEADER_BYTES) return this.bytes;
    this.header("fileBytes", this.bytes.length);
    return this.sealCrc();
  }
  sealCrc(): Uint8Array {
    this.header("crc32", crc32(this.bytes, HEADER.requiredKernels[0]));
    return this.bytes;
  }
}
