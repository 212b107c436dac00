import { ByteReader } from "./bytes.js";
import { expressionStart, instructions } from "./instructions.js";
import { LINKED_FUNCTIONS } from "./link.js";
import { EXPORT_KIND, I32, parseModule, type WasmModule } from "./module.js";

/** `mcu`: what WAMR and wasm3 need; `simd`: the same with vector instructions, for Node, browsers and edge runtimes. */
export type LinkedProfile = "mcu" | "simd";

const PAGE_BYTES = 65536;
const PREAMBLE_BYTES = 8;
const DATA_COUNT = 12;
const [MEMORY_GROW, MISCELLANEOUS, VECTOR] = [0x40, 0xfc, 0xfd];
const LAST_SATURATING = 7;
const ADDRESSES = ["frames", "output", "state"] as const;

/**
 * What keeps a module from being a self-contained one that WAMR shrinks to `__heap_base`: no imports, memory that cannot grow,
 * no bulk memory, no float, no division, aligned and immutable `__heap_base` and `__data_end`, no mutable i32 global that
 * WAMR would take for the stack pointer. Empty: nothing.
 */
export function checkLinkedModule(bytes: Uint8Array, profile: LinkedProfile): string[] {
  let module: WasmModule;
  try {
    module = parseModule(bytes);
    return [
      ...sectionFaults(bytes),
      ...module.imports.map(({ module: from, name }) => `imports ${from}.${name}`),
      ...memoryFaults(module),
      ...exportFaults(module),
      ...module.globals
        .filter(({ isMutable, type, value }) => isMutable && type === I32 && value !== 0)
        .map(({ value }) => `mutable i32 global starts at ${value}: WAMR takes it for the stack pointer`),
      ...codeFaults(module, profile),
    ];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

function sectionFaults(bytes: Uint8Array): string[] {
  const reader = new ByteReader(bytes, PREAMBLE_BYTES);
  const faults: string[] = [];
  while (!reader.isAtEnd) {
    const id = reader.u8();
    if (id === DATA_COUNT) faults.push("has a data count section, which needs bulk memory");
    reader.take(reader.u32());
  }
  return faults;
}

/** Address in an exported immutable i32 global. */
function exportedAddress(module: WasmModule, name: string): number | undefined {
  const entry = module.exports.find((item) => item.name === name);
  if (entry === undefined || entry.kind !== EXPORT_KIND.GLOBAL) return undefined;
  const global = module.globals[entry.index];
  return global === undefined || global.isMutable || global.type !== I32 ? undefined : global.value;
}

function memoryFaults(module: WasmModule): string[] {
  const { memory } = module;
  if (memory === undefined) return ["defines no memory"];
  const faults: string[] = [];
  if (memory.maximum !== memory.minimum) {
    faults.push(`memory has minimum ${memory.minimum} and maximum ${memory.maximum ?? "none"}: they must be equal`);
  }
  if (!module.exports.some(({ name, kind }) => name === "memory" && kind === EXPORT_KIND.MEMORY)) {
    faults.push("does not export its memory");
  }
  const heapBase = exportedAddress(module, "__heap_base");
  const dataEnd = exportedAddress(module, "__data_end");
  if (heapBase === undefined) faults.push("__heap_base is not an exported immutable i32 global");
  if (dataEnd === undefined) faults.push("__data_end is not an exported immutable i32 global");
  if (heapBase === undefined || dataEnd === undefined) return faults;
  if (heapBase % 16 !== 0) faults.push(`__heap_base is ${heapBase}, not a multiple of 16`);
  if (Math.ceil(dataEnd / 16) * 16 > heapBase) faults.push(`__data_end ${dataEnd} lies behind __heap_base ${heapBase}`);
  if (Math.ceil(heapBase / PAGE_BYTES) !== memory.minimum) {
    faults.push(
      `memory has ${memory.minimum} pages, __heap_base ${heapBase} needs ${Math.ceil(heapBase / PAGE_BYTES)}`,
    );
  }
  for (const { offset, bytes } of module.data) {
    if (offset < 0 || offset + bytes.length > heapBase) {
      faults.push(`data segment [${offset}, ${offset + bytes.length}) lies behind __heap_base ${heapBase}`);
    }
  }
  for (const name of ADDRESSES) {
    const address = exportedAddress(module, name);
    if (address === undefined) faults.push(`${name} is not an exported immutable i32 global`);
    else if (address % 16 !== 0 || address > heapBase)
      faults.push(`${name} is ${address}, not an aligned address below __heap_base`);
  }
  return faults;
}

function exportFaults({ exports }: WasmModule): string[] {
  return LINKED_FUNCTIONS.filter(
    (wanted) => !exports.some(({ name, kind }) => name === wanted && kind === EXPORT_KIND.FUNCTION),
  ).map((name) => `exports no function ${name}`);
}

const between = (value: number, ranges: readonly (readonly [number, number])[]): boolean =>
  ranges.some(([from, to]) => value >= from && value <= to);
/** Loads, stores, constants, comparisons, arithmetic, conversions of f32 and f64. */
const FLOATS = [
  [0x2a, 0x2b],
  [0x38, 0x39],
  [0x43, 0x44],
  [0x5b, 0x66],
  [0x8b, 0xa6],
  [0xa8, 0xab],
  [0xae, 0xbf],
] as const;
const DIVISIONS = [
  [0x6d, 0x70],
  [0x7f, 0x82],
] as const;

function codeFaults(module: WasmModule, profile: LinkedProfile): string[] {
  const faults = new Set<string>();
  for (const { body } of module.functions) {
    for (const { opcode, start } of instructions(body, expressionStart(body))) {
      if (opcode === MEMORY_GROW) faults.add("uses memory.grow");
      if (between(opcode, FLOATS)) faults.add(`uses float instruction 0x${opcode.toString(16)}`);
      if (between(opcode, DIVISIONS)) faults.add(`uses division 0x${opcode.toString(16)}`);
      if (opcode === MISCELLANEOUS && body[start + 1] > LAST_SATURATING) faults.add("uses bulk memory");
      if (opcode === VECTOR && profile === "mcu") faults.add("uses vector instructions");
    }
  }
  return [...faults];
}
