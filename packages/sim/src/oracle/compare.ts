import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Core } from "../cpu/core.js";
import { FP_ENABLED } from "../cpu/state.js";
import { CORTEX_M4_TIMING, NRF52840_MEMORY_TIMING } from "../cycles/parameters.js";
import { type Batch, MAP, RECORD_WORDS } from "./harness.js";

/** Runs a batch in QEMU's mps2-an386 and returns the records. */
export function runInQemu(batch: Batch): Uint32Array {
  const folder = mkdtempSync(join(tmpdir(), "gatelet-oracle-"));
  try {
    writeFileSync(join(folder, "image.bin"), batch.image);
    writeFileSync(join(folder, "ram.bin"), batch.ram);
    const result = spawnSync(
      "qemu-system-arm",
      [
        ...["-M", "mps2-an386", "-display", "none", "-monitor", "none", "-serial", "none"],
        ...["-semihosting-config", "enable=on,target=native", "-kernel", "image.bin"],
        ...["-device", `loader,file=ram.bin,addr=0x${MAP.ramBase.toString(16)},force-raw=on`],
      ],
      { cwd: folder, timeout: 120_000, encoding: "utf8" },
    );
    if (result.status !== 0) {
      throw new Error(`qemu ended with status ${result.status}, signal ${result.signal}: ${result.stderr}`);
    }
    const dump = readFileSync(join(folder, "dump.bin"));
    return new Uint32Array(dump.buffer.slice(dump.byteOffset, dump.byteOffset + dump.length));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a batch in our core; returns the records and the instructions retired. */
export function runInCore(batch: Batch): { records: Uint32Array; instructions: number } {
  const core = new Core({
    memory: { flashBase: 0, flashBytes: MAP.codeBytes, ramBase: MAP.ramBase, ramBytes: MAP.ramBytes },
    timing: CORTEX_M4_TIMING,
    memoryTiming: NRF52840_MEMORY_TIMING,
    waitStates: 0,
  });
  core.memory.attach(0xe000e000, 0x1000, {
    name: "scs",
    read: () => 0,
    write: () => {
      core.state.words[FP_ENABLED] = 1; // the harness writes CPACR only
    },
  });
  core.memory.flash.set(batch.image);
  core.memory.ram.set(batch.ram);
  core.reset(0);
  const stop = core.run({ maxInstructions: batch.instructions + batch.runs.length * 400 });
  if (stop.reason !== "halt") {
    throw new Error(`core stopped with ${stop.reason} at 0x${core.pc.toString(16)}: ${stop.fault?.message}`);
  }
  const { address, bytes } = batch.records;
  return { records: new Uint32Array(core.memory.peek(address, bytes).buffer), instructions: core.instructions };
}

export interface Difference {
  run: number;
  snippet: number;
  field: string;
  ours: number;
  theirs: number;
}

/** Name of a word of a record. */
function fieldName(index: number, reserved: number): string {
  const registers = Array.from({ length: 13 }, (_, i) => `r${i}`).filter((_, i) => i !== reserved);
  const names = [...registers, "lr", "sp", "apsr", "fpscr"];
  if (index < names.length) return names[index];
  return index < 48 ? `s${index - 16}` : `memory+${(index - 48) * 4}`;
}

/** Words that differ, at most `limit` runs. */
export function compareRecords(batch: Batch, ours: Uint32Array, theirs: Uint32Array, limit: number): Difference[] {
  const differences: Difference[] = [];
  let runs = 0;
  for (let run = 0; run < batch.runs.length && runs < limit; run++) {
    let found = false;
    for (let i = 0; i < RECORD_WORDS; i++) {
      const at = run * RECORD_WORDS + i;
      if (ours[at] === theirs[at]) continue;
      found = true;
      const snippet = batch.runs[run];
      const field = fieldName(i, batch.snippets[snippet].reserved);
      differences.push({ run, snippet, field, ours: ours[at], theirs: theirs[at] });
    }
    if (found) runs++;
  }
  return differences;
}
