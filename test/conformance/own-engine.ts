import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildWasm } from "../../packages/cli/src/targets/build-wasm.js";
import type { Case } from "./engines.js";
import { expectedChecksum, WRAPPED_EXPORT, wrapModule } from "./wrapped.js";

/** Interpreters take microseconds a multiplication, and frames lie in the module. */
const FRAME_BYTES = 16_384;

/** Engines that no registry has: the variable that names the executable, its arguments, and how it prints the result. */
const OWN_ENGINES = [
  { name: "wamr", variable: "WAMR_IWASM", args: ["-f", WRAPPED_EXPORT], result: /(0x[0-9a-f]+):i32/ },
  { name: "wasm3", variable: "WASM3", args: ["--func", WRAPPED_EXPORT], result: /Result: (-?\d+)/ },
] as const;

export interface OwnEngine {
  readonly name: string;
  /** Whether the first frames give the same bytes; throws where the engine gives no answer. */
  agrees(test: Case): Promise<boolean>;
}

/** Engines that the environment points at: `WAMR_IWASM=path`, `WASM3=path`. */
export function ownEngines(): OwnEngine[] {
  return OWN_ENGINES.flatMap(({ name, variable, args, result }) => {
    const executable = process.env[variable];
    if (executable === undefined || executable === "") return [];
    const agrees = async ({ gate, frames, frameSize }: Case): Promise<boolean> => {
      const most = Math.max(1, Math.floor(FRAME_BYTES / (2 * frameSize)));
      const part = frames.subarray(0, most * frameSize);
      const folder = mkdtempSync(join(tmpdir(), "gatelet-own-"));
      try {
        const file = join(folder, "wrapped.wasm");
        writeFileSync(file, wrapModule(await buildWasm(gate), part));

        const { stdout, stderr, error } = spawnSync(executable, [...args, file], { encoding: "utf8" });
        const printed = result.exec(`${stdout}${stderr}`)?.[1];
        if (printed === undefined) throw new Error(`${variable}=${executable}: ${error?.message ?? stdout + stderr}`);
        return (Number(printed) | 0) === (await expectedChecksum(gate, part));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    };
    return [{ name, agrees }];
  });
}
