import { basename } from "node:path";
import { readModel } from "@gatelet/converter/format";
import { arduinoTarget } from "./arduino-target.js";
import { checkRam } from "./budget.js";
import { type BuiltWasm, buildWasm } from "./build-wasm.js";
import { cTarget } from "./c-target.js";
import { buildComponent, componentFiles } from "./component-target.js";
import { ESM_TYPES, esmBytes, esmLoader, esmPackage, esmReadme } from "./esm-files.js";
import { identifierOf } from "./names.js";
import { wasmExample, wasmHeader } from "./wasm-header.js";
import { zephyrTarget } from "./zephyr-target.js";

export interface BuildOptions {
  readonly simd: boolean;
  readonly ramBytes?: number;
  /** Path of the .gate file, which gives the built files their name. */
  readonly file: string;
}

/** Files that a target consists of, by their names. */
export interface BuildResult {
  readonly name: string;
  readonly files: ReadonlyMap<string, Uint8Array | string>;
  readonly wasm?: BuiltWasm;
  /** What the user may want to know or do besides. */
  readonly note?: string;
}

export const TARGETS = ["wasm", "esm", "component", "c", "arduino", "zephyr"] as const;
export type Target = (typeof TARGETS)[number];

const nameOf = (file: string): string => identifierOf(basename(file).replace(/\.gate$/i, ""));

/** `--target wasm`: the module, a C header and an embedding example. */
export async function wasmTarget(bytes: Uint8Array, { simd, ramBytes, file }: BuildOptions): Promise<BuildResult> {
  const wasm = await buildWasm(bytes, { simd });
  checkRam(wasm, ramBytes);
  const name = nameOf(file);
  const files = new Map<string, Uint8Array | string>([
    [`${name}.wasm`, wasm.bytes],
    [`${name}.h`, wasmHeader(wasm, name, simd)],
    [`${name}_example.c`, wasmExample(wasm, name)],
  ]);
  return { name, files, wasm };
}

/** Frames that a package's module takes in one call where the model has no window. */
const STREAM_FRAMES = 64;
const MOST_FRAMES = 256;

function framesACall(bytes: Uint8Array): number {
  const { window } = readModel(bytes).header;
  return window === 0 ? STREAM_FRAMES : Math.min(window, MOST_FRAMES);
}

/** `--target esm`: a package for npm. */
export async function esmTarget(bytes: Uint8Array, { simd, file }: BuildOptions): Promise<BuildResult> {
  const wasm = await buildWasm(bytes, { simd, frames: framesACall(bytes) });
  const name = nameOf(file);
  const files = new Map<string, Uint8Array | string>([
    ["package.json", esmPackage(name)],
    ["index.js", esmLoader(wasm, name)],
    ["index.d.ts", ESM_TYPES],
    ["bytes.js", esmBytes(wasm)],
    [`${name}.wasm`, wasm.bytes],
    ["README.md", esmReadme(wasm, name, simd)],
  ]);
  return { name, files, wasm };
}

/** `--target component`: a WebAssembly component, its WIT, and what jco makes of it for JavaScript. */
export async function componentTarget(bytes: Uint8Array, { simd, file }: BuildOptions): Promise<BuildResult> {
  const name = nameOf(file);
  const built = await buildComponent(bytes, name, { simd, frames: framesACall(bytes) });
  return { name, ...(await componentFiles(built, name)) };
}

/** Builds a target. Throws FormatError for a refused file, CliError `BUDGET`. */
export async function buildTarget(target: Target, bytes: Uint8Array, options: BuildOptions): Promise<BuildResult> {
  if (target === "wasm") return wasmTarget(bytes, options);
  if (target === "esm") return esmTarget(bytes, options);
  if (target === "component") return componentTarget(bytes, options);
  const name = nameOf(options.file);
  if (target === "arduino") return { name, files: await arduinoTarget(bytes, name) };
  if (target === "zephyr") return { name, files: await zephyrTarget(bytes, name) };
  return { name, files: await cTarget(bytes, name) };
}
