import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { encodeModel, readModel } from "@gatelet/converter/format";
import { FIGURES, figureModel } from "../../firmware/test/support/figures.js";
import { Random } from "../../test/support/random.js";
import { randomFrames, randomModel } from "../../test/support/random-models.js";
import { Bench } from "../predict/measure.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Simulated cycles of fixed models, all frames the same on every machine. */
export function measureCycles(): Record<string, number> {
  const elf = new Uint8Array(readFileSync(join(root, "firmware/generated/runner-nrf52840.gen.elf")));
  const bench = new Bench(elf, 0);
  const cycles: Record<string, number> = {};
  for (const figure of FIGURES) {
    for (const bits of [8, 4] as const) {
      const model = figureModel(figure, bits);
      const [few, more] = [8, 12].map((steps) => {
        const frames = new Random(2).int16s(steps * figure.inputs);
        return bench.run(model, frames, figure.inputs, 2).cycles[1]!;
      }) as [number, number];
      cycles[`${figure.name} int${bits}, a step`] = (more - few) / 4;
    }
  }
  for (const seed of [1, 4, 9, 16, 25]) {
    const model = encodeModel(randomModel(seed, { wildness: 0 }));
    const { header, records } = readModel(model);
    const frames = randomFrames(seed, header, header.window || 8);
    const flat = Int16Array.from(frames.flatMap((frame) => [...frame]));
    const run = bench.run(model, flat, header.frameSize, records.length);
    cycles[`random model ${seed}`] = run.cycles.reduce((sum, value) => sum + value, 0);
  }
  return cycles;
}

/** Configurations of the firmware library: flags of gcc beside FLAGS. */
const LIBRARIES = {
  "all kernels, -O2": ["-O2"],
  "all kernels, -Os": ["-Os"],
  "LSTM and Dense at 8 bits, -O2": ["-O2", "-DGATELET_KERNELS=0x49u", "-DGATELET_INT4=0"],
  "LSTM only at 8 bits, -O2": ["-O2", "-DGATELET_KERNELS=0x9u", "-DGATELET_INT4=0"],
  "LSTM only at 8 bits, -Os": ["-Os", "-DGATELET_KERNELS=0x9u", "-DGATELET_INT4=0"],
  "GRU only, -O2": ["-O2", "-DGATELET_KERNELS=0x11u"],
  "Dense and Conv1D, -O2": ["-O2", "-DGATELET_KERNELS=0xc1u"],
} as const;
const FLAGS = [
  ...["-mcpu=cortex-m4", "-mthumb", "-std=c11", "-ffreestanding", "-ffunction-sections", "-fdata-sections"],
  "-DGATELET_CORTEX_M4=1",
];
/** What a program calls that checks a model and runs it. */
const CALLED = ["gatelet_check", "gatelet_init", "gatelet_step"];

function tool(command: string, args: readonly string[], cwd: string): string | undefined {
  const run = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (run.error !== undefined) return undefined;
  if (run.status !== 0) throw new Error(`${command}: ${run.stderr}`);
  return run.stdout;
}

/** Bytes of the sections whose names begin with `.text` and with `.rodata`. */
function sectionBytes(listing: string): { text: number; tables: number } {
  const bytes = { text: 0, tables: 0 };
  for (const [, name, size] of listing.matchAll(/^\.(text|rodata)\S*\s+(\d+)/gm)) {
    bytes[name === "text" ? "text" : "tables"] += Number(size);
  }
  return bytes;
}

/**
 * Code and tables of the library: all objects as compiled, and what a linker keeps of the code for CALLED. Undefined without the
 * cross compiler.
 */
function librarySizes(flags: readonly string[]): Record<string, number> | undefined {
  const folder = mkdtempSync(join(tmpdir(), "gatelet-sizes-"));
  try {
    const sources = readdirSync(join(root, "firmware/src")).filter((name) => /\.[cS]$/.test(name));
    const files = sources.map((name) => join(root, "firmware/src", name));
    const include = ["-I", join(root, "firmware/include"), "-I", join(root, "firmware/src")];
    if (tool("arm-none-eabi-gcc", [...FLAGS, ...flags, ...include, "-c", ...files], folder) === undefined)
      return undefined;
    const objects = readdirSync(folder);
    const all = sectionBytes(tool("arm-none-eabi-size", ["-A", ...objects], folder)!);
    const keep = CALLED.map((name) => `-Wl,-u,${name}`);
    const link = ["-nostdlib", "-Wl,--gc-sections,--unresolved-symbols=ignore-all,-e,gatelet_step", ...keep];
    tool("arm-none-eabi-gcc", ["-mcpu=cortex-m4", "-mthumb", ...objects, ...link, "-o", "linked"], folder);
    const linked = sectionBytes(tool("arm-none-eabi-size", ["-A", "linked"], folder)!);
    return { ".text": all.text, tables: all.tables, ".text linked for check, init and step": linked.text };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Bytes of what is shipped: the kernels' WebAssembly, the firmware library where it can be compiled. */
export function measureBytes(): Record<string, number> {
  const bytes: Record<string, number> = {};
  for (const name of ["scalar.wasm", "simd.wasm", "scalar-own-memory.wasm"]) {
    const path = join(root, "packages/kernels-as/dist", name);
    if (!existsSync(path)) continue;
    const file = readFileSync(path);
    bytes[`kernels ${name}`] = file.length;
    bytes[`kernels ${name}, gzip`] = gzipSync(file, { level: 9 }).length;
  }
  for (const [name, flags] of Object.entries(LIBRARIES)) {
    for (const [what, size] of Object.entries(librarySizes(flags) ?? {})) bytes[`firmware ${name}: ${what}`] = size;
  }
  return bytes;
}
