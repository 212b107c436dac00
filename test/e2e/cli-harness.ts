import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Where the command is put together from its TypeScript sources, so that a stale dist/ can never make a test pass. */
const BUNDLES = join(ROOT, "build/e2e-cli");
mkdirSync(BUNDLES, { recursive: true });
const home = mkdtempSync(join(BUNDLES, "run-"));
const MAIN = join(home, "dist/main.mjs");
cpSync(join(ROOT, "packages/cli/package.json"), join(home, "package.json"));
/** Sources of the packages, by the names under which they are imported. */
export const SOURCE_ALIASES: Record<string, string> = Object.fromEntries(
  Object.entries({
    "@gatelet/converter/format": "converter/src/format/index.ts",
    "@gatelet/converter": "converter/src/index.ts",
    "@gatelet/kernels": "kernels-as/src/index.ts",
    "@gatelet/sim": "sim/src/index.ts",
    "@gatelet/train": "train/src/index.ts",
    "gatelet/model": "cli/src/model.ts",
    gatelet: "cli/src/index.ts",
  }).map(([name, path]) => [name, join(ROOT, "packages", path)]),
);
await build({
  entryPoints: [join(ROOT, "packages/cli/src/main.ts")],
  outfile: MAIN,
  bundle: true,
  platform: "node",
  format: "esm",
  packages: "external",
  logLevel: "error",
  alias: SOURCE_ALIASES,
});
process.once("exit", () => rmSync(home, { recursive: true, force: true }));

/** The committed example. */
export const EXAMPLE = join(ROOT, "examples/pump");
export const README = join(ROOT, "README.md");

/** Contents of the fenced blocks of one language in a Markdown file. */
export function codeBlocks(file: string, language: string): string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm");
  return [...readFileSync(file, "utf8").matchAll(fence)].map((match) => match[1]!);
}

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts `gatelet` at the root of the repository, without a terminal. */
export function startCli(args: readonly string[], nodeFlags: readonly string[] = []) {
  return spawn(process.execPath, [...nodeFlags, MAIN, ...args], {
    cwd: ROOT,
    env: { ...process.env, COLUMNS: "80", NO_COLOR: "1" },
    stdio: "pipe",
  });
}

/** Runs `gatelet` to its end. */
export function runCli(args: readonly string[], input: string | Uint8Array = ""): Promise<CliResult> {
  return finished(startCli(args), input);
}

/** Runs a JavaScript file at the root of the repository. */
export function runNode(file: string): Promise<CliResult> {
  return finished(spawn(process.execPath, [file], { cwd: ROOT, stdio: "pipe" }), "");
}

function finished(child: ChildProcessWithoutNullStreams, input: string | Uint8Array): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    // A command that refuses its arguments may end before it has read its input.
    child.stdin.on("error", () => {});
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
    child.stdin.end(input);
  });
}

/** A folder for one test file, and its removal. */
export function temporaryFolder(): { readonly path: (name: string) => string; remove(): Promise<void> } {
  const folder = mkdtempSync(join(tmpdir(), "gatelet-cli-"));
  return { path: (name) => join(folder, name), remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Converts the example; returns the path of the `.gate` file. */
export async function convertExample(output: string, ...more: readonly string[]): Promise<string> {
  const calibration = ["--calibrate", join(EXAMPLE, "calibration.csv")];
  const result = await runCli(["convert", join(EXAMPLE, "model.json"), ...calibration, "-o", output, ...more]);
  if (result.code !== 0) throw new Error(result.stderr);
  return output;
}
