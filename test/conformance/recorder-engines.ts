import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildWasm } from "../../packages/cli/src/targets/build-wasm.js";
import { missing } from "../support/requirements.js";
import type { Case } from "./engines.js";
import { CHECKSUM, checksumOf, expectedRecording, makeRecorder } from "./recorder.js";
import { recordInWizer, WIZER_ENGINES } from "./wizer.js";

/** An engine that is given a module with frames in its memory, since it takes none from outside. */
export interface RecorderEngine {
  readonly name: string;
  /** Whether all rows and the states of all half windows are the same bytes as in Node; throws where the engine gives no answer. */
  agrees(test: Case): Promise<boolean>;
}

/** Engines that no registry has: the variable that names the executable, its arguments, and how it prints a checksum. */
const OWN_ENGINES = [
  { name: "wamr", variable: "WAMR_IWASM", args: ["-f", CHECKSUM], result: /(0x[0-9a-f]+):i32/ },
  { name: "wasm3", variable: "WASM3", args: ["--func", CHECKSUM], result: /Result: (-?\d+)/ },
] as const;

/** Columns of this kind, whether their engines are here or not. */
export const RECORDER_ENGINE_NAMES = [...Object.keys(WIZER_ENGINES), ...OWN_ENGINES.map(({ name }) => name)];

/** Engines that the environment points at: `WAMR_IWASM=path`, `WASM3=path`. They print a checksum. */
function ownEngines(): RecorderEngine[] {
  return OWN_ENGINES.flatMap(({ name, variable, args, result }) => {
    const executable = process.env[variable];
    if (executable === undefined || executable === "") return [];
    const agrees = async ({ gate, frames, halfWindow }: Case): Promise<boolean> => {
      const folder = mkdtempSync(join(tmpdir(), "gatelet-own-"));
      try {
        const file = join(folder, "recorder.wasm");
        writeFileSync(file, makeRecorder(await buildWasm(gate), frames, halfWindow).bytes);
        const { stdout, stderr, error } = spawnSync(executable, [...args, file], { encoding: "utf8" });
        const printed = result.exec(`${stdout}${stderr}`)?.[1];
        if (printed === undefined) throw new Error(`${variable}=${executable}: ${error?.message ?? stdout + stderr}`);
        return (Number(printed) | 0) === checksumOf(await expectedRecording(gate, frames, halfWindow));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    };
    return [{ name, agrees }];
  });
}

/** The wasmtime in wizer, scalar and SIMD. Its memory is read, byte for byte. */
function wizerEngines(): RecorderEngine[] {
  if (missing("wizer")) return [];
  return Object.entries(WIZER_ENGINES).map(([name, simd]) => ({
    name,
    async agrees({ gate, frames, halfWindow }) {
      const recording = recordInWizer(await buildWasm(gate, { simd }), frames, halfWindow);
      const expected = await expectedRecording(gate, frames, halfWindow);
      if (typeof recording === "number" || typeof expected === "number") return recording === expected;
      const same = (part: "rows" | "states") => Buffer.compare(recording[part], expected[part]) === 0;
      return same("rows") && same("states");
    },
  }));
}

/** @param withWizer whether wizer's wasmtime is wanted: where Python has none, or where somebody asks for it */
export function recorderEngines(withWizer: boolean): RecorderEngine[] {
  return [...(withWizer ? wizerEngines() : []), ...ownEngines()];
}
