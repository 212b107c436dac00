import type { EntryFigures, QuantizedFigures } from "./evaluate-entry.js";
import { PROTOCOL_GUESSES, PROTOCOL_NOTE, publishedTable } from "./published-table.js";
import type { StudyReport, StudyRow } from "./run-study.js";

/** Mean and spread (standard deviation of the sample; absent for one value). */
export function spreadOf(values: readonly number[]): { mean: number; deviation: number | undefined } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length < 2) return { mean, deviation: undefined };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / (values.length - 1)) };
}

/** Cells of a study's table: one line per architecture and bits. */
export interface StudyTable {
  readonly head: readonly string[];
  readonly lines: readonly (readonly string[])[];
}

const shares = (values: readonly number[]) => {
  const { mean, deviation } = spreadOf(values.map((value) => 100 * value));
  return deviation === undefined ? mean.toFixed(2) : `${mean.toFixed(2)} +-${deviation.toFixed(2)}`;
};

/** The table that both the terminal and the report show. */
export function studyTable({ rows }: StudyReport): StudyTable {
  const sets = rows.some(({ set }) => set !== undefined);
  const head = [
    ...(sets ? ["data set"] : []),
    "network",
    "split",
    "parameters",
    "float %",
    "float F1",
    "bits",
    "accuracy %",
    "F1",
    "change",
    "agree %",
    "float bytes",
    "bytes",
    "RAM",
    "cycles",
    "ms",
    "uJ",
  ];
  const lines = rows.flatMap((row) =>
    row.runs[0].quantized.map(({ bits }, place) => [
      ...(sets ? [place === 0 ? (row.set ?? "") : ""] : []),
      ...lineOf(row, bits, place === 0),
    ]),
  );
  return { head, lines };
}

function lineOf({ name, split, protocol, runs }: StudyRow, bits: number, first: boolean): string[] {
  const pick = (run: EntryFigures) => run.quantized.find((each) => each.bits === bits) as QuantizedFigures;
  const chosen = runs.map(pick);
  const change = spreadOf(runs.map((run, i) => 100 * (chosen[i].accuracy - run.floatAccuracy))).mean;
  const { board } = chosen[0];
  const once = (text: string) => (first ? text : "");
  return [
    once(runs.length > 1 ? `${name} x${runs.length}` : name),
    once(protocol === "published" ? `${split} + smote` : split),
    once(runs[0].parameters.toLocaleString("en-US")),
    once(shares(runs.map((run) => run.floatAccuracy))),
    once(shares(runs.map((run) => run.floatMacroF1))),
    `int${bits}`,
    shares(chosen.map((each) => each.accuracy)),
    shares(chosen.map((each) => each.macroF1)),
    `${change > 0 ? "+" : ""}${change.toFixed(2)}`,
    shares(chosen.map((each) => each.agreement)),
    once(runs[0].floatBytes.toLocaleString("en-US")),
    chosen[0].gateBytes.toLocaleString("en-US"),
    chosen[0].ramBytes.toLocaleString("en-US"),
    board === undefined ? "-" : board.cycles.toLocaleString("en-US"),
    board === undefined ? "-" : board.milliseconds.toFixed(2),
    board === undefined ? "-" : board.microjoules.toFixed(0),
  ];
}

/** Accuracy of every network on every data set, and the means over them; a line for float and for each width. */
export function averagesTable({ averages = [] }: StudyReport): StudyTable {
  const sets = Object.keys(averages[0]?.accuracies ?? {});
  const lines = averages.map(({ name, bits, accuracies, accuracy, macroF1, bytes }) => [
    bits === 32 ? name : "",
    bits === 32 ? "float" : `int${bits}`,
    ...sets.map((set) => (100 * accuracies[set]).toFixed(2)),
    shares(accuracy),
    shares(macroF1),
    Math.round(bytes).toLocaleString("en-US"),
  ]);
  return { head: ["network", "weights", ...sets, "mean accuracy %", "mean F1", "mean bytes"], lines };
}

export function studyMarkdown(report: StudyReport): string {
  const table = ({ head, lines }: StudyTable) =>
    [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
  const changes = Object.entries(report.meanChange).map(([bits, points]) => `${bits} ${points.toFixed(3)} points`);
  const published = publishedTable(report);
  const averages = averagesTable(report);
  return [
    `# Study ${report.name}\n`,
    `${table(studyTable(report))}\n`,
    `Mean change of accuracy by quantization: ${changes.join(", ")}.\n`,
    `Recommendation: ${report.recommendation}.\n`,
    ...(report.notes ?? []).map((note) => `${note}\n`),
    ...(averages.lines.length === 0 ? [] : ["## Mean over data sets\n", `${table(averages)}\n`]),
    ...(published.lines.length === 0
      ? []
      : [
          `## Beside the published figures\n`,
          `${table(published)}\n`,
          `${PROTOCOL_NOTE}\n`,
          "What we had to guess:\n",
          PROTOCOL_GUESSES.map((guess) => `- ${guess}`).join("\n"),
          "",
        ]),
  ].join("\n");
}
