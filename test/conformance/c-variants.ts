/**
 * `npx tsx test/conformance/c-variants.ts [MODEL ...]`: code, cycles, stack and set-up of a model on a Cortex-M4 by the executor and by
 * the calls that `build --target c` writes out (docs/adr/0004-direct-calls-in-the-c-target.md). MODEL is a .gate file or the name of a
 * shared model, which is converted at 8 bits. Simulated on the built-in board; rows and states of all variants must be equal.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { convert, openModel } from "@gatelet/converter";
import { readModel } from "@gatelet/converter/format";
import { BuiltinBoard } from "@gatelet/sim";
import { kernelDefinitions, modelHeader, modelSource } from "../../packages/cli/src/targets/c-target.js";
import { randomFrames } from "../support/random-models.js";
import { missing } from "../support/requirements.js";
import { sharedModel } from "../support/shared-models.js";

const FIRMWARE = fileURLToPath(new URL("../../firmware", import.meta.url));
const ADR_MODELS = ["hapt-lstm32", "hapt-gru32", "hapt-cnn16"];
/** Frames behind two windows, so that the state at the end is not empty. */
const REST = 3;
const STREAM_FRAMES = 50;
const MAX_CYCLES = 2e9;
const DONE = 0x600d600d;

interface Variant {
  readonly name: string;
  readonly check: boolean;
  readonly step: "gatelet_step" | "m_step";
  readonly lto: boolean;
}
const VARIANTS: readonly Variant[] = [
  { name: "executor, file checked", check: true, step: "gatelet_step", lto: false },
  { name: "executor, not checked", check: false, step: "gatelet_step", lto: false },
  { name: "executor, not checked, -flto", check: false, step: "gatelet_step", lto: true },
  { name: "calls written out", check: false, step: "m_step", lto: false },
  { name: "calls written out, -flto", check: false, step: "m_step", lto: true },
];

const PROLOGUE = `#include "m.h"
#include "nrf52840.h"
#define SEEN __attribute__((externally_visible))
extern const int16_t frames[];
struct result { uint32_t magic; int32_t status; uint32_t hash, cycles, setup; };
extern SEEN struct result result;
struct result result;
void measured(void);
__attribute__((noinline)) SEEN void measured(void) { __asm__ volatile(""); }
SEEN void board_fault(uint32_t exception) { result.status = 100 + (int32_t)exception; measured(); }
`;

/** What is in every program: the file, the arena, the frames and the board's start-up, but no code of the library. */
const EMPTY_PROGRAM = `${PROLOGUE}
extern void *volatile keep;
void *volatile keep;
static _Alignas(16) uint8_t arena[M_ARENA_BYTES];
SEEN void board_main(void) {
  board_start_cycles();
  board_enable_cache();
  keep = (void *)(uintptr_t)m_gate;
  keep = arena;
  keep = (void *)(uintptr_t)frames;
  measured();
}
`;

/** Begins a stream, takes all frames, and leaves cycles and a checksum of rows and state in `result`. */
function program({ check, step }: Variant, frames: number, stateBytes: number): string {
  const checked = "static gatelet_model model;";
  const setUp = check ? "gatelet_check(&model, m_gate, sizeof m_gate) != 0 || " : "";
  return `${PROLOGUE}
static _Alignas(16) uint8_t arena[M_ARENA_BYTES];
static gatelet_stream stream;
${check ? checked : ""}
static uint32_t fnv(uint32_t hash, const void *bytes, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) hash = (hash ^ ((const uint8_t *)bytes)[i]) * 16777619u;
  return hash;
}
static int32_t take_all(void) {
  m_value rows[M_OUTPUT_ROWS * M_OUTPUT_SIZE];
  uint32_t from = board_cycles();
  if (${setUp}gatelet_init(&stream, &${check ? "model" : "m_model"}, arena, sizeof arena) != 0) return 1;
  result.setup = board_cycles() - from;
  for (uint32_t i = 0; i < ${frames}u; i++) {
    from = board_cycles();
    const int32_t count = ${step}(&stream, frames + i * M_FRAME_SIZE, rows, sizeof rows);
    result.cycles += board_cycles() - from;
    if (count < 0) return count;
    result.hash = fnv(result.hash, rows, (uint32_t)count * M_OUTPUT_SIZE * sizeof *rows);
  }
  result.hash = fnv(result.hash, arena, ${stateBytes}u);
  return 0;
}
SEEN void board_main(void) {
  board_start_cycles();
  board_enable_cache();
  result.hash = 2166136261u;
  result.status = take_all();
  result.magic = ${DONE}u;
  measured();
}
`;
}

const COMPILE = [
  "-mcpu=cortex-m4",
  "-mthumb",
  "-std=c11",
  "-O2",
  "-ffreestanding",
  "-fno-tree-loop-distribute-patterns",
]
  .concat(["-ffunction-sections", "-fdata-sections", "-DGATELET_CORTEX_M4=1"])
  .concat(["include", "src", "board/nrf52840"].map((folder) => `-I${FIRMWARE}/${folder}`));
const LINK = [
  "-nostdlib",
  "-T",
  `${FIRMWARE}/board/nrf52840/link.ld`,
  "-Wl,--gc-sections",
  "-Wl,--build-id=none",
].concat(["-Wl,--no-warn-rwx-segments", "-Wl,--defsym=_stack_bytes=4096", "-Wl,--defsym=_code_bytes=0x80000", "-lgcc"]);

