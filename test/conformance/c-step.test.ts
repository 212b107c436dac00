// The step that `build --target c` writes for a model, against the integer reference: results, rows and saved states of every step.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { crc32, encodeModel, KERNEL_NAMES, OUTPUT_TYPE, readModel } from "@gatelet/converter/format";
import { afterAll, describe, expect, it } from "vitest";
import { firmwareFiles, modelHeader, modelSource } from "../../packages/cli/src/targets/c-target.js";
import { linkFacts } from "../../packages/cli/src/targets/link-facts.js";
import { temporaryFolder } from "../e2e/cli-harness.js";
import { ReferenceModel } from "../reference/index.js";
import { kernelModel, randomFrames, randomModel } from "../support/random-models.js";
import { missing } from "../support/requirements.js";

const SEEDS = 24;
const folder = temporaryFolder();
afterAll(() => folder.remove());

interface TestModel {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly frames: readonly Int16Array[];
}

const isChain = (bytes: Uint8Array): boolean => linkFacts(readModel(bytes)).isChain;

/** Files whose layers are a chain: of each kernel that can be in one, and mixtures; and a few that are none. */
function testFiles(): { readonly chains: Uint8Array[]; readonly others: Uint8Array[] } {
  const chains: Uint8Array[] = [];
  const others: Uint8Array[] = [];
  const makers = [
    ...KERNEL_NAMES.map((kernel) => (seed: number) => kernelModel(kernel, seed)),
    randomModel,
    randomModel,
  ];
  makers.forEach((make, i) => {
    const files = Array.from({ length: SEEDS }, (_, seed) => encodeModel(make(1000 * i + seed)));
    chains.push(...files.filter(isChain).slice(0, 2));
    others.push(...files.filter((bytes) => !isChain(bytes)).slice(0, 1));
  });
  return { chains, others };
}

function toTestModel(bytes: Uint8Array, i: number): TestModel {
  const { header } = new ReferenceModel(bytes).gate;
  const steps = header.window === 0 ? 20 : Math.min(2 * header.window + 1, 30);
  return { name: `m${i}`, bytes, frames: randomFrames(i, header, steps) };
}

/** What the driver prints for a model: each step's result with the checksums of its rows and of the saved state. */
function expectedLines({ name, bytes, frames }: TestModel): string[] {
  const reference = new ReferenceModel(bytes);
  const Row = reference.gate.header.outputType === OUTPUT_TYPE.INT32 ? Int32Array : Int16Array;
  const stream = reference.createStream();
  return frames.map((frame) => {
    const { status, rows } = stream.step(frame);
    const values = status === 0 ? rows.flatMap((row) => [...row]) : [];
    const output = crc32(new Uint8Array(Row.from(values).buffer));
    const state = crc32(stream.saveState());
    return `${name} ${status === 0 ? rows.length : status} ${output} ${state}`;
  });
}

const driver = (models: readonly TestModel[]): string => `#include <stdio.h>
${models.map(({ name }) => `#include "${name}.h"\n`).join("")}
#include "stream.h"
static _Alignas(16) uint8_t arena[1 << 20];
static uint8_t blob[1 << 20];
#define RUN(name, NAME, steps) do { \\
  gatelet_stream stream; \\
  int16_t frame[NAME##_FRAME_SIZE]; \\
  name##_value rows[NAME##_OUTPUT_ROWS * NAME##_OUTPUT_SIZE]; \\
  gatelet_model checked; \\
  if (gatelet_check(&checked, name##_gate, NAME##_GATE_BYTES) != 0) return 1; \\
  if (checked.records != name##_model.records || checked.crc != name##_model.crc || checked.arena_bytes != NAME##_ARENA_BYTES || \\
      checked.state_bytes != name##_model.state_bytes || checked.max_output_rows != name##_model.max_output_rows || \\
      checked.window != name##_model.window || checked.record_count != name##_model.record_count || \\
      checked.vocabulary_size != name##_model.vocabulary_size || checked.output_type != name##_model.output_type) return 2; \\
  if (gatelet_init(&stream, &name##_model, arena, NAME##_ARENA_BYTES) != 0) return 3; \\
  if (name##_step(&stream, frame, rows, sizeof rows - 1) != GATELET_STATUS_OUTPUT_TOO_SMALL) return 4; \\
  for (int i = 0; i < steps; i++) { \\
    if (fread(frame, sizeof frame, 1, stdin) != 1) return 5; \\
    const int32_t count = name##_step(&stream, frame, rows, sizeof rows); \\
    const uint32_t bytes = count < 0 ? 0 : (uint32_t)count * gatelet_row_bytes(&name##_model); \\
    if (gatelet_save(&stream, blob, sizeof blob) != 0) return 6; \\
    printf(#name " %d %u %u\\n", (int)count, (unsigned)gl_crc32((const uint8_t *)rows, bytes), (unsigned)gl_crc32(blob, gatelet_saved_bytes(&name##_model))); \\
  } \\
} while (0)
int main(void) {
${models.map(({ name, frames }) => `  RUN(${name}, ${name.toUpperCase()}, ${frames.length});\n`).join("")}  return 0;
}
`;

describe.skipIf(missing("cc"))("the generated C step", () => {
  it("gives the results, rows and states of the reference, kernel by kernel and in mixtures", async () => {
    const { chains, others } = testFiles();
    const models = [...chains, ...others].map(toTestModel);
    const write = (path: string, content: string | Uint8Array) => {
      mkdirSync(dirname(folder.path(path)), { recursive: true });
      writeFileSync(folder.path(path), content);
    };
    const sources = ["driver.c"];
    for (const [path, content] of await firmwareFiles()) {
      write(path, content);
      if (path.endsWith(".c")) sources.push(path);
    }
    let written = 0;
    for (const { name, bytes } of models) {
      const source = modelSource(bytes, name, { includePrefix: "" });
      if (!source.includes("return gatelet_step(")) written++;
      write(`${name}.c`, source);
      write(`${name}.h`, modelHeader(bytes, name, { includePrefix: "" }));
      sources.push(`${name}.c`);
    }
    const kernels = new Set(chains.flatMap((bytes) => readModel(bytes).records.map(({ kernel }) => kernel)));
    expect(kernels.size).toBe(17);
    expect(written).toBe(chains.length);
    write("driver.c", driver(models));
    const strict = ["-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wshadow", "-Wno-sign-conversion"];
    const flags = ["-std=c11", "-O1", ...strict, "-Igatelet/include", "-Igatelet/src", "-I."];
    const compiled = spawnSync("cc", [...flags, ...sources, "-o", "app"], { cwd: folder.path(""), encoding: "utf8" });
    expect(compiled.stderr).toBe("");
    const input = Buffer.concat(
      models.flatMap(({ frames }) => frames.map((frame) => Buffer.from(Int16Array.from(frame).buffer))),
    );
    const { status, stdout } = spawnSync(folder.path("app"), { input, encoding: "utf8", maxBuffer: 1 << 26 });
    expect(status).toBe(0);
    expect(stdout.trim().split("\n")).toEqual(models.flatMap(expectedLines));
  });
});
