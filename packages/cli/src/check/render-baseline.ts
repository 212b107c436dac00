import { grouped, percent, significant } from "../text/numbers.js";
import type { Style } from "../text/style.js";
import { renderTable, wrap } from "../text/table.js";
import type { BaselineReport, BaselineSide } from "./float-baseline.js";

/** The table that `gatelet check --baseline float` adds: both ways side by side, at most `width` characters wide. */
export function renderBaseline(report: BaselineReport, width: number, style: Style): string {
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
  const right = "right" as const;
  const columns = [
    { head: "" },
    { head: "float32 C", align: right },
    { head: "gatelet", align: right },
    { head: "", align: right },
  ];
  const note = `float: ${report.floatModel} as plain C with the FPU, gcc -O2, whole windows in one planned arena; simulated`;
  const equal = agreement === null ? [] : [`equal decisions: ${percent(agreement)}`];
  return [
    style.bold("the same graph in float"),
    renderTable(columns, rows, width, style),
    ...equal,
    wrap(note, width, 0),
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
