import { spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { RenodeError } from "./errors.js";

export interface RenodeVersion {
  /** Dotted number, as "1.16.1.17888". */
  readonly number: string;
  /** Everything the executable says about itself, on one line. Print it beside counts. */
  readonly text: string;
}

/**
 * Path of the Renode executable: `RENODE` (a file, or a folder that holds `renode`), then `renode` on `PATH`.
 * @returns undefined where there is none; a test can then skip
 * @throws RenodeError "not-found" when `RENODE` is set but names nothing executable: that is a mistake, not an absence
 */
export function findRenode(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = env["RENODE"];
  if (named !== undefined && named !== "") {
    const found = [named, join(named, "renode")].find(isExecutable);
    if (found === undefined) throw new RenodeError("not-found", `RENODE is ${named}, which is no executable`);
    return resolve(found);
  }
  return (env["PATH"] ?? "")
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, "renode"))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * Runs `renode --version`. Costs under a second.
 * @throws RenodeError "start-failed" when it does not run or tells no version, "wall-timeout" after `timeoutMs`
 */
export async function readRenodeVersion(
  executable: string,
  env: NodeJS.ProcessEnv = process.env,
  timeoutMs = 20_000,
): Promise<RenodeVersion> {
  const started = performance.now();
  const child = spawn(executable, ["--version"], { env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  let output = "";
  const collect = (chunk: Buffer) => {
    if (output.length < 65_536) output += chunk.toString();
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const end = await new Promise<{ exitCode: number | null; signal: NodeJS.Signals | null; cause?: Error }>((settle) => {
    const timer = setTimeout(() => killGroup(child.pid), timeoutMs);
    child.on("error", (cause) => settle({ exitCode: null, signal: null, cause }));
    child.on("close", (exitCode, signal) => {
      clearTimeout(timer);
      settle({ exitCode, signal });
    });
  });
  const durationMs = performance.now() - started;
  const facts = { command: [executable, "--version"], ...end, durationMs, transcript: output };
  if (durationMs >= timeoutMs) {
    throw new RenodeError("wall-timeout", `renode --version took more than ${timeoutMs} ms`, facts);
  }
  const text = output.replace(/\s+/g, " ").trim();
  const number = /Renode,?\s+(?:version\s+)?v?(\d+(?:\.\d+)+)/i.exec(text)?.[1];
  if (number === undefined) {
    throw new RenodeError("start-failed", `${executable} --version tells no Renode version`, facts, end);
  }
  return { number, text };
}

/** True if `number` is `wanted` or a later part of it: "1.16" accepts 1.16.1.17888, not 1.160. */
export function matchesVersion(number: string, wanted: string): boolean {
  return number === wanted || number.startsWith(`${wanted}.`);
}

/** SIGKILL to a process group; a group already gone is fine. */
export function killGroup(pid: number | undefined, signal: NodeJS.Signals = "SIGKILL"): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // No such group any more.
  }
}
