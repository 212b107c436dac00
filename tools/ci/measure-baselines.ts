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

const LIBRARIES = {
  "firmware objects, all kernels": [],
  "firmware objects, LSTM and Dense at 8 bits": ["-DGATELET_KERNELS=0x49", "-DGATELET_INT4=0"],
} as const;
const FLAGS = ["-mcpu=cortex-m4", "-mthumb", "-std=c11", "-O2", "-ffreestanding", "-DGATELET_CORTEX_M4=1"];

/** Code and constants of the library as compiled, before a linker leaves anything out; undefined without the cross compiler. */
function librarySize(defines: readonly string[]): number | undefined {
  const folder = mkdtempSync(join(tmpdir(), "gatelet-sizes-"));
  try {
    const sources = readdirSync(join(root, "firmware/src")).filter((name) => /\.[cS]$/.test(name));
    const files = sources.map((name) => join(root, "firmware/src", name));
    const include = ["-I", join(root, "firmware/include"), "-I", join(root, "firmware/src")];
    const gcc = spawnSync("arm-none-eabi-gcc", [...FLAGS, ...defines, ...include, "-c", ...files], { cwd: folder });
    if (gcc.error !== undefined) return undefined;
    if (gcc.status !== 0) throw new Error(gcc.stderr.toString());
    const size = spawnSync("arm-none-eabi-size", ["-t", ...readdirSync(folder)], { cwd: folder, encoding: "utf8" });
    if (size.error !== undefined) return undefined;
    return Number(size.stdout.trimEnd().split("\n").at(-1)!.trim().split(/\s+/)[0]);
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
  for (const [name, defines] of Object.entries(LIBRARIES)) {
    const size = librarySize(defines);
    if (size !== undefined) bytes[name] = size;
  }
  return bytes;
}
