import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BuiltWasm } from "../../packages/cli/src/targets/build-wasm.js";
import { parseModule } from "../../packages/kernels-as/src/link/module.js";
import { extrasPackage } from "../support/requirements.js";
import { makeRecorder, RECORD, type Recording } from "./recorder.js";

const PAGE_BYTES = 65536;

/** Columns of wizer's wasmtime; true: SIMD. */
export const WIZER_ENGINES = { "wasmtime (wizer) scalar": false, "wasmtime (wizer) simd": true } as const;

function wizer(args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(
    process.execPath,
    [join(extrasPackage("wizer"), "wizer.js"), ...args],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`wizer ${args.join(" ")}: ${error?.message ?? stderr.trim()}`);
  return stdout;
}

/** Memory as a new instance of a module has it. */
function initialMemory(bytes: Uint8Array): Uint8Array {
  const { memory, data } = parseModule(bytes);
  const image = new Uint8Array((memory?.minimum ?? 0) * PAGE_BYTES);
  for (const { offset, bytes: part } of data) image.set(part, offset);
  return image;
}

/**
 * What a module makes of frames in the wasmtime that wizer has in itself: wizer runs an exported function and writes a
 * module whose memory begins as the function left it, so that the answer is read from its data segments.
 * @param built made for one frame a call
 * @returns a negative status where a frame is refused; throws where wizer fails
 */
export function recordInWizer(built: BuiltWasm, frames: Int16Array, stateEvery: number): Recording | number {
  const recorder = makeRecorder(built, frames, stateEvery);
  const folder = mkdtempSync(join(tmpdir(), "gatelet-wizer-"));
  try {
    const [input, output] = ["recorder.wasm", "snapshot.wasm"].map((name) => join(folder, name));
    writeFileSync(input, recorder.bytes);
    wizer([input, "--init-func", RECORD, "-o", output]);
    return recorder.recordingOf(initialMemory(readFileSync(output)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
