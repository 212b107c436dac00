import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Folder of the benchmarks: its package.json pins the peers. */
export const BENCH_FOLDER = fileURLToPath(new URL("..", import.meta.url));
const fromBench = createRequire(join(BENCH_FOLDER, "package.json"));

/** Python with `pip install ai-edge-litert wasmtime`: a virtual environment's one through GATELET_PYTHON. */
export const PYTHON = process.env["GATELET_PYTHON"] ?? "python3";

const announced = new Set<string>();

/** Says once that something is left out, and how to get it. */
export function skip(what: string, hint: string): undefined {
  if (!announced.has(what)) console.warn(`skipped: ${what} is missing: ${hint}`);
  announced.add(what);
  return undefined;
}

/** Folder of a package of bench/package.json; undefined, and said aloud, where it is not installed. */
export function benchPackage(name: string): string | undefined {
  const folder = join(BENCH_FOLDER, "node_modules", name);
  return existsSync(folder) ? folder : skip(name, "npm ci --prefix bench");
}

export interface BenchModule<Exports> {
  readonly exports: Exports;
  readonly version: string;
  readonly folder: string;
}

/** Imports a package of bench/package.json. */
export async function importBench<Exports>(name: string): Promise<BenchModule<Exports> | undefined> {
  const folder = benchPackage(name);
  if (folder === undefined) return undefined;
  const module = (await import(fromBench.resolve(name))) as { default?: object };
  // CommonJS packages come as the default export
  const exports = { ...module.default, ...module } as Exports;
  return { exports, version: benchVersion(name), folder };
}

export const benchVersion = (name: string): string =>
  (fromBench(join(BENCH_FOLDER, "node_modules", name, "package.json")) as { version: string }).version;

/** Version of a Python package; undefined, and said aloud, where Python or the package is missing. */
export function pythonPackage(name: string): string | undefined {
  const code = `import importlib.metadata as m; print(m.version(${JSON.stringify(name)}))`;
  const { status, stdout } = spawnSync(PYTHON, ["-c", code], { encoding: "utf8" });
  if (status === 0) return stdout.trim();
  return skip(name, `pip install ${name} (GATELET_PYTHON names another Python than python3)`);
}
