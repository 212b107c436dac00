import type { PoolOptions, TrainProgress } from "@gatelet/train";
import type { Progress, Terminal } from "../terminal.js";
import { percent, significant } from "../text/numbers.js";

/** Pool options that show trainings on a status line, and say once which back end was chosen. */
export function shownPool(
  terminal: Terminal,
  progress: Progress,
  options: { readonly workers: number; readonly quiet: boolean; readonly runs: number },
): PoolOptions {
  const told = new Set<string>();
  let done = 0;
  return {
    workers: options.workers,
    onNote: (text) => {
      if (!options.quiet && !told.has(text)) terminal.print(text);
      told.add(text);
    },
    onProgress: (_, at) => progress.update(trainStatus(at, done, options.runs)),
    onDone: () => done++,
  };
}

/** One line: where a training is and how long it will take. */
export function trainStatus(at: TrainProgress, done = 0, runs = 1): string {
  const run = runs > 1 ? `run ${done + 1} of ${runs}, ` : "";
  const accuracy = at.accuracy === undefined ? "" : `, accuracy ${percent(at.accuracy, 1)}`;
  const left = `${Math.floor(at.secondsLeft / 60)}:${String(Math.floor(at.secondsLeft % 60)).padStart(2, "0")}`;
  return `${run}epoch ${at.epoch} of ${at.epochs}, batch ${at.batch} of ${at.batches}, loss ${significant(at.loss, 3)}${accuracy}, ${left} left`;
}
