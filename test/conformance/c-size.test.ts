// What the written-out calls of `build --target c` save on a Cortex-M4 (ADR 0004), as code that is linked.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { FIGURES, figureModel } from "../../firmware/test/support/figures.js";
import { cTarget, kernelDefinitions } from "../../packages/cli/src/targets/c-target.js";
import { convertExample, temporaryFolder } from "../e2e/cli-harness.js";
import { missing } from "../support/requirements.js";

const FLAGS = "-mcpu=cortex-m4 -mthumb -std=c11 -O2 -flto -ffreestanding -ffunction-sections -fdata-sections".split(
  " ",
);
const LINK = "-nostartfiles --specs=nano.specs -Wl,-e,start -Wl,--gc-sections -lc -lgcc -o app.elf".split(" ");
const folder = temporaryFolder();
afterAll(() => folder.remove());

/** Begins a stream and takes a frame: through the checker and the executor, or by the calls of the model alone. */
const program = (name: string) => `#include "${name}.h"
static _Alignas(16) uint8_t arena[${name.toUpperCase()}_ARENA_BYTES];
static gatelet_stream stream;
int start(const int16_t *frame, ${name}_value *rows);
int start(const int16_t *frame, ${name}_value *rows) {
  const uint32_t bytes = sizeof(${name}_value) * ${name.toUpperCase()}_OUTPUT_SIZE;
#if EXECUTOR
  static gatelet_model model;
  if (gatelet_check(&model, ${name}_gate, sizeof ${name}_gate) != 0 || gatelet_init(&stream, &model, arena, sizeof arena) != 0) return 1;
  return gatelet_step(&stream, frame, rows, bytes);
#else
  if (gatelet_init(&stream, &${name}_model, arena, sizeof arena) != 0) return 1;
  return ${name}_step(&stream, frame, rows, bytes);
#endif
}
`;

function run(cwd: string, command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  expect(stderr.replace(/^.*warning.*$/gm, "").trim()).toBe("");
  expect(status).toBe(0);
  return stdout;
}

async function writeTarget(gate: Uint8Array, name: string): Promise<string> {
  const place = folder.path(name);
  for (const [path, content] of await cTarget(gate, name)) {
    mkdirSync(dirname(join(place, path)), { recursive: true });
    writeFileSync(join(place, path), content);
  }
  writeFileSync(join(place, "start.c"), program(name));
  return place;
}

/** Linked sections by name, in bytes. */
function linkedSections(place: string, gate: Uint8Array, name: string, executor: boolean): ReadonlyMap<string, number> {
  const source = join(place, "gatelet/src");
  const library = readdirSync(source).filter((file) => /\.c$|_cortex_m4\.S$/.test(file));
  const definitions = [["EXECUTOR", Number(executor)], ["GATELET_CORTEX_M4", 1], ...kernelDefinitions(gate)];
  run(place, "arm-none-eabi-gcc", [
    ...FLAGS,
    ...definitions.map(([key, value]) => `-D${key}=${value}`),
    ...["-I.", "-Igatelet/include", "-Igatelet/src", "start.c", `${name}.c`],
    ...library.map((file) => join(source, file)),
    ...LINK,
  ]);
  const sizes = run(place, "arm-none-eabi-size", ["-A", "app.elf"]).matchAll(/^(\.\w+)\s+(\d+)/gm);
  return new Map(Array.from(sizes, ([, section, bytes]) => [section!, Number(bytes)]));
}

it.skipIf(missing("arm-gcc"))(
  "a program of the model alone takes less than 60 % of one with checker and executor",
  async () => {
    const gate = new Uint8Array(readFileSync(await convertExample(folder.path("pump.gate"))));
    const place = await writeTarget(gate, "pump");
    const [direct, executor] = [false, true].map((by) => {
      const sections = linkedSections(place, gate, "pump", by);
      return sections.get(".text")! + sections.get(".rodata")! - gate.length;
    });
    console.log(
      `pump on a Cortex-M4, -O2 -flto: ${direct} bytes with written-out calls, ${executor} with checker and executor`,
    );
    expect(direct).toBeGreaterThan(1024);
    expect(direct!).toBeLessThan(0.6 * executor!);
    expect(direct).toBeLessThan(5120);
  },
);

it.skipIf(missing("arm-gcc"))("an LSTM alone takes at most 3 KB of code, memcpy and memset included", async () => {
  const gate = figureModel(FIGURES.find(({ name }) => name === "LSTM 64->32")!, 8);
  const text = linkedSections(await writeTarget(gate, "lstm"), gate, "lstm", false).get(".text")!;
  console.log(`LSTM on a Cortex-M4, -O2 -flto: .text ${text} bytes with written-out calls`);
  expect(text).toBeGreaterThan(1024);
  expect(text).toBeLessThanOrEqual(3072);
});
