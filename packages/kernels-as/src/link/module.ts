import { ByteReader, ByteWriter } from "./bytes.js";

/** A WebAssembly module as far as the kernels use the format: no tables, no elements, one memory. */
export interface WasmModule {
  /** Encoded function types. */
  types: Uint8Array[];
  imports: WasmImport[];
  /** Type index and body (locals and expression) of each defined function. */
  functions: WasmFunction[];
  /** Pages of the defined memory; undefined where it is imported. */
  memory: { minimum: number; maximum: number | undefined } | undefined;
  globals: WasmGlobal[];
  exports: WasmExport[];
  /** Function that runs when the module is instantiated. */
  start?: number;
  data: WasmData[];
}

export interface WasmImport {
  module: string;
  name: string;
  kind: number;
  /** Encoded descriptor. */
  descriptor: Uint8Array;
}
export interface WasmFunction {
  type: number;
  body: Uint8Array;
}
export interface WasmGlobal {
  type: number;
  isMutable: boolean;
  /** i32 start value: kernels have no others. */
  value: number;
}
export interface WasmExport {
  name: string;
  kind: number;
  index: number;
}
export interface WasmData {
  offset: number;
  bytes: Uint8Array;
}

export const EXPORT_KIND = { FUNCTION: 0, MEMORY: 2, GLOBAL: 3 } as const;
export const I32 = 0x7f;
const PREAMBLE = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const SECTION = {
  TYPE: 1,
  IMPORT: 2,
  FUNCTION: 3,
  MEMORY: 5,
  GLOBAL: 6,
  EXPORT: 7,
  START: 8,
  CODE: 10,
  DATA: 11,
} as const;
const CUSTOM_SECTION = 0;
const DATA_COUNT_SECTION = 12;

function readType(reader: ByteReader): Uint8Array {
  const start = reader.position;
  reader.u8();
  reader.vector(() => reader.u8());
  reader.vector(() => reader.u8());
  return reader.bytes.slice(start, reader.position);
}

function readLimits(reader: ByteReader): { minimum: number; maximum: number | undefined } {
  const flags = reader.u8();
  const minimum = reader.u32();
  return { minimum, maximum: (flags & 1) !== 0 ? reader.u32() : undefined };
}

function readImport(reader: ByteReader): WasmImport {
  const module = reader.name();
  const name = reader.name();
  const kind = reader.u8();
  const start = reader.position;
  if (kind === EXPORT_KIND.FUNCTION) reader.u32();
  else if (kind === EXPORT_KIND.MEMORY) readLimits(reader);
  else throw new RangeError(`import ${module}.${name} has kind ${kind}; kernels import only functions and memory`);
  return { module, name, kind, descriptor: reader.bytes.slice(start, reader.position) };
}

function readConstant(reader: ByteReader): number {
  const opcode = reader.u8();
  if (opcode !== 0x41)
    throw new RangeError(`constant expression begins with opcode 0x${opcode.toString(16)}, i32.const expected`);
  const value = reader.i32();
  reader.u8();
  return value;
}

function readData(reader: ByteReader): WasmData {
  const flags = reader.u32();
  if (flags !== 0) throw new RangeError(`data segment has flags ${flags}; only active segments of memory 0 are linked`);
  const offset = readConstant(reader);
  return { offset, bytes: reader.take(reader.u32()).slice() };
}

/** Parses a kernel module; throws RangeError on what kernels never contain (tables, elements). */
export function parseModule(bytes: Uint8Array): WasmModule {
  const reader = new ByteReader(bytes);
  if (PREAMBLE.some((byte) => reader.u8() !== byte)) throw new RangeError("not a WebAssembly module of version 1");
  const module: WasmModule = {
    types: [],
    imports: [],
    functions: [],
    memory: undefined,
    globals: [],
    exports: [],
    data: [],
  };
  let functionTypes: number[] = [];
  while (!reader.isAtEnd) {
    const id = reader.u8();
    const length = reader.u32();
    const section = new ByteReader(bytes, reader.position, reader.position + length);
    reader.take(length);
    if (id === SECTION.TYPE) module.types = section.vector(() => readType(section));
    else if (id === SECTION.IMPORT) module.imports = section.vector(() => readImport(section));
    else if (id === SECTION.FUNCTION) functionTypes = section.vector(() => section.u32());
    else if (id === SECTION.MEMORY) [module.memory] = section.vector(() => readLimits(section));
    else if (id === SECTION.GLOBAL)
      module.globals = section.vector(() => ({
        type: section.u8(),
        isMutable: section.u8() === 1,
        value: readConstant(section),
      }));
    else if (id === SECTION.EXPORT)
      module.exports = section.vector(() => ({ name: section.name(), kind: section.u8(), index: section.u32() }));
    else if (id === SECTION.START) module.start = section.u32();
    else if (id === SECTION.CODE)
      module.functions = section
        .vector(() => section.take(section.u32()).slice())
        .map((body, i) => ({ type: functionTypes[i], body }));
    else if (id === SECTION.DATA) module.data = section.vector(() => readData(section));
    else if (id !== CUSTOM_SECTION && id !== DATA_COUNT_SECTION) throw new RangeError(`section ${id} is not linked`);
  }
  return module;
}

/** Encodes a module; empty sections are left out, custom sections are not kept. */
export function encodeModule(module: WasmModule): Uint8Array {
  const out = new ByteWriter().raw(PREAMBLE);
  const section = <Item>(
    id: number,
    items: readonly Item[],
    write: (content: ByteWriter, item: Item) => void,
  ): void => {
    if (items.length === 0) return;
    const content = new ByteWriter();
    content.vector(items, (item) => write(content, item));
    out.u8(id).block(content.toBytes());
  };
  section(SECTION.TYPE, module.types, (content, type) => content.raw(type));
  section(SECTION.IMPORT, module.imports, (content, { module: from, name, kind, descriptor }) =>
    content.name(from).name(name).u8(kind).raw(descriptor),
  );
  section(SECTION.FUNCTION, module.functions, (content, { type }) => content.u32(type));
  section(SECTION.MEMORY, module.memory ? [module.memory] : [], (content, { minimum, maximum }) =>
    maximum === undefined ? content.u8(0).u32(minimum) : content.u8(1).u32(minimum).u32(maximum),
  );
  section(SECTION.GLOBAL, module.globals, (content, { type, isMutable, value }) =>
    content
      .u8(type, isMutable ? 1 : 0, 0x41)
      .i32(value)
      .u8(0x0b),
  );
  section(SECTION.EXPORT, module.exports, (content, { name, kind, index }) => content.name(name).u8(kind).u32(index));
  if (module.start !== undefined) out.u8(SECTION.START).block(new ByteWriter().u32(module.start).toBytes());
  section(SECTION.CODE, module.functions, (content, { body }) => content.block(body));
  section(SECTION.DATA, module.data, (content, { offset, bytes }) =>
    content.u8(0, 0x41).i32(offset).u8(0x0b).block(bytes),
  );
  return out.toBytes();
}
