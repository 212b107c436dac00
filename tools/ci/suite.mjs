// Runs the Vitest suite with the ordinary reporter, and leaves the counts in build/results/<name>.json for CI's closing line.
// node tools/ci/suite.mjs [--slow] [vitest arguments]
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const args = process.argv.slice(2);
const slow = args.includes("--slow");
const rest = args.filter((argument) => argument !== "--slow");
const name = process.env.GATELET_SUITE_NAME ?? (slow ? "slow" : "suite");
mkdirSync(`${root}/build/results`, { recursive: true });

const vitest = join(dirname(createRequire(`${root}/package.json`).resolve("vitest/package.json")), "vitest.mjs");
const result = spawnSync(
  process.execPath,
  [
    vitest,
    "run",
    ...(slow ? ["--config", "vitest.slow.config.ts"] : []),
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${root}/build/results/${name}.json`,
    ...rest,
  ],
  { cwd: root, stdio: "inherit" },
);
process.exit(result.status ?? 1);
