import type { BuiltinBoard } from "../board/builtin.js";
import { recordFault } from "../board/fault.js";
import type { RunReason } from "../board.js";
import type { Stop } from "../cpu/core.js";
import { failure } from "./errors.js";
import type { Measured } from "./run.js";

/** Word of the core's state that keeps the lowest main stack pointer. */
const LOWEST_SP = 28;
const STACK_POINTER = 13;
const LINK_REGISTER = 14;

/**
 * Runs the runner firmware on the built-in board and counts layer by layer: from the return of one call of `gatelet_profile`
 * to the next call, so that the hook's own instructions belong to nobody.
 */
export class LayerCounter {
  readonly #layers: (ExactCounts & { leastCycles: number })[] = [];
  readonly #total = { instructions: 0, cycles: 0, misses: 0 };
  readonly #marked = { instructions: 0, cycles: 0, misses: 0 };
  #stackBytes = 0;
  /** Called behind every counted step, with the number of counted steps so far. */
  onStep: (steps: number) => void = () => {};

  constructor(readonly board: BuiltinBoard) {}

  /** What is counted so far. */
  get counts(): { readonly total: Readonly<ExactCounts>; readonly layers: readonly Readonly<ExactCounts>[] } {
    return { total: this.#total, layers: this.#layers };
  }

  run(maxInstructions: number, countedSteps: number): Measured {
    const { core } = this.board;
    const [begin, end, profile] = ["bench_begin", "bench_end", "gatelet_profile"].map((name) =>
      this.board.symbol(name),
    );
    const addresses = new Set([begin, end, profile]);
    let stepFrom: ExactCounts | undefined;
    let stackTop = 0;
    let layer: number | undefined;
    let layerFrom = this.#now();
    // Time inside the hook, taken off the step's total.
    let hooks = { instructions: 0, cycles: 0, misses: 0 };
    let steps = 0;
    const limit = core.instructions + maxInstructions;
    for (;;) {
      const stop = core.run({ addresses, maxInstructions: limit - core.instructions });
      if (stop.reason === "idle" || stop.reason === "halt") break;
      if (stop.reason === "request") continue;
      if (stop.reason !== "address") throw this.#failure(stop, stackTop);
      const at = this.#now();
      if (core.pc === begin) {
        stepFrom = at;
        hooks = { instructions: 0, cycles: 0, misses: 0 };
        stackTop = core.state.words[STACK_POINTER] >>> 0;
        core.state.words[LOWEST_SP] = stackTop | 0;
      } else if (core.pc === end && stepFrom !== undefined) {
        if (steps < countedSteps) {
          const step = difference(at, stepFrom);
          add(this.#marked, step);
          add(this.#total, difference(step, hooks));
          this.onStep(steps + 1);
        }
        steps++;
        this.#stackBytes = Math.max(this.#stackBytes, stackTop - (core.state.words[LOWEST_SP] >>> 0));
        stepFrom = undefined;
      }
      if (core.pc !== profile) {
        layer = undefined;
        continue;
      }
      if (layer !== undefined && steps < countedSteps) this.#book(layer, at, layerFrom);
      layer = core.state.words[0] >>> 0;
      core.run({ addresses: new Set([(core.state.words[LINK_REGISTER] & ~1) >>> 0]), maxInstructions: 10_000 });
      layerFrom = this.#now();
      add(hooks, difference(layerFrom, at));
    }
    return { total: this.#total, marked: this.#marked, layers: this.#layers, stackBytes: this.#stackBytes };
  }

  #failure(stop: Stop, stackTop: number): Error {
    const { core, symbols } = this.board;
    const reason: RunReason = stop.reason === "fault" ? "fault" : "max-instructions";
    const fault = stop.fault === undefined ? undefined : recordFault(core, stop.fault, symbols, stackTop);
    return failure({ reason, ...this.#now(), fault });
  }

  #now(): ExactCounts {
    const { core } = this.board;
    return { instructions: core.instructions, cycles: core.cycles, misses: core.fetch.misses };
  }

  #book(layer: number, at: ExactCounts, from: ExactCounts): void {
    const tick = difference(at, from);
    this.#layers[layer] ??= { instructions: 0, cycles: 0, misses: 0, leastCycles: tick.cycles };
    const sum = this.#layers[layer];
    sum.leastCycles = Math.min(sum.leastCycles, tick.cycles);
    add(sum, tick);
  }
}

export interface ExactCounts {
  instructions: number;
  cycles: number;
  /** Of the instruction cache; 0 without one. */
  misses: number;
}

const difference = (to: ExactCounts, from: ExactCounts): ExactCounts => ({
  instructions: to.instructions - from.instructions,
  cycles: to.cycles - from.cycles,
  misses: to.misses - from.misses,
});

function add(sum: ExactCounts, counts: ExactCounts): void {
  sum.instructions += counts.instructions;
  sum.cycles += counts.cycles;
  sum.misses += counts.misses;
}
