import { readFileSync } from "node:fs";
import { RenodeError } from "./errors.js";

/** One entry of an ELF symbol table. */
export interface ElfSymbol {
  readonly name: string;
  /** Address of the first byte; the Thumb bit of an Arm function is cleared. */
  readonly address: number;
  /** Size in bytes as the compiler noted it, 0 where unknown (linker script symbols, assembly labels). */
  readonly bytes: number;
  readonly kind: "function" | "object" | "other";
}

const HEADER_BYTES = 52;
const SECTION_BYTES = 40;
const SYMBOL_BYTES = 16;
const SECTION_SYMTAB = 2;
const MACHINE_ARM = 40;

/**
 * Symbols of a 32-bit little-endian ELF file by name; where a name occurs twice, the global one wins.
 * Reading them here keeps names usable after a reset, when Renode itself has forgotten them.
 * @throws RenodeError "bad-elf" for anything else, naming the file and what is wrong
 */
export function readElfSymbols(file: string): Map<string, ElfSymbol> {
  return parseElfSymbols(readFileSync(file), file);
}

export function parseElfSymbols(bytes: Buffer, file = "elf"): Map<string, ElfSymbol> {
  const fail = (reason: string): never => {
    throw new RenodeError("bad-elf", `${file}: ${reason}`);
  };
  if (bytes.length < HEADER_BYTES || bytes.readUInt32BE(0) !== 0x7f454c46) return fail("no elf file");
  if (bytes[4] !== 1 || bytes[5] !== 1) return fail("only 32-bit little-endian elf files are read");
  const machine = bytes.readUInt16LE(18);
  const sectionTable = bytes.readUInt32LE(32);
  const sectionCount = bytes.readUInt16LE(48);
  if (bytes.readUInt16LE(46) !== SECTION_BYTES && sectionCount > 0) return fail("section headers are not 40 bytes");
  if (sectionTable + sectionCount * SECTION_BYTES > bytes.length) return fail("section table ends behind the file");

  const section = (index: number) => {
    if (index >= sectionCount) return fail(`section ${index} of ${sectionCount}`);
    const at = sectionTable + index * SECTION_BYTES;
    const part = { offset: bytes.readUInt32LE(at + 16), bytes: bytes.readUInt32LE(at + 20) };
    if (part.offset + part.bytes > bytes.length) return fail(`section ${index} ends behind the file`);
    return { ...part, type: bytes.readUInt32LE(at + 4), link: bytes.readUInt32LE(at + 24) };
  };

  const symbols = new Map<string, ElfSymbol>();
  const globals = new Set<string>();
  for (let index = 0; index < sectionCount; index++) {
    if (bytes.readUInt32LE(sectionTable + index * SECTION_BYTES + 4) !== SECTION_SYMTAB) continue;
    const table = section(index);
    const names = section(table.link);
    for (let at = table.offset; at + SYMBOL_BYTES <= table.offset + table.bytes; at += SYMBOL_BYTES) {
      const nameAt = names.offset + bytes.readUInt32LE(at);
      const nameEnd = bytes.indexOf(0, nameAt);
      if (nameAt >= names.offset + names.bytes || nameEnd < 0) return fail("a symbol's name is outside the name table");
      const name = bytes.toString("utf8", nameAt, nameEnd);
      if (name === "" || name.startsWith("$") || bytes.readUInt16LE(at + 14) === 0) continue;
      const isGlobal = bytes[at + 12] >> 4 !== 0;
      if (symbols.has(name) && (globals.has(name) || !isGlobal)) continue;
      if (isGlobal) globals.add(name);
      symbols.set(name, symbol(name, bytes, at, machine));
    }
  }
  return symbols;
}

function symbol(name: string, bytes: Buffer, at: number, machine: number): ElfSymbol {
  const type = bytes[at + 12] & 15;
  const value = bytes.readUInt32LE(at + 4);
  const isFunction = type === 2;
  const address = isFunction && machine === MACHINE_ARM ? (value & ~1) >>> 0 : value;
  return {
    name,
    address,
    bytes: bytes.readUInt32LE(at + 8),
    kind: isFunction ? "function" : type === 1 ? "object" : "other",
  };
}
