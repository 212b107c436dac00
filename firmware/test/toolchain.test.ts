import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { missing } from "../../test/support/requirements.js";
import { buildProgram, CORTEX_M4, firmwareFolder, librarySources, run, WARNINGS } from "./support/build.js";

const RUNNER = join(firmwareFolder, "generated/runner-nrf52840.gen.elf");

const compilers = [
  ["gcc, C11", "cc", "gcc", ["-std=c11"]],
  ["clang, C11", "clang", "clang", ["-std=c11"]],
  ["gcc, LSTM and Dense only", "cc", "gcc", ["-std=c11", "-DGATELET_KERNELS=0x49", "-DGATELET_INT4=0"]],
  ["clang, LSTM and Dense only", "clang", "clang", ["-std=c11", "-DGATELET_KERNELS=0x49", "-DGATELET_INT4=0"]],
  ["g++, C++17", "cc", "g++", ["-std=c++17", "-x", "c++"]],
  ["clang++, C++17", "clang", "clang++", ["-std=c++17", "-x", "c++"]],
  ["arm-none-eabi-gcc, portable", "arm-gcc", "arm-none-eabi-gcc", ["-std=c11", ...CORTEX_M4]],
  ["arm-none-eabi-gcc, assembly", "arm-gcc", "arm-none-eabi-gcc", ["-std=c11", ...CORTEX_M4, "-DGATELET_CORTEX_M4=1"]],
] as const;

describe("compilers", () => {
  it.each(compilers)("%s: no warning", (_, requirement, command, flags) => {
    if (missing(requirement)) return;
    for (const source of librarySources()) {
      run(command, [...flags, ...WARNINGS, "-O2", "-fsyntax-only", "-Iinclude", "-Isrc", source]);
    }
  });
});

/** Instructions and direct calls per function of a disassembly. */
function disassemble(path: string): Map<string, { readonly instructions: string[]; readonly calls: Set<string> }> {
  const functions = new Map<string, { instructions: string[]; calls: Set<string> }>();
  let current: { instructions: string[]; calls: Set<string> } | undefined;
  for (const line of run("arm-none-eabi-objdump", ["-d", "--no-show-raw-insn", path]).split("\n")) {
    const head = /^[0-9a-f]+ <(.+)>:$/.exec(line);
    if (head !== null) {
      current = { instructions: [], calls: new Set() };
      functions.set(head[1]!, current);
    }
    const body = /^\s+[0-9a-f]+:\s+(\S+)(.*)$/.exec(line);
    if (body === null || current === undefined) continue;
    current.instructions.push(body[1]!);
    const target = /<([\w.]+)(?:\+0x[0-9a-f]+)?>/.exec(body[2]!);
    if (target !== null) current.calls.add(target[1]!);
  }
  return functions;
}

const FLOAT_OR_DIVIDE = /^(v|[su]div|f(add|sub|mul|div|ld|st|cpy))/;
/** Helpers of libgcc that divide or compute in floating point. */
const HELPERS =
  /^__aeabi_(u?i|u?l|f|d|i2|ui2|l2|ul2|cf|cd)(div|div0|divmod|add|sub|rsub|mul|cmp|2|f|d)|^__(u?div|u?mod)/;

describe.skipIf(missing("arm-gcc"))("the step path", () => {
  it("has no float and no divide instruction in anything that gatelet_step reaches", () => {
    const functions = disassemble(RUNNER);
    const reached = new Set<string>(["gatelet_step"]);
    for (const name of reached) for (const callee of functions.get(name)?.calls ?? []) reached.add(callee);
    // Kernels called through a table or pointer are reached by name.
    for (const name of functions.keys()) if (name.startsWith("gl_")) reached.add(name);
    const found = [...reached].flatMap((name) =>
      (functions.get(name)?.instructions ?? []).filter((op) => FLOAT_OR_DIVIDE.test(op)).map((op) => `${name}: ${op}`),
    );
    expect(found).toEqual([]);
    expect([...reached].filter((name) => HELPERS.test(name))).toEqual([]);
    expect(reached.has("gl_lstm") && reached.has("gl_m4_quads8") && reached.has("gl_softmax")).toBe(true);
  });
});

describe.skipIf(missing("arm-gcc"))("the committed runner", () => {
  it("equals a fresh build", () => {
    const folder = mkdtempSync(join(tmpdir(), "gatelet-runner-"));
    try {
      run("make", ["runner", `OUT=${folder}`]);
      const fresh = readFileSync(join(folder, "runner-nrf52840.gen.elf"));
      expect(fresh.equals(readFileSync(RUNNER))).toBe(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("is smaller than 60 KB", () => {
    expect(readFileSync(RUNNER).length).toBeLessThan(60 * 1024);
  });
});

describe("the fuzz target", () => {
  const hasFuzzer = (): boolean => {
    if (missing("clang")) return false;
    const probe = spawnSync("clang", ["-fsanitize=fuzzer", "-x", "c", "-", "-o", "/dev/null"], {
      input: "int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { (void)d; (void)n; return 0; }",
    });
    return probe.status === 0;
  };
  it.skipIf(!hasFuzzer())("builds and survives a short run", () => {
    const program = buildProgram(
      "check-fuzz",
      "clang",
      ["-std=gnu11", ...WARNINGS, "-O1", "-g", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover"],
      [...librarySources(), join(firmwareFolder, "fuzz/check_fuzz.c")],
    );
    run(program, ["-runs=20000", "-seed=1", "-max_len=4096", "-verbosity=0"]);
  });
});
