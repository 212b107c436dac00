import Table from "cli-table3";
import type { Style } from "./style.js";

/** A column: its heading, which side it is aligned to, and whether it may be cut to make the table fit. */
export interface TableColumn {
  readonly head: string;
  readonly align?: "left" | "right";
  /** Least width to which a long text may be cut (with an ellipsis); absent: never cut. */
  readonly cutTo?: number;
}

const GAP = 2;

/** Width that a table would like to have. */
export function tableWidth(columns: readonly TableColumn[], rows: readonly (readonly string[])[]): number {
  return totalWidth(naturalWidths(columns, rows));
}

const naturalWidths = (columns: readonly TableColumn[], rows: readonly (readonly string[])[]) =>
  columns.map((column, i) => Math.max(column.head.length, ...rows.map((row) => row[i]!.length)));

const totalWidth = (widths: readonly number[]) => widths.reduce((sum, width) => sum + width + GAP, -GAP);

/**
 * A plain table without borders, no wider than `width` as far as cutting the columns that allow it can help.
 * @param rows one text without colours per column
 */
export function renderTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  width: number,
  style: Style,
): string {
  const widths = naturalWidths(columns, rows);
  while (totalWidth(widths) > width) {
    const at = widestToCut(columns, widths);
    if (at < 0) break;
    widths[at]!--;
  }
  const fit = (texts: readonly string[]) => texts.map((text, i) => cut(text, widths[i]!));
  const table = new Table({
    head: fit(columns.map((column) => column.head)).map((text) => style.bold(text)),
    colAligns: columns.map((column) => column.align ?? "left"),
    colWidths: widths,
    chars: { ...NO_BORDERS, middle: " ".repeat(GAP) },
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
  });
  table.push(...rows.map(fit));
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

function widestToCut(columns: readonly TableColumn[], widths: readonly number[]): number {
  let best = -1;
  columns.forEach((column, i) => {
    if (column.cutTo === undefined || widths[i]! <= column.cutTo) return;
    if (best < 0 || widths[i]! > widths[best]!) best = i;
  });
  return best;
}

/** Cuts a text to `width` characters, the last of which is an ellipsis. */
export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

/** Breaks a line at blanks so that it fits `width`; the lines behind the first are indented. */
export function wrap(text: string, width: number, indent: number): string {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const at = rest.lastIndexOf(" ", width);
    if (at <= indent) break;
    lines.push(rest.slice(0, at));
    rest = " ".repeat(indent) + rest.slice(at + 1);
  }
  return [...lines, rest].join("\n");
}

const NO_BORDERS = Object.fromEntries(
  ["top", "bottom", "left", "right", "mid"]
    .flatMap((side) => [side, `${side}-mid`, `${side}-left`, `${side}-right`])
    .concat("mid-mid")
    .map((name) => [name, ""]),
);
