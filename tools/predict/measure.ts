import { BuiltinBoard } from "../../packages/sim/src/board/builtin.js";
import { framesImage } from "../../packages/sim/src/runner/image.js";
import { LayerCounter } from "../../packages/sim/src/runner/layer-counter.js";
import { RUNNER } from "../../packages/sim/src/runner/map.gen.js";

export interface Measured {
  readonly status: number;
  /** Of each record, then of the executor: what lies outside of the records. */
  readonly instructions: readonly number[];
  readonly cycles: readonly number[];
  /** Of the instruction cache. */
  readonly misses: readonly number[];
  /** Most stack of a step. */
  readonly stackBytes: number;
}

/** One board that keeps its translated code from model to model. */
export class Bench {
  private readonly board: BuiltinBoard;

  constructor(
    elf: Uint8Array,
    private readonly waitStates: 0 | 2 | 3,
  ) {
    this.board = new BuiltinBoard({ waitStates });
    this.board.loadNow(elf);
    const { core } = this.board;
    core.setCache(waitStates === 3);
    // Translated code outlives a reset of the core: the cache is empty when the firmware switches it on, and stays on.
    core.setCache = () => core.fetch.clear();
  }

  run(model: Uint8Array, frames: Int16Array, frameSize: number, records: number): Measured {
    const { core } = this.board;
    const { memory } = core;
    memory.poke(RUNNER.MODEL_ADDRESS, model);
    const options = { quiet: true, noCache: this.waitStates !== 3, ramBytes: RUNNER.RAM_BYTES };
    memory.poke(RUNNER.FRAMES_ADDRESS, framesImage(frames, frameSize, options));
    core.reset(RUNNER.FLASH_BASE);
    const { total, layers, stackBytes } = new LayerCounter(this.board).run(200e6, Number.POSITIVE_INFINITY);
    const result = memory.peek(this.board.symbol("g_result"), RUNNER.RESULT_LAYER_CYCLES_AT);
    const status = new DataView(result.buffer, result.byteOffset).getInt32(RUNNER.RESULT_STATUS_AT, true);
    const list = (name: "instructions" | "cycles" | "misses"): number[] => {
      const own = Array.from({ length: records }, (_, i) => layers?.[i]?.[name] ?? 0);
      return [...own, (total?.[name] ?? 0) - own.reduce((sum, value) => sum + value, 0)];
    };
    return {
      status,
      instructions: list("instructions"),
      cycles: list("cycles"),
      misses: list("misses"),
      stackBytes: stackBytes ?? 0,
    };
  }
}
