import type { Board, RunRequest } from "../board.js";
import { failure } from "./errors.js";
import type { Measured } from "./run.js";

/** One pass of a marked symbol: instructions retired when the core was about to execute it. */
export interface Pass {
  readonly symbol: string;
  readonly instructions: number;
}

/** An engine that can note counts at symbols without stopping there. */
export interface PassCounter {
  /** Runs as `run` does; returns the passes of `symbols` on the way, in order. */
  runNoting(symbols: readonly string[], request: RunRequest): Promise<Pass[]>;
}

const canNote = (board: Board): board is Board & PassCounter => "runNoting" in board;

/** Sum over the first `counted` steps, for engines that see the runner's marks only. */
export async function countSteps(
  board: Board,
  frames: number,
  counted: number,
  end: number,
  maxInstructions: number,
): Promise<Measured> {
  const until = { address: end };
  let instructions = 0;
  if (canNote(board)) {
    const passes = await board.runNoting(["bench_begin", "bench_end"], { until, maxInstructions });
    for (let i = 0; i + 1 < passes.length && i < 2 * counted; i += 2) {
      instructions += passes[i + 1].instructions - passes[i].instructions;
    }
    return sum(instructions, undefined);
  }
  let cycles: number | undefined = 0;
  for (let frame = 0; frame < Math.min(frames, counted); frame++) {
    const before = await board.run({ until: { symbol: "bench_begin" }, maxInstructions });
    if (before.reason !== "symbol") throw failure(before);
    const step = await board.run({ until: { symbol: "bench_end" }, maxInstructions });
    if (step.reason !== "symbol") throw failure(step);
    instructions += step.instructions;
    cycles = step.cycles === undefined || cycles === undefined ? undefined : cycles + step.cycles;
  }
  const last = await board.run({ until, maxInstructions });
  if (last.reason !== "address") throw failure(last);
  return sum(instructions, cycles);
}

const sum = (instructions: number, cycles: number | undefined): Measured => ({
  total: undefined,
  marked: { instructions, cycles },
  layers: undefined,
  stackBytes: undefined,
});
