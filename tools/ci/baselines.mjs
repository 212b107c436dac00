// Committed baselines of cycles and sizes, tools/ci/baselines.json: prints every change in percent.
//   node tools/ci/baselines.mjs --check   fails where cycles grew by more than 1 %, bytes by more than 2 %
//   node tools/ci/baselines.mjs --write   makes today's figures the baseline
import { readFileSync, writeFileSync } from "node:fs";
import { tsImport } from "tsx/esm/api";

const FILE = new URL("baselines.json", import.meta.url);
const LIMITS = { cycles: 0.01, bytes: 0.02 };

const { measureBytes, measureCycles } = await tsImport("./measure-baselines.ts", import.meta.url);
const now = { cycles: measureCycles(), bytes: measureBytes() };
if (process.argv.includes("--write")) {
  writeFileSync(FILE, `${JSON.stringify(now, null, 2)}\n`);
  console.log("wrote tools/ci/baselines.json");
} else {
  const baseline = JSON.parse(readFileSync(FILE, "utf8"));
  const worse = ["cycles", "bytes"].flatMap((kind) => compare(kind, baseline[kind], now[kind]));
  for (const line of worse) console.error(line);
  if (process.argv.includes("--check") && worse.length > 0) process.exitCode = 1;
}

/** Prints one line a figure; returns what is over the limit or has no baseline. */
function compare(kind, before, after) {
  const worse = [];
  for (const [name, value] of Object.entries(after)) {
    const old = before[name];
    if (old === undefined) {
      worse.push(`${name}: ${value} ${kind}, no baseline: run node tools/ci/baselines.mjs --write`);
      continue;
    }
    const change = value / old - 1;
    const percent = `${change > 0 ? "+" : ""}${(100 * change).toFixed(2)} %`;
    console.log(`${name.padEnd(52)} ${String(value).padStart(9)} ${kind.padEnd(6)} ${percent.padStart(8)}`);
    if (change > LIMITS[kind])
      worse.push(`${name}: ${old} -> ${value} ${kind}, ${percent} is more than ${100 * LIMITS[kind]} %`);
  }
  for (const name of Object.keys(before)) if (!(name in after)) console.log(`${name.padEnd(52)} not measured here`);
  return worse;
}
