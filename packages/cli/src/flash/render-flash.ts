import { counted, grouped, significant } from "../text/numbers.js";
import type { Style } from "../text/style.js";
import { renderTable, type TableColumn, wrap } from "../text/table.js";
import type { FlashCycles, FlashReport } from "./flash-report.js";

const right = (head: string): TableColumn => ({ head, align: "right" });
const hex = (value: number): string => value.toString(16).padStart(8, "0");

/** The whole page of `gatelet flash`, at most `width` characters wide. */
export function renderFlash(report: FlashReport, width: number, style: Style): string {
  const { units, unit, framesFrom } = report;
  const head = `${style.bold(report.image)}: ${grouped(report.bytes)} bytes of flash, ${report.model} with ${counted(units, unit)} of ${framesFrom}`;
  const parts = [
    [wrap(head, width, 2), wrap(`started by: ${report.starter}`, width, 2)].join("\n"),
    cyclesTable(report, width, style),
    [
      `the board prints at 115200 baud and ends with: model ${hex(report.modelCrc)},`,
      `outputs ${hex(report.outputCrc)}, state ${hex(report.stateCrc)}`,
    ].join("\n"),
  ];
  if (report.sameAnswers === null) parts.push("keep what it prints in a file, then: gatelet flash ... --log FILE");
  else
    parts.push(
      report.sameAnswers ? style.green("the board's answers are equal") : style.red("the board's answers differ"),
    );
  return parts.join("\n\n");
}

function cyclesTable(report: FlashReport, width: number, style: Style): string {
  const { layers, total, units, clockHz } = report;
  const withLog = total.measuredCycles !== null;
  const columns: TableColumn[] = [
    { head: "layer", cutTo: 8 },
    { head: "type", cutTo: 6 },
    right("0 wait"),
    right("3 wait"),
    ...(withLog ? [right("measured"), right("to 3 wait")] : []),
    right("ms"),
  ];
  const cells = ({ idealCycles, cachedCycles, measuredCycles }: FlashCycles): string[] => {
    const simulated = [idealCycles, cachedCycles].map((cycles) => grouped(cycles / units));
    const best = measuredCycles ?? cachedCycles;
    const measured =
      measuredCycles === null ? [] : [grouped(measuredCycles / units), change(measuredCycles, cachedCycles)];
    return [...simulated, ...measured, significant((1000 * best) / units / clockHz, 3)];
  };
  const rows = layers.map((layer) => [layer.name, layer.type, ...cells(layer)]);
  const title = `cycles of a ${report.unit} at ${clockHz / 1e6} MHz by the firmware's own counter, its hooks included; wait: simulated`;
  return `${wrap(title, width, 0)}\n${renderTable(columns, [...rows, ["total", "", ...cells(total)]], width, style)}`;
}

function change(to: number, from: number): string {
  const percent = from === 0 ? 0 : 100 * (to / from - 1);
  return `${percent > 0 ? "+" : ""}${percent.toFixed(2)} %`;
}
