import { Core } from "../../../packages/sim/src/cpu/core.js";
import { CORTEX_M4_TIMING, NRF52840_MEMORY_TIMING } from "../../../packages/sim/src/cycles/parameters.js";
import { readElf, runnerMap } from "./runner.js";

/** Result of the runner on the simulated core. */
export interface RunnerRun {
  readonly instructions: number;
  readonly cycles: number;
  /** Per layer, the hook's own share taken off; sums over all steps. */
  readonly layers: readonly { readonly instructions: number; readonly cycles: number }[];
  /** Most stack that a gatelet_step took, the profile hook's included. */
  readonly stackBytes: number;
  /** Word of g_result by the name in runner_map.h. */
  word(name: string): number;
  read(address: number, bytes: number): Uint8Array;
}

/** Where the core keeps its lowest main stack pointer. */
const LOWEST_SP = 28;
const MAX_INSTRUCTIONS = 400e6;

/** Runs the runner's ELF with both images on the simulated core at 0 wait states, layer by layer. */
export function runOnCore(elf: Uint8Array, model: Uint8Array, frames: Uint8Array): RunnerRun {
  const map = runnerMap();
  const { segments, symbols } = readElf(elf);
  const core = new Core({
    memory: {
      flashBase: 0,
      flashBytes: map["RUNNER_FLASH_BYTES"]!,
      ramBase: map["RUNNER_RAM_BASE"]!,
      ramBytes: map["RUNNER_RAM_BYTES"]!,
    },
    timing: CORTEX_M4_TIMING,
    memoryTiming: NRF52840_MEMORY_TIMING,
    waitStates: 0,
  });
  const idle = { name: "registers", read: () => 1, write: () => {} };
  core.memory.attach(0x40002000, 0x1000, idle);
  core.memory.attach(0x4001e000, 0x1000, idle);
  core.memory.attach(0xe000e000, 0x1000, idle);
  core.memory.attach(0xe0001000, 0x1000, { name: "dwt", read: () => core.cycles | 0, write: () => {} });
  for (const { address, bytes } of segments) core.memory.flash.set(bytes, address);
  core.memory.flash.set(model, map["RUNNER_MODEL_ADDRESS"]!);
  core.memory.flash.set(frames, map["RUNNER_FRAMES_ADDRESS"]!);
  core.reset(0);
  const address = (name: string) => symbols.get(name)!.address & ~1;
  const profile = address("gatelet_profile");
  const [begin, end] = [address("bench_begin"), address("bench_end")];
  const result = symbols.get("g_result")!.address - map["RUNNER_RAM_BASE"]!;
  const layers: { instructions: number; cycles: number }[] = [];
  let totalInstructions = 0;
  let totalCycles = 0;
  let started: { instructions: number; cycles: number } | undefined;
  let layer: number | undefined;
  let stackTop = 0;
  let stackBytes = 0;
  let since = { instructions: 0, cycles: 0 };
  const now = () => ({ instructions: core.instructions, cycles: core.cycles });
  for (;;) {
    // Behind the hook: at its return address, so that its own instructions belong to nobody.
    const addresses = new Set([profile, begin, end]);
    const stop = core.run({ addresses, maxInstructions: MAX_INSTRUCTIONS });
    if (stop.reason === "idle" || stop.reason === "halt") break;
    if (stop.reason !== "address") throw new Error(`runner stopped: ${stop.reason} ${stop.fault?.message ?? ""}`);
    const at = now();
    if (core.pc === begin) {
      started = at;
      stackTop = core.state.words[13]! >>> 0;
      core.state.words[LOWEST_SP] = stackTop | 0;
    }
    if (core.pc === end && started !== undefined) {
      totalInstructions += at.instructions - started.instructions;
      totalCycles += at.cycles - started.cycles;
      stackBytes = Math.max(stackBytes, stackTop - (core.state.words[LOWEST_SP]! >>> 0));
      started = undefined;
    }
    if (core.pc === profile) {
      if (layer !== undefined) {
        layers[layer] ??= { instructions: 0, cycles: 0 };
        layers[layer]!.instructions += at.instructions - since.instructions;
        layers[layer]!.cycles += at.cycles - since.cycles;
      }
      const next = core.state.words[0]! >>> 0;
      layer = next;
      const back = core.state.words[14]! & ~1;
      core.run({ addresses: new Set([back]), maxInstructions: 1000 });
      since = now();
    } else layer = undefined;
  }
  const view = new DataView(core.memory.ram.buffer, core.memory.ram.byteOffset + result);
  const words = (name: string) => view.getUint32(map[`RUNNER_RESULT_${name}_AT`]!, true);
  return {
    instructions: totalInstructions,
    cycles: totalCycles,
    layers,
    stackBytes,
    word: words,
    read: (from, bytes) => {
      const offset = from - map["RUNNER_RAM_BASE"]!;
      return core.memory.ram.slice(offset, offset + bytes);
    },
  };
}
