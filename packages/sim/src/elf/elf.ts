/** Error in an ELF file. */
export class ElfError extends Error {
  readonly code = "bad-elf";
}

export interface Segment {
  /** Load (physical) address, and run address. */
  physical: number;
  virtual: number;
  data: Uint8Array;
  memoryBytes: number;
}

export interface ElfSymbol {
  name: string;
  /** Address without the Thumb bit. */
  address: number;
  bytes: number;
  kind: "function" | "object" | "other";
}

export interface ElfFile {
  entry: number;
  segments: Segment[];
  symbols: ElfSymbol[];
}

const PT_LOAD = 1;
const SHT_SYMTAB = 2;
const EM_ARM = 40;

/** Reads a 32-bit little-endian Arm ELF executable: loadable segments and the symbol table. Throws ElfError. */
export function parseElf(bytes: Uint8Array): ElfFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 52 || view.getUint32(0) !== 0x7f454c46) throw new ElfError("not an elf file: bad magic number");
  if (bytes[4] !== 1 || bytes[5] !== 1) throw new ElfError("elf file is not 32-bit little-endian");
  const machine = view.getUint16(18, true);
  if (machine !== EM_ARM) throw new ElfError(`elf machine is ${machine}, must be ${EM_ARM} (arm)`);
  const u32 = (offset: number) => {
    if (offset + 4 > bytes.length) throw new ElfError(`elf file ends at ${bytes.length}, needs ${offset + 4} bytes`);
    return view.getUint32(offset, true);
  };
  return { entry: u32(24), segments: readSegments(bytes, view, u32), symbols: readSymbols(bytes, view, u32) };
}

type Read = (offset: number) => number;

function readSegments(bytes: Uint8Array, view: DataView, u32: Read): Segment[] {
  const table = u32(28);
  const size = view.getUint16(42, true);
  const count = view.getUint16(44, true);
  const segments: Segment[] = [];
  for (let i = 0; i < count; i++) {
    const at = table + i * size;
    if (u32(at) !== PT_LOAD) continue;
    const offset = u32(at + 4);
    const fileBytes = u32(at + 16);
    if (offset + fileBytes > bytes.length) {
      throw new ElfError(`elf segment ${i} ends at ${offset + fileBytes}, file has ${bytes.length} bytes`);
    }
    segments.push({
      virtual: u32(at + 8),
      physical: u32(at + 12),
      data: bytes.slice(offset, offset + fileBytes),
      memoryBytes: u32(at + 20),
    });
  }
  return segments;
}

function readSymbols(bytes: Uint8Array, view: DataView, u32: Read): ElfSymbol[] {
  const table = u32(32);
  const size = view.getUint16(46, true);
  const count = view.getUint16(48, true);
  const symbols: ElfSymbol[] = [];
  for (let i = 0; i < count; i++) {
    const at = table + i * size;
    if (u32(at + 4) !== SHT_SYMTAB) continue;
    const offset = u32(at + 16);
    const length = u32(at + 20);
    const strings = u32(table + u32(at + 24) * size + 16);
    for (let k = offset; k + 16 <= offset + length; k += 16) {
      const section = view.getUint16(k + 14, true);
      const type = bytes[k + 12] & 15;
      const name = readString(bytes, strings + u32(k));
      if (section === 0 || name === "" || name.startsWith("$") || type > 2) continue;
      const kind = type === 2 ? "function" : type === 1 ? "object" : "other";
      const value = u32(k + 4);
      symbols.push({ name, address: kind === "function" ? (value & ~1) >>> 0 : value, bytes: u32(k + 8), kind });
    }
  }
  return symbols;
}

function readString(bytes: Uint8Array, start: number): string {
  let end = start;
  while (end < bytes.length && bytes[end] !== 0) end++;
  return String.fromCharCode(...bytes.subarray(start, end));
}
