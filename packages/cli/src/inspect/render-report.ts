import type { Budget } from "../budget.js";
import { renderAddressMap, renderGauge } from "../text/address-map.js";
import { compact, grouped, percent, scaleText } from "../text/numbers.js";
import type { Style } from "../text/style.js";
import { renderTable, type TableColumn, tableWidth, wrap } from "../text/table.js";
import type { LayerReport } from "./layer-report.js";
import type { ModelReport } from "./model-report.js";

/** A column of the layer table and the text of one layer in it. */
interface LayerColumn extends TableColumn {
  text(layer: LayerReport): string;
}

const INDEX: LayerColumn = { head: "#", align: "right", text: (layer) => `${layer.record}` };
const NAME: LayerColumn = { head: "layer", cutTo: 8, text: (layer) => layer.name };
const WHAT: readonly LayerColumn[] = [
  { head: "type", text: (layer) => layer.type },
  { head: "shape", text: shapeText },
  { head: "activation", cutTo: 8, text: (layer) => layer.activation },
];
const WORK: readonly LayerColumn[] = [
  { head: "MACs", align: "right", text: (layer) => (layer.macs === 0 ? "" : compact(layer.macs)) },
  { head: "cycles", align: "right", text: (layer) => (layer.cycles === null ? "-" : compact(layer.cycles)) },
];
const NUMBERS: readonly LayerColumn[] = [
  { head: "bits", align: "right", text: (layer) => (layer.bits === null ? "" : `${layer.bits}`) },
  { head: "scale", align: "right", text: (layer) => (layer.scale === null ? "" : scaleText(layer.scale)) },
  { head: "params", align: "right", text: (layer) => (layer.parameters === 0 ? "" : grouped(layer.parameters)) },
  { head: "flash", align: "right", text: (layer) => grouped(layer.flashBytes) },
  { head: "RAM", align: "right", text: (layer) => grouped(layer.ramBytes) },
];
const NOISE: LayerColumn = {
  head: "SQNR",
  align: "right",
  text: ({ sqnrDb }) => (sqnrDb === null ? "" : `${sqnrDb.toFixed(1)} dB`),
};

function shapeText({ rows, cols }: LayerReport): string {
  return rows === 1 ? `${cols}` : `${rows ?? "t"} x ${cols}`;
}

/** Lines of the heading go on under their text. */
const HEADING_INDENT = 8;

/** The whole page of `gatelet inspect`, at most `width` characters wide. */
export function renderModelReport(report: ModelReport, budget: Budget, width: number, style: Style): string {
  const parts = [
    renderHeading(report, width, style),
    renderLayers(report, width, style),
    renderMaps(report, width, style),
  ];
  if (budget.flashBytes !== undefined || budget.ramBytes !== undefined) {
    parts.push(renderBudget(report, budget, width, style));
  }
  return parts.join("\n\n");
}

function renderHeading(report: ModelReport, width: number, style: Style): string {
  const { window, frameSize, features, classes, provenance } = report;
  const per = window === null ? "stream, one frame a step" : `windows of ${window} frames`;
  const named = features.length > 0 && features.length <= 8 ? ` (${features.join(", ")})` : "";
  const output = classes.length > 0 && classes.length <= 8 ? ` (${classes.join(", ")})` : "";
  const transform = report.outputTransform === "none" ? "" : `, ${report.outputTransform} left to the host`;
  const cycles = report.cycles === null ? "" : `, ${compact(report.cycles)} cycles of a Cortex-M4 (predicted)`;
  const lines = [
    `${style.bold(report.name)}  ${grouped(report.fileBytes)} bytes, format ${report.formatVersion}`,
    `input   ${per}, ${frameSize} ${report.inputKind === "tokens" ? "token" : "values"} each${named}`,
    `output  ${report.outputSize} values${output}${transform}`,
    `work    ${grouped(report.parameters)} parameters, ${compact(report.macs)} MACs a ${window === null ? "step" : "window"}${cycles}`,
  ];
  if (provenance !== "") lines.push(`from    ${provenance}`);
  return lines.map((line, i) => (i === 0 ? line : wrap(line, width, HEADING_INDENT))).join("\n");
}

/** One table where it fits; else two under each other: what the layers are, and their numbers. */
function renderLayers({ layers }: ModelReport, width: number, style: Style): string {
  const numbers = layers.some((layer) => layer.sqnrDb !== null) ? [...NUMBERS, NOISE] : NUMBERS;
  const all = [INDEX, NAME, ...WHAT, ...WORK, ...numbers];
  if (tableWidth(all, texts(all, layers)) <= width) return table(all, layers, width, style);
  return [
    [INDEX, NAME, ...WHAT, ...WORK],
    [INDEX, NAME, ...numbers],
  ]
    .map((columns) => table(columns, layers, width, style))
    .join("\n\n");
}

const texts = (columns: readonly LayerColumn[], layers: readonly LayerReport[]) =>
  layers.map((layer) => columns.map((column) => column.text(layer)));
const table = (columns: readonly LayerColumn[], layers: readonly LayerReport[], width: number, style: Style) =>
  renderTable(columns, texts(columns, layers), width, style);

function renderMaps(report: ModelReport, width: number, style: Style): string {
  const { fileBytes, arenaBytes, stateBytes, scratchBytes } = report;
  const parts = [
    style.bold(`flash: ${grouped(fileBytes)} bytes`),
    renderAddressMap(report.flash, fileBytes, width, style),
    "",
    style.bold(`arena: ${grouped(arenaBytes)} bytes`) +
      ` (state ${grouped(stateBytes)}, scratch ${grouped(scratchBytes)})`,
    renderAddressMap(report.arena, arenaBytes, width, style),
    style.dim("rows and scratch under each other use the same bytes in turn"),
  ];
  return parts.join("\n");
}

function renderBudget(report: ModelReport, budget: Budget, width: number, style: Style): string {
  const title = style.bold(`budget${budget.board === undefined ? "" : ` of ${budget.board}`}`);
  const line = (what: string, used: number, limit: number | undefined) => {
    if (limit === undefined) return [];
    const left = limit - used;
    const text = `${grouped(used)} of ${grouped(limit)}, ${percent(used / limit, 1)}`;
    const rest = left >= 0 ? `${grouped(left)} left` : style.red(`${grouped(-left)} too many`);
    const gauge = renderGauge(used, limit, Math.max(10, Math.min(24, width - 56)), style);
    return [`${what}  ${gauge}  ${text}, ${rest}`];
  };
  return [
    title,
    ...line("flash", report.fileBytes, budget.flashBytes),
    ...line("RAM  ", report.arenaBytes, budget.ramBytes),
  ].join("\n");
}
