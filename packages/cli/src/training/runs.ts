import { type StreamFigures, spreadOf, type TrainJobResult } from "@gatelet/train";
import type { Terminal } from "../terminal.js";
import { percent, significant } from "../text/numbers.js";
import { renderTable } from "../text/table.js";

/** A finished training with its place among others. */
export interface TrainedRun extends TrainJobResult {
  readonly name: string;
  readonly folder: string;
  readonly stream?: StreamFigures;
}

/** What the best of several runs is chosen by: never the test part where there is another. */
export const scoreOf = ({ validation, test }: TrainJobResult): number =>
  validation.accuracy ?? test.accuracy ?? -test.loss;

/** Mean and spread over the folds, a line for each combination of the grid; of streams frame by frame. */
export function foldLines(runs: readonly TrainedRun[], folds: number): string[] {
  return Array.from({ length: runs.length / folds }, (_, i) => {
    const group = runs.slice(i * folds, (i + 1) * folds);
    const name = group[0]!.name.replace(/ ?fold=.*$/, "");
    const share = (head: string, pick: (run: TrainedRun) => number | undefined) =>
      show(
        head,
        group.flatMap((run) => pick(run) ?? []),
        100,
        " %",
      );
    const columns = group.every(({ stream }) => stream !== undefined)
      ? [
          share("float", ({ stream }) => stream?.floatAccuracy),
          share("int8", ({ stream }) => stream?.accuracy),
          share("F1", ({ stream }) => stream?.macroF1),
        ]
      : group[0]!.test.accuracy === undefined
        ? [
            show(
              "test loss",
              group.map(({ test }) => test.loss),
              1,
              "",
            ),
          ]
        : [share("test", ({ test }) => test.accuracy), share("F1", ({ test }) => test.macroF1)];
    return `${name === "" ? "" : `${name}: `}${folds} folds, mean and spread: ${columns.join(", ")}`;
  });
}

function show(head: string, values: readonly number[], factor: number, unit: string): string {
  const { mean, deviation = 0 } = spreadOf(values.map((value) => factor * value));
  return `${head} ${mean.toFixed(2)} +-${deviation.toFixed(2)}${unit}`;
}

/** A line for each run: size, best epoch, scores. */
export function renderRuns(terminal: Terminal, runs: readonly TrainedRun[]): string {
  const classes = runs[0].test.accuracy !== undefined;
  const share = (value: number | undefined) => (value === undefined ? "-" : percent(value));
  return renderTable(
    [
      { head: "run", cutTo: 10 },
      { head: "parameters", align: "right" },
      { head: "best epoch", align: "right" },
      ...(classes ? (["validation", "test", "test F1"] as const) : (["validation loss", "test loss"] as const)).map(
        (head) => ({ head, align: "right" as const }),
      ),
      { head: "seconds", align: "right" },
    ],
    runs.map(({ name, folder, parameters, bestEpoch, epochs, validation, test, seconds }) => [
      name === "" ? folder : name,
      `${parameters}`,
      `${bestEpoch}/${epochs}`,
      ...(classes
        ? [share(validation.accuracy), share(test.accuracy), share(test.macroF1)]
        : [significant(validation.loss, 4), significant(test.loss, 4)]),
      significant(seconds, 3),
    ]),
    terminal.width,
    terminal.style,
  );
}
