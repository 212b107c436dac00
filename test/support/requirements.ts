import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Extra things a test may need beside Node and npm, and how a user gets each of them. */
const INSTALL_HINTS = {
  shared: "put the shared data folder beside the repository, or set GATELET_SHARED",
  cc: "apt-get install gcc",
  clang: "apt-get install clang",
  "arm-gcc": "apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi",
  qemu: "apt-get install qemu-system-arm",
  gdb: "apt-get install gdb-multiarch",
  renode: "install Renode 1.16.1 and set RENODE to its executable",
  chromium: "apt-get install chromium",
  python: "apt-get install python3 python3-pip",
  wasmtime: "pip install wasmtime",
  wizer: "npm run extras",
  jco: "npm run extras",
  workerd: "npm run extras (Linux x64)",
  deno: "npm run extras (Linux x64)",
  bun: "npm run extras (Linux x64)",
  attw: "npm run extras",
  vite: "npm run extras",
  playwright: "npm run extras",
} as const;

export type Requirement = keyof typeof INSTALL_HINTS;

const COMMANDS: Partial<Record<Requirement, string>> = {
  cc: "cc",
  clang: "clang",
  "arm-gcc": "arm-none-eabi-gcc",
  qemu: "qemu-system-arm",
  gdb: "gdb-multiarch",
  renode: process.env["RENODE"] ?? "renode",
  chromium: "chromium",
  python: "python3",
};

/** Requirements that `test/extras` installs, and the package of each. */
const EXTRAS: Partial<Record<Requirement, string>> = {
  wizer: "@bytecodealliance/wizer",
  jco: "@bytecodealliance/jco",
  workerd: "@cloudflare/workerd-linux-64",
  deno: "@deno/linux-x64-glibc",
  bun: "@oven/bun-linux-x64-baseline",
  attw: "@arethetypeswrong/cli",
  vite: "vite",
  playwright: "playwright-core",
};

/** Folder of an installed package of `test/extras`, e.g. `extrasPackage("workerd")`. Throws for a requirement that is none. */
export function extrasPackage(requirement: Requirement): string {
  const name = EXTRAS[requirement];
  if (name === undefined) throw new Error(`${requirement} is not a package of test/extras`);
  return fileURLToPath(new URL(`../extras/node_modules/${name}`, import.meta.url));
}

/** Folder with the shared recordings and trained models; undefined where it is absent. */
export function sharedFolder(): string | undefined {
  const folder = process.env["GATELET_SHARED"] ?? fileURLToPath(new URL("../../../shared", import.meta.url));
  return existsSync(`${folder}/models/README.md`) ? folder : undefined;
}

function isPresent(requirement: Requirement): boolean {
  if (requirement === "shared") return sharedFolder() !== undefined;
  if (requirement === "wasmtime")
    return spawnSync("python3", ["-c", "import wasmtime"], { stdio: "ignore" }).status === 0;
  if (EXTRAS[requirement] !== undefined) return existsSync(`${extrasPackage(requirement)}/package.json`);
  const command = COMMANDS[requirement];
  return command !== undefined && spawnSync(command, ["--version"], { stdio: "ignore" }).error === undefined;
}

const announced = new Set<Requirement>();

/**
 * Tells whether a test that needs `requirements` must be skipped, and says so aloud.
 * In CI, `GATELET_REQUIRE=shared,cc,...` turns a missing requirement into an error.
 * Use: `describe.skipIf(missing("cc", "shared"))("...", ...)`.
 */
export function missing(...requirements: Requirement[]): boolean {
  const required = (process.env["GATELET_REQUIRE"] ?? "").split(",");
  let skip = false;
  for (const requirement of requirements) {
    if (isPresent(requirement)) continue;
    const hint = `${requirement} is missing: ${INSTALL_HINTS[requirement]}`;
    if (required.includes(requirement)) throw new Error(`GATELET_REQUIRE names ${hint}`);
    if (!announced.has(requirement)) console.warn(`skipped: ${hint}`);
    announced.add(requirement);
    skip = true;
  }
  return skip;
}
