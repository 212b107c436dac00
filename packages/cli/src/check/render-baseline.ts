import { grouped, percent, significant } from "../text/numbers.js";
import type { Style } from "../text/style.js";
import { renderTable, type TableColumn, wrap } from "../text/table.js";
import type { BaselineReport, BaselineSide } from "./float-baseline.js";

/** Heads and rows of the comparison, its note below; the terminal's and the pull request's table alike. */
export function baselineTable(report: BaselineReport): { heads: string[]; rows: string[][]; notes: string[] } {
  const { float, gatelet, unit, agreement } = report;
  const line = (name: string, of: (side: BaselineSide) => number, text: (value: number) => string): string[] => [
    name,
    text(of(float)),
    text(of(gatelet)),
    `${significant(of(gatelet) / of(float), 3)} x`,
  ];
  const milliseconds = (value: number): string => significant(value, 3);
  const rows = [
    line(`ms a ${unit}`, (side) => side.millisecondsPerUnit, milliseconds),
    line(`cycles a ${unit}`, (side) => side.cyclesPerUnit, grouped),
    line(`instructions a ${unit}`, (side) => side.instructionsPerUnit, grouped),
    line("RAM, bytes", (side) => side.ramBytes, grouped),
    line("flash, bytes", (side) => side.flashBytes, grouped),
    line("of it the model", (side) => side.modelBytes, grouped),
    ...scoreRows(report),
  ];
  const note = `float: ${report.floatModel} as plain C with the FPU, gcc -O2, whole windows in one planned arena; simulated`;
  const equal = agreement === null ? [] : [`equal decisions: ${percent(agreement)}`];
  return { heads: ["", "float32 C", "gatelet", ""], rows, notes: [...equal, note] };
}

/** The table that `gatelet check --baseline float` adds: both ways side by side, at most `width` characters wide. */
export function renderBaseline(report: BaselineReport, width: number, style: Style): string {
  const { heads, rows, notes } = baselineTable(report);
  const columns = heads.map((head, i): TableColumn => (i === 0 ? { head } : { head, align: "right" }));
  return [
    style.bold("the same graph in float"),
    renderTable(columns, rows, width, style),
    ...notes.map((note) => wrap(note, width, 0)),
  ].join("\n");
}

function scoreRows({ float, gatelet }: BaselineReport): string[][] {
  const [a, b] = [float.scores, gatelet.scores];
  if (a?.kind === "classification" && b?.kind === "classification") {
    return [["accuracy", percent(a.accuracy), percent(b.accuracy), ""]];
  }
  if (a?.kind !== "regression" || b?.kind !== "regression") return [];
  return [["rmse", significant(a.rmse, 4), significant(b.rmse, 4), `${significant(b.rmse / a.rmse, 4)} x`]];
}
