import { encodeModel } from "@gatelet/converter/format";
import { checkLinkedModule } from "@gatelet/kernels";
import { beforeAll, describe, expect, it } from "vitest";
import { buildWasm } from "../../packages/cli/src/targets/build-wasm.js";
import { encodeModule, parseModule, type WasmModule } from "../../packages/kernels-as/src/link/module.js";
import { kernelModel } from "../support/random-models.js";

const I32 = 0x7f;
const global = (module: WasmModule, name: string) =>
  module.globals[module.exports.find((entry) => entry.name === name)!.index];
/** A function body of these instructions. */
const body = (...code: number[]) => Uint8Array.of(0, ...code, 0x0b);

/** What WAMR would stumble over, and the fault that names it. */
const MUTATIONS: readonly (readonly [string, (module: WasmModule) => void, RegExp])[] = [
  [
    "an import",
    (m) => m.imports.push({ module: "env", name: "abort", kind: 0, descriptor: Uint8Array.of(0) }),
    /imports env.abort/,
  ],
  ["memory that can grow", (m) => (m.memory!.maximum = undefined), /minimum 1 and maximum none/],
  ["more memory than needed", (m) => (m.memory = { minimum: 2, maximum: 2 }), /memory has 2 pages/],
  [
    "no memory export",
    (m) => (m.exports = m.exports.filter(({ name }) => name !== "memory")),
    /does not export its memory/,
  ],
  ["no __data_end", (m) => (m.exports = m.exports.filter(({ name }) => name !== "__data_end")), /__data_end/],
  ["an unaligned __heap_base", (m) => (global(m, "__heap_base").value += 8), /not a multiple of 16/],
  [
    "a mutable __heap_base",
    (m) => (global(m, "__heap_base").isMutable = true),
    /__heap_base is not an exported immutable/,
  ],
  [
    "a stack pointer",
    (m) => m.globals.push({ type: I32, isMutable: true, value: 1024 }),
    /takes it for the stack pointer/,
  ],
  [
    "data behind the end",
    (m) => m.data.push({ offset: global(m, "__heap_base").value, bytes: Uint8Array.of(1) }),
    /data segment/,
  ],
  ["an unaligned buffer", (m) => (global(m, "frames").value += 2), /frames is/],
  [
    "a missing function",
    (m) => (m.exports = m.exports.filter(({ name }) => name !== "step")),
    /exports no function step/,
  ],
  ["memory.grow", (m) => (m.functions[0].body = body(0x41, 0, 0x40, 0, 0x1a)), /memory.grow/],
  ["memory.fill", (m) => (m.functions[0].body = body(0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 11, 0)), /bulk memory/],
  ["a float", (m) => (m.functions[0].body = body(0x43, 0, 0, 0, 0, 0x1a)), /float/],
  ["a division", (m) => (m.functions[0].body = body(0x41, 1, 0x41, 1, 0x6e, 0x1a)), /division/],
  ["a vector", (m) => (m.functions[0].body = body(0x41, 0, 0xfd, 15, 0x1a)), /vector/],
];

describe("the validator of self-contained modules", () => {
  let bytes: Uint8Array;
  beforeAll(async () => {
    bytes = (await buildWasm(encodeModel(kernelModel("LSTM", 1)))).bytes;
  });

  it("accepts what the linker makes", () => {
    expect(checkLinkedModule(bytes, "mcu")).toEqual([]);
    expect(checkLinkedModule(encodeModule(parseModule(bytes)), "mcu")).toEqual([]);
  });
  it.each(MUTATIONS)("finds %s", (_what, mutate, fault) => {
    const module = parseModule(bytes);
    mutate(module);
    expect(checkLinkedModule(encodeModule(module), "mcu").join("\n")).toMatch(fault);
  });
  it("finds a data count section, and what is no module at all", () => {
    const counted = Uint8Array.of(...bytes.subarray(0, 8), 12, 1, 1, ...bytes.subarray(8));
    expect(checkLinkedModule(counted, "mcu").join()).toMatch(/data count/);
    expect(checkLinkedModule(bytes.subarray(0, bytes.length - 5), "mcu")).toHaveLength(1);
    expect(checkLinkedModule(Uint8Array.of(1, 2, 3), "mcu")).toHaveLength(1);
  });
});