function run(cwd: string, command: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command}: ${error?.message ?? stderr.trim()}`);
  return stdout;
}

/** Programs of one model, each in an ELF file. */
class Programs {
  private readonly library: readonly string[];
  readonly folder = mkdtempSync(join(tmpdir(), "gatelet-variants-"));
  readonly frames: number;

  constructor(private readonly gate: Uint8Array) {
    const { header } = readModel(gate);
    this.frames = 2 * (header.window || STREAM_FRAMES) + REST;
    const values = randomFrames(1, header, this.frames).flatMap((frame) => [...frame]);
    this.library = readdirSync(`${FIRMWARE}/src`).filter((name) => /\.[cS]$/.test(name));
    this.write("m.h", modelHeader(gate, "m", { includePrefix: "" }));
    this.write("m.c", modelSource(gate, "m", { includePrefix: "" }));
    const text = `extern const int16_t frames[];\nconst int16_t frames[] = {${values.join()}};\n`;
    this.write("frames.c", `#include <stdint.h>\n${text}`);
  }

  private write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  /** Bytes of .text in `program.elf`, which is left in the folder. */
  build(source: string, library: boolean, lto: boolean): number {
    this.write("program.c", source);
    const { folder } = this;
    mkdirSync(join(folder, "o"), { recursive: true });
    const definitions = kernelDefinitions(this.gate).map(([key, value]) => `-D${key}=${value}`);
    const object = (path: string, flags: readonly string[] = []): string => {
      const out = `o/${path.replace(/.*\//, "")}.o`;
      run(folder, "arm-none-eabi-gcc", [...COMPILE, "-I.", ...definitions, ...flags, "-c", path, "-o", out]);
      return out;
    };
    const optimized = lto ? ["-flto"] : [];
    const objects = [
      ...["program.c", "m.c"].map((name) => object(name, optimized)),
      ...["frames.c", `${FIRMWARE}/board/nrf52840/startup.c`, `${FIRMWARE}/board/nrf52840/nrf52840.c`].map((path) =>
        object(path),
      ),
      ...(library
        ? this.library.map((name) => object(`${FIRMWARE}/src/${name}`, name.endsWith(".c") ? optimized : []))
        : []),
    ];
    run(folder, "arm-none-eabi-gcc", [...COMPILE, ...optimized, ...objects, ...LINK, "-o", "program.elf"]);
    return Number(/\.text\s+(\d+)/.exec(run(folder, "arm-none-eabi-size", ["-A", "program.elf"]))![1]);
  }
}

interface Run {
  readonly cyclesAStep: number;
  readonly setupCycles: number;
  readonly stackBytes: number;
  readonly hash: number;
}

async function simulate(programs: Programs, waitStates: 0 | 3): Promise<Run> {
  const board = new BuiltinBoard({ waitStates });
  board.loadNow(readFileSync(join(programs.folder, "program.elf")));
  const end = board.runNow({ until: { symbol: "measured" }, maxCycles: MAX_CYCLES });
  const view = new DataView(Uint8Array.from(await board.readMemory(board.symbol("result"), 20)).buffer);
  const [magic, status, hash, cycles, setupCycles] = [0, 4, 8, 12, 16].map((at) => view.getUint32(at, true));
  if (magic !== DONE || status !== 0) throw new Error(`program ended with ${end.reason}, status ${status}`);
  return { cyclesAStep: cycles / programs.frames, setupCycles, stackBytes: board.stackHighWater, hash };
}

async function gateOf(model: string): Promise<Uint8Array> {
  if (existsSync(model)) return new Uint8Array(readFileSync(model));
  const shared = sharedModel(model);
  return (await convert(await openModel(shared.folder), { calibration: shared.calibrationWindows(24), bits: 8 })).bytes;
}

async function printModel(model: string): Promise<void> {
  const gate = await gateOf(model);
  const { stateBytes } = readModel(gate).header;
  const programs = new Programs(gate);
  const hashes = new Set<number>();
  try {
    const empty = programs.build(EMPTY_PROGRAM, false, false);
    for (const variant of VARIANTS) {
      const text = programs.build(program(variant, programs.frames, stateBytes), true, variant.lto);
      const [fast, slow] = [await simulate(programs, 0), await simulate(programs, 3)];
      hashes.add(fast.hash).add(slow.hash);
      const numbers = [text - empty, fast.cyclesAStep, slow.cyclesAStep, fast.stackBytes, fast.setupCycles];
      console.log(
        `| ${[model, variant.name, ...numbers.map((n) => Math.round(n).toLocaleString("en-US"))].join(" | ")} |`,
      );
    }
  } finally {
    rmSync(programs.folder, { recursive: true, force: true });
  }
  if (hashes.size !== 1) throw new Error(`${model}: the variants give different rows or states`);
}

const models = process.argv.slice(2);
if (!missing("arm-gcc") && (models.length > 0 || !missing("shared"))) {
  console.log(
    "| model | variant | code bytes | cycles a step, 0 wait states | 3 wait states, cache | stack | cycles before the first step |",
  );
  console.log("| --- | --- | --- | --- | --- | --- | --- |");
  for (const model of models.length > 0 ? models : ADR_MODELS) await printModel(model);
}
