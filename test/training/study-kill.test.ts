import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { generatePump, PUMP_CLASSES } from "@gatelet/train";
import { afterEach, beforeEach, expect, it } from "vitest";

const CHILD = fileURLToPath(new URL("./study-child.ts", import.meta.url));
const CHILD_PATHS = fileURLToPath(new URL("./tsconfig.child.json", import.meta.url));
const POLL_MS = 2;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gatelet-kill-"));
  await writeFile(join(folder, "pump.csv"), pumpCsv());
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Six pumps, 12 seconds each, as a person would keep them. */
function pumpCsv(): string {
  const lines = ["session,x,y,z,label"];
  for (const { name, samples, labels } of generatePump({ seed: 11, machines: 6, recordings: 1, seconds: 12 })
    .sequences) {
    (labels as Uint16Array).forEach((label, t) => {
      lines.push([name, ...samples.subarray(3 * t, 3 * t + 3), PUMP_CLASSES[label]].join(","));
    });
  }
  return lines.join("\n");
}

/** Starts the study in a process of its own; kills it without warning as soon as `enough` holds. */
async function study(output: string, enough?: () => boolean): Promise<{ code: number | null; signal: string | null }> {
  const child: ChildProcess = spawn(
    process.execPath,
    ["--import", "tsx", CHILD, join(folder, "pump.csv"), join(folder, output)],
    { env: { ...process.env, TSX_TSCONFIG_PATH: CHILD_PATHS }, stdio: ["ignore", "ignore", "inherit"] },
  );
  const watch = setInterval(() => {
    if (enough?.()) child.kill("SIGKILL");
  }, POLL_MS);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      clearInterval(watch);
      resolve({ code, signal });
    });
  });
}

const epochsOf = (run: string) => {
  const path = join(folder, "killed", run, "metrics.jsonl");
  return existsSync(path) ? readFileSync(path, "utf8").split("\n").length - 1 : 0;
};
const rowsDone = () => {
  const path = join(folder, "killed", "rows");
  return existsSync(path) ? readdirSync(path).filter((name) => name.endsWith(".json")).length : 0;
};

it("gives the same tables, byte for byte, after kill -9 between and within trainings and among the rows", async () => {
  expect(await study("whole")).toEqual({ code: 0, signal: null });
  const killed = { code: null, signal: "SIGKILL" };
  expect(await study("killed", () => epochsOf("gru-seed1") >= 2)).toEqual(killed);
  expect(existsSync(join(folder, "killed/gru-seed1/result.json"))).toBe(false);
  expect(await study("killed", () => epochsOf("rnn-seed1") >= 1)).toEqual(killed);
  expect(rowsDone()).toBe(0);
  expect(await study("killed", () => rowsDone() >= 1)).toEqual(killed);
  expect(existsSync(join(folder, "killed/study.json"))).toBe(false);
  expect(await study("killed")).toEqual({ code: 0, signal: null });

  // The run that was killed in its middle went on instead of beginning anew.
  const { outcome } = JSON.parse(await readFile(join(folder, "killed/gru-seed1/result.json"), "utf8"));
  expect(outcome.resumedAt).toBeGreaterThanOrEqual(1);
  for (const file of ["study.md", "study.json"]) {
    const [whole, resumed] = await Promise.all(
      ["whole", "killed"].map((name) => readFile(join(folder, name, file), "utf8")),
    );
    expect(resumed).toBe(whole);
  }
}, 240_000);
