import { grouped } from "../text/numbers.js";
import type { Style } from "../text/style.js";
import { renderTable, type TableColumn, wrap } from "../text/table.js";
import type { RuntimeEstimate } from "./other-runtimes.js";
import type { CheckReport } from "./report.js";

const text = ({ cycles, offered }: RuntimeEstimate, units: number): string =>
  cycles === null ? (offered ? "no figure" : "not offered") : grouped(cycles / units);

/** Heads and rows of the table of other runtimes, cycles of one unit; no rows for a model without weights. */
export function runtimesTable(report: CheckReport): { heads: string[]; rows: string[][]; note: string } {
  const { otherRuntimes, units } = report;
  const { layers, runtimes, basis } = otherRuntimes;
  const rows = layers.map(({ name, workCycles }, i) => [
    name,
    workCycles === null ? "-" : grouped(workCycles / units),
    ...runtimes.map((runtime) => text(runtime.layers[i]!, units)),
  ]);
  const heads = ["layer", "gatelet", ...runtimes.map(({ name }) => name)];
  return {
    heads,
    rows,
    note: `cycles of one ${report.unit}, without the ticks in which a layer only looks for a row; other columns are not runs, but ${basis}`,
  };
}

export function renderRuntimes(report: CheckReport, width: number, style: Style): string {
  const { heads, rows, note } = runtimesTable(report);
  const columns = heads.map((head, i): TableColumn => (i === 0 ? { head, cutTo: 10 } : { head, align: "right" }));
  return [style.dim("other runtimes, estimated"), renderTable(columns, rows, width, style), wrap(note, width, 0)].join(
    "\n",
  );
}
