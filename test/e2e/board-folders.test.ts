// Folders for board build systems, compiled with a few lines in place of the board's own API, and compared with the reference.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ReferenceModel } from "../reference/index.js";
import { randomFrames } from "../support/random-models.js";
import { missing } from "../support/requirements.js";
import { convertExample, runCli, temporaryFolder } from "./cli-harness.js";

const folder = temporaryFolder();
let gate: Uint8Array;

beforeAll(async () => {
  gate = new Uint8Array(readFileSync(await convertExample(folder.path("pump.gate"))));
  for (const target of ["arduino", "zephyr"]) {
    const { code, stderr } = await runCli([
      "build",
      folder.path("pump.gate"),
      "--target",
      target,
      "-o",
      folder.path(target),
    ]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
  }
});
afterAll(() => folder.remove());

function expected(frames: readonly Int16Array[]): number[] {
  const stream = new ReferenceModel(gate).createStream();
  return frames.flatMap((frame) => stream.step(frame).rows.map((row) => [...row].indexOf(Math.max(...row))));
}

function compile(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { cwd: folder.path(""), encoding: "utf8" });
  expect(stderr).toBe("");
  expect(status).toBe(0);
}

/** Compiles every source of a target that ends in one of `endings`; returns the objects. */
function compileLibrary(compiler: string, target: string, flags: readonly string[], ...endings: string[]): string[] {
  const source = join(folder.path(target), "src");
  const names = (readdirSync(source, { recursive: true }) as string[]).filter((name) =>
    endings.some((end) => name.endsWith(end)),
  );
  expect(names.length).toBeGreaterThan(20);
  return names.map((name) => {
    const object = join(folder.path(target), `${name.replace(/\W/g, "_")}.o`);
    compile(compiler, ["-Os", "-Wall", "-Wextra", "-Werror", ...flags, "-c", join(source, name), "-o", object]);
    return object;
  });
}

function stub(name: string, text: string): void {
  const path = folder.path(`stubs/${name}`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

const numbers = (text: string) => text.trim().split("\n").map(Number);

describe("gatelet build --target arduino", () => {
  it("is a library by its layout, and brings no assembly that another processor would choke on", () => {
    const names = readdirSync(folder.path("arduino"), { recursive: true }) as string[];
    expect(names).toContain("library.properties");
    expect(names).toContain(join("examples", "pump_stream", "pump_stream.ino"));
    expect(names.filter((name) => name.endsWith(".S"))).toEqual([]);
    const properties = readFileSync(folder.path("arduino/library.properties"), "utf8");
    for (const key of ["name", "version", "author", "maintainer", "sentence", "category", "architectures"]) {
      expect(properties).toMatch(new RegExp(`^${key}=.+$`, "m"));
    }
  });
  it.skipIf(missing("cc"))("has a sketch that compiles as C++ and decides as the reference does", () => {
    stub(
      "Arduino.h",
      `#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
struct Port { void begin(long) {} void println(long value) { printf("%ld\\n", value); } };
static Port Serial;
static inline void delay(unsigned long) {}
static inline int analogRead(int) { int16_t value; if (fread(&value, 2, 1, stdin) != 1) exit(0); return value; }
`,
    );
    stub("main.cpp", '#include "sketch.ino"\nint main() { setup(); for (;;) loop(); }\n');
    stub("sketch.ino", readFileSync(folder.path("arduino/examples/pump_stream/pump_stream.ino"), "utf8"));
    const objects = compileLibrary("cc", "arduino", ["-std=c11"], ".c");
    const app = folder.path("arduino-app");
    const warnings = ["-Wall", "-Wextra", "-Werror"];
    compile("g++", [
      "-std=c++11",
      ...warnings,
      `-I${folder.path("stubs")}`,
      `-I${folder.path("arduino/src")}`,
      folder.path("stubs/main.cpp"),
      ...objects,
      "-o",
      app,
    ]);
    const { header } = new ReferenceModel(gate).gate;
    const frames = randomFrames(11, header, 3 * header.window + 5).map((frame) => Int16Array.from(frame));
    const input = Buffer.from(Int16Array.from(frames.flatMap((frame) => [...frame])).buffer);
    const run = spawnSync(app, { input, encoding: "utf8" });
    expect(run.status).toBe(0);
    expect(numbers(run.stdout)).toEqual(expected(frames));
  });
});

describe("gatelet build --target zephyr", () => {
  it("names the same symbol in Kconfig, CMake and the sample", () => {
    for (const file of ["zephyr/Kconfig", "zephyr/CMakeLists.txt", "samples/pump/prj.conf"]) {
      expect(readFileSync(folder.path(`zephyr/${file}`), "utf8"), file).toContain("GATELET_PUMP");
    }
    expect(readFileSync(folder.path("zephyr/zephyr/module.yml"), "utf8")).toContain("kconfig: zephyr/Kconfig");
  });
  it.skipIf(missing("cc"))("has a sample that compiles and decides as the reference does", () => {
    const { header } = new ReferenceModel(gate).gate;
    const count = 2 * header.window + 1;
    stub(
      "zephyr/kernel.h",
      `#include <stdlib.h>\nstatic int left = ${count};\nstatic inline void k_msleep(int ms) { (void)ms; if (--left == 0) exit(0); }\n`,
    );
    stub("zephyr/sys/printk.h", "#include <stdio.h>\n#define printk printf\n");
    const objects = compileLibrary("cc", "zephyr", ["-std=c11"], ".c");
    const includes = ["stubs", "zephyr/src", "zephyr/src/gatelet"].map((path) => `-I${folder.path(path)}`);
    const app = folder.path("zephyr-app");
    compile("cc", [
      "-std=c11",
      "-Wall",
      "-Wextra",
      "-Werror",
      ...includes,
      folder.path("zephyr/samples/pump/src/main.c"),
      ...objects,
      "-o",
      app,
    ]);
    const frames = Array.from({ length: count }, () => new Int16Array(header.frameSize));
    expect(numbers(spawnSync(app, { encoding: "utf8" }).stdout)).toEqual(expected(frames));
  });
  it.skipIf(missing("arm-gcc"))("compiles for a Cortex-M4 with its assembly", () => {
    const flags = ["-mcpu=cortex-m4", "-mthumb", "-DGATELET_CORTEX_M4=1"];
    compileLibrary("arm-none-eabi-gcc", "zephyr", flags, ".c", ".S");
  });
});
