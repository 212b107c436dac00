// What the written-out calls of `build --target c` save on a Cortex-M4 (ADR 0004), as code that is linked.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { cTarget, kernelDefinitions } from "../../packages/cli/src/targets/c-target.js";
import { convertExample, temporaryFolder } from "../e2e/cli-harness.js";
import { missing } from "../support/requirements.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());

const PROGRAM = `#include "pump.h"
static _Alignas(16) uint8_t arena[PUMP_ARENA_BYTES];
static gatelet_stream stream;
int start(const int16_t *frame, pump_value *rows);
int start(const int16_t *frame, pump_value *rows) {
#if EXECUTOR
  static gatelet_model model;
  if (gatelet_check(&model, pump_gate, sizeof pump_gate) != 0 || gatelet_init(&stream, &model, arena, sizeof arena) != 0) return 1;
  return gatelet_step(&stream, frame, rows, sizeof(pump_value) * PUMP_OUTPUT_SIZE);
#else
  if (gatelet_init(&stream, &pump_model, arena, sizeof arena) != 0) return 1;
  return pump_step(&stream, frame, rows, sizeof(pump_value) * PUMP_OUTPUT_SIZE);
#endif
}
`;

function run(command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder.path(""), encoding: "utf8" });
  expect(stderr.replace(/^.*warning.*$/gm, "").trim()).toBe("");
  expect(status).toBe(0);
  return stdout;
}

it.skipIf(missing("arm-gcc"))(
  "a program of the model alone takes less than 65 % of one with checker and executor",
  async () => {
    const gate = new Uint8Array(readFileSync(await convertExample(folder.path("pump.gate"))));
    for (const [path, content] of await cTarget(gate, "pump")) {
      mkdirSync(dirname(folder.path(path)), { recursive: true });
      writeFileSync(folder.path(path), content);
    }
    writeFileSync(folder.path("start.c"), PROGRAM);
    const source = folder.path("gatelet/src");
    const library = readdirSync(source).filter((name) => /\.c$|_cortex_m4\.S$/.test(name));
    const codeBytes = (executor: 0 | 1): number => {
      const definitions = [["EXECUTOR", executor], ["GATELET_CORTEX_M4", 1], ...kernelDefinitions(gate)];
      run("arm-none-eabi-gcc", [
        ...[
          "-mcpu=cortex-m4",
          "-mthumb",
          "-std=c11",
          "-O2",
          "-flto",
          "-ffreestanding",
          "-ffunction-sections",
          "-fdata-sections",
        ],
        ...definitions.map(([key, value]) => `-D${key}=${value}`),
        ...[
          "-I.",
          "-Igatelet/include",
          "-Igatelet/src",
          "start.c",
          "pump.c",
          ...library.map((name) => join(source, name)),
        ],
        ...[
          "-nostartfiles",
          "--specs=nano.specs",
          "-Wl,-e,start",
          "-Wl,--gc-sections",
          "-lc",
          "-lgcc",
          "-o",
          "app.elf",
        ],
      ]);
      const text = Number(/\n\s*(\d+)/.exec(run("arm-none-eabi-size", ["app.elf"]))![1]);
      return text - gate.length;
    };
    const direct = codeBytes(0);
    const executor = codeBytes(1);
    console.log(
      `pump on a Cortex-M4, -O2 -flto: ${direct} bytes with written-out calls, ${executor} with checker and executor`,
    );
    expect(direct).toBeLessThan(0.65 * executor);
    expect(direct).toBeLessThan(5376);
  },
);
