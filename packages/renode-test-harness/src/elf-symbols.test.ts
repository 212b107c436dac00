import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parseElfSymbols, readElfSymbols } from "./elf-symbols.js";
import { RenodeError } from "./errors.js";

const elf = fileURLToPath(new URL("../test/firmware/blinky.gen.elf", import.meta.url));

describe("elf symbols", () => {
  it("reads addresses, sizes and kinds, without the thumb bit", () => {
    const symbols = readElfSymbols(elf);
    expect(symbols.get("g_answer")).toEqual({ name: "g_answer", address: 0x20000000, bytes: 4, kind: "object" });
    expect(symbols.get("stack_top")).toMatchObject({ address: 0x20040000, bytes: 0, kind: "other" });
    const begin = symbols.get("bench_begin");
    expect(begin?.kind).toBe("function");
    expect((begin?.address ?? 1) % 2).toBe(0);
    expect([...symbols.keys()].some((name) => name.startsWith("$"))).toBe(false);
  });

  it("refuses other files by name and reason", () => {
    expect(() => parseElfSymbols(Buffer.alloc(100), "x.bin")).toThrow("x.bin: no elf file");
    const bytes = readFileSync(elf);
    const wide = Buffer.from(bytes);
    wide[4] = 2;
    expect(() => parseElfSymbols(wide)).toThrow(/only 32-bit/);
  });

  it("survives any cut and any changed byte of the headers", () => {
    const bytes = readFileSync(elf);
    for (let length = 0; length < bytes.length; length += 37) attempt(bytes.subarray(0, length));
    const sections = bytes.readUInt32LE(32);
    for (const at of [
      ...Array(52).keys(),
      ...Array.from({ length: bytes.length - sections }, (_, i) => sections + i),
    ]) {
      for (const value of [0, 1, 0x7f, 0xff]) {
        const broken = Buffer.from(bytes);
        broken[at] = value;
        attempt(broken);
      }
    }
  });
});

function attempt(bytes: Buffer): void {
  try {
    parseElfSymbols(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(RenodeError);
    expect(error).toMatchObject({ code: "bad-elf" });
  }
}
