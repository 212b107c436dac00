import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { engineBytes, STATIC_BYTES, simdSupported } from "./engine.js";
import { ByteReader } from "./link/bytes.js";
import { expressionStart, instructions } from "./link/instructions.js";
import { parseModule } from "./link/module.js";

const between = (value: number, ...ranges: [number, number][]): boolean =>
  ranges.some(([from, to]) => value >= from && value <= to);

/** Loads, stores, constants, comparisons, arithmetic and conversions of f32 and f64. */
const isScalarFloat = (opcode: number): boolean =>
  between(opcode, [0x2a, 0x2b], [0x38, 0x39], [0x43, 0x44], [0x5b, 0x66], [0x8b, 0xa6], [0xa8, 0xab], [0xae, 0xbf]);
const isVectorFloat = (operation: number): boolean =>
  between(operation, [19, 20], [31, 34], [65, 76], [94, 95], [103, 106], [116, 117], [122, 122], [148, 148]) ||
  operation >= 224;
const isDivision = (opcode: number): boolean => between(opcode, [0x6d, 0x70], [0x7f, 0x82]);
const MEMORY_GROW = 0x40;
const MISCELLANEOUS = 0xfc;
const VECTOR = 0xfd;

/** What a module must not contain, by name, with how often it does. */
function forbidden(bytes: Uint8Array): Record<string, number> {
  const found: Record<string, number> = {};
  const note = (what: string, is: boolean) => {
    if (is) found[what] = (found[what] ?? 0) + 1;
  };
  for (const { body } of parseModule(bytes).functions) {
    for (const { opcode, start } of instructions(body, expressionStart(body))) {
      const operation = opcode >= MISCELLANEOUS ? new ByteReader(body, start + 1).u32() : -1;
      note("float", isScalarFloat(opcode) || (opcode === VECTOR && isVectorFloat(operation)));
      note("division", isDivision(opcode));
      note("memory.grow", opcode === MEMORY_GROW);
      note("bulk memory or float conversion", opcode === MISCELLANEOUS);
      note("vector", opcode === VECTOR);
    }
  }
  return found;
}

describe("scan", () => {
  it("sees what it forbids", () => {
    // (func (drop (f32.const 0)) (drop (i32.div_s (i32.const 1) (i32.const 1))) (drop (memory.grow (i32.const 0))))
    const body = [0, 0x43, 0, 0, 0, 0, 0x1a, 0x41, 1, 0x41, 1, 0x6d, 0x1a, 0x41, 0, 0x40, 0, 0x1a, 0x0b];
    const bytes = Uint8Array.from([
      ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 5, 3, 1, 0, 1],
      ...[10, body.length + 2, 1, body.length, ...body],
    ]);
    expect(WebAssembly.validate(bytes)).toBe(true);
    expect(forbidden(bytes)).toEqual({ float: 1, division: 1, "memory.grow": 1 });
  });
});

describe.each([
  ["scalar", 8192],
  ["simd", 12288],
] as const)("%s.wasm", (kind, limit) => {
  const bytes = engineBytes(kind);
  const module = parseModule(bytes);

  it("imports its memory and nothing else", () => {
    expect(WebAssembly.Module.imports(new WebAssembly.Module(bytes))).toEqual([
      { module: "env", name: "memory", kind: "memory" },
    ]);
  });
  it("has no float, no division, no memory.grow, no bulk memory; vectors only where they belong", () => {
    const { vector, ...rest } = forbidden(bytes);
    expect(rest).toEqual({});
    expect((vector ?? 0) > 0).toBe(kind === "simd");
  });
  it("has no mutable global, and ends its static data on a multiple of 16", () => {
    expect(module.globals.filter(({ isMutable }) => isMutable)).toEqual([]);
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
    const value = (name: string): number => (instance.exports[name] as WebAssembly.Global).value;
    expect(value("__heap_base") % 16).toBe(0);
    expect(value("__data_end")).toBe(value("__heap_base"));
    expect(value("__heap_base")).toBeLessThanOrEqual(STATIC_BYTES);
  });
  it(`is at most ${limit} bytes behind gzip`, () => {
    expect(gzipSync(bytes, { level: 9 }).length).toBeLessThanOrEqual(limit);
  });
});

describe("scalar-own-memory.wasm", () => {
  const bytes = readFileSync(new URL("../dist/scalar-own-memory.wasm", import.meta.url));
  it("needs nothing from its host", () => {
    const module = new WebAssembly.Module(bytes);
    expect(WebAssembly.Module.imports(module)).toEqual([]);
    expect(WebAssembly.Module.exports(module)).toContainEqual({ name: "memory", kind: "memory" });
    expect(forbidden(bytes)).toEqual({});
  });
});

describe("SIMD detection", () => {
  it("agrees with the SIMD engine", () => {
    expect(simdSupported()).toBe(WebAssembly.validate(engineBytes("simd")));
  });
});
