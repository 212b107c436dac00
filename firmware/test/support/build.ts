import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const firmwareFolder = fileURLToPath(new URL("../..", import.meta.url));
const at = (path: string) => join(firmwareFolder, path);

/** style.md's flags: a warning is an error everywhere. */
export const WARNINGS = [
  "-Wall",
  "-Wextra",
  "-Werror",
  "-Wconversion",
  "-Wshadow",
  "-Wdouble-promotion",
  "-Wcast-align",
] as const;
export const CORTEX_M4 = ["-mcpu=cortex-m4", "-mthumb"] as const;

const sourcesEndingIn = (end: string): string[] =>
  readdirSync(at("src"))
    .filter((name) => name.endsWith(end))
    .sort()
    .map((name) => at(`src/${name}`));

/** C files of the library, absolute, in a fixed order. */
export const librarySources = (): string[] => sourcesEndingIn(".c");

export const assemblySources = (): string[] => sourcesEndingIn("_cortex_m4.S");

/** Runs a tool; throws with its output where it fails. */
export function run(command: string, args: readonly string[], timeoutMs = 120_000): string {
  const result = spawnSync(command, args, {
    encoding: "utf8",
    timeout: timeoutMs,
    maxBuffer: 1 << 26,
    cwd: firmwareFolder,
  });
  if (result.error !== undefined) throw result.error;
  if (result.status !== 0) {
    throw new Error(`${command} ended with ${result.status ?? result.signal}:\n${result.stdout}${result.stderr}`);
  }
  return result.stdout;
}

function fingerprint(parts: readonly string[], files: readonly string[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part}\0`);
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest("hex").slice(0, 16);
}

const headers = (): string[] =>
  ["include", "src"].flatMap((folder) =>
    readdirSync(at(folder))
      .filter((name) => name.endsWith(".h"))
      .sort()
      .map((name) => at(`${folder}/${name}`)),
  );

/**
 * Builds a program once per contents of its sources (cached in the system's temporary folder) and returns its path.
 * @param args   everything but sources and -o
 */
export function buildProgram(
  name: string,
  command: string,
  args: readonly string[],
  sources: readonly string[],
): string {
  const folder = join(tmpdir(), "gatelet-firmware-tests");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}-${fingerprint([command, ...args], [...sources, ...headers()])}`);
  if (existsSync(path)) return path;
  const draft = `${path}.${process.pid}`;
  run(command, [...args, "-I", at("include"), "-I", at("src"), ...sources, "-o", draft]);
  renameSync(draft, path);
  return path;
}

/** A way to compile and run the test driver. */
export interface Machine {
  readonly name: string;
  readonly requirements: readonly ("cc" | "clang" | "arm-gcc" | "qemu")[];
  build(): string;
  /** Command line that runs the built driver with two arguments. */
  command(program: string, job: string, result: string): readonly [string, readonly string[]];
}

const SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover", "-fno-omit-frame-pointer"];

const host = (name: string, requirement: "cc" | "clang", command: string, flags: readonly string[]): Machine => ({
  name,
  requirements: [requirement],
  build: () =>
    buildProgram(name, command, ["-std=c11", ...WARNINGS, ...flags], [...librarySources(), at("test/driver.c")]),
  command: (program, job, result) => [program, [job, result]],
});

const cortexM4 = (name: string, flags: readonly string[], assembly: boolean): Machine => ({
  name,
  requirements: ["arm-gcc", "qemu"],
  build: () =>
    buildProgram(
      name,
      "arm-none-eabi-gcc",
      [
        ...CORTEX_M4,
        "-std=c11",
        "-O2",
        "-ffunction-sections",
        "-fdata-sections",
        ...WARNINGS,
        ...flags,
        "-nostartfiles",
        "--specs=rdimon.specs",
        "-T",
        at("test/mps2_an386.ld"),
        "-Wl,--gc-sections",
      ],
      [...librarySources(), ...(assembly ? assemblySources() : []), at("test/driver.c"), at("test/mps2_startup.c")],
    ),
  command: (program, job, result) => ["qemu-system-arm", qemuArguments(program, [job, result])],
});

/** mps2-an386 with semihosting; extra arguments go first. */
export const qemuArguments = (program: string, args: readonly string[], extra: readonly string[] = []): string[] => [
  ...extra,
  ...["-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "none"],
  ...["-semihosting-config", ["enable=on,target=native", ...["driver", ...args].map((arg) => `arg=${arg}`)].join(",")],
  ...["-kernel", program],
];

/** Host gcc with ASan and UBSan, built with more flags than MACHINES: what a smaller configuration does. */
export const sanitized = (name: string, flags: readonly string[]): Machine =>
  host(`gcc-sanitized-${name}`, "cc", "cc", ["-O1", "-g", ...SANITIZERS, ...flags]);

/** The same suite runs on all of them. */
export const MACHINES: readonly Machine[] = [
  host("gcc-sanitized", "cc", "cc", ["-O1", "-g", ...SANITIZERS]),
  host("clang-sanitized", "clang", "clang", ["-O1", "-g", ...SANITIZERS]),
  host("gcc-O3", "cc", "cc", ["-O3"]),
  cortexM4("cortex-m4-portable", [], false),
  cortexM4("cortex-m4-assembly", ["-DGATELET_CORTEX_M4=1"], true),
];

/** Program that counts instructions per layer under QEMU (count.c). */
export const buildCounter = (): string =>
  buildProgram(
    "cortex-m4-count",
    "arm-none-eabi-gcc",
    [
      ...[...CORTEX_M4, "-std=c11", "-O2", "-ffreestanding", "-fno-tree-loop-distribute-patterns"],
      ...["-ffunction-sections", "-fdata-sections", "-DGATELET_CORTEX_M4=1", "-DGATELET_PROFILE=1"],
      ...["-nostartfiles", "--specs=rdimon.specs", "-T", at("test/mps2_an386.ld"), "-Wl,--gc-sections"],
    ],
    [...librarySources(), ...assemblySources(), at("test/count.c"), at("test/mps2_startup.c")],
  );
