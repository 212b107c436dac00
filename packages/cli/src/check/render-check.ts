import { duration, grouped, percent, significant } from "../text/numbers.js";
import type { Style } from "../text/style.js";
import { renderTable, type TableColumn, wrap } from "../text/table.js";
import { flashUsed, ramUsed } from "./problems.js";
import { renderRuntimes } from "./render-runtimes.js";
import type { CheckReport, EngineCheck, LayerCheck, MemoryCheck } from "./report.js";

const right = (head: string): TableColumn => ({ head, align: "right" });

/** Cycles or instructions of one unit. */
const perUnit = (value: number | null, units: number): string => (value === null ? "-" : grouped(value / units));

const perMac = (value: number | null, macs: number): string =>
  value === null || macs === 0 ? "" : (value / macs).toFixed(2);

/** Predicted against simulated cycles, signed; empty where one is missing. */
export function predictionError({ predictedCycles, simulatedCycles }: LayerCheck): string {
  if (predictedCycles === null || simulatedCycles === null || simulatedCycles === 0) return "";
  if (predictedCycles === simulatedCycles) return "0";
  return `${(100 * (predictedCycles / simulatedCycles - 1)).toFixed(2)} %`;
}

/** Cells of one line of the layer table, the layer's index first. */
export function layerCells(layer: LayerCheck, report: CheckReport): string[] {
  const { simulatedCycles, instructions, predictedCycles, macs } = layer;
  const milliseconds =
    simulatedCycles === null ? "-" : significant((1000 * simulatedCycles) / report.units / report.clockHz, 3);
  return [
    predictedCycles === null ? "not pred." : perUnit(predictedCycles, report.units),
    perUnit(simulatedCycles, report.units),
    predictionError(layer),
    perUnit(instructions, report.units),
    perMac(instructions, macs),
    milliseconds,
  ];
}

export const LAYER_HEADS = ["predicted", "simulated", "error", "instr.", "/MAC", "ms"] as const;

/** The whole page of `gatelet check`, at most `width` characters wide. */
export function renderCheck(report: CheckReport, width: number, style: Style): string {
  const parts = [heading(report, width, style), layerTable(report, width, style), engineTable(report, width, style)];
  if (report.otherRuntimes.layers.length > 0) parts.push(renderRuntimes(report, width, style));
  parts.push(facts(report, width, style));
  for (const { engine, fault } of report.engines) {
    if (fault !== null) parts.push(`${style.red(`${engine}:`)} ${fault}`);
  }
  parts.push(verdict(report, style));
  return parts.join("\n\n");
}

function heading(report: CheckReport, width: number, style: Style): string {
  const { clockHz, waitStates, unit, units, framesFrom, firmware } = report;
  const flash =
    waitStates === 0 ? "flash 0 wait states" : waitStates === 2 ? "flash 2, cache off" : "flash 3, cache on";
  return [
    `${style.bold(report.model)} on ${report.board}, ${clockHz / 1e6} MHz, ${flash}: simulated, not silicon`,
    wrap(`${units} ${unit}${units === 1 ? "" : "s"} of ${framesFrom}; firmware: ${firmware}`, width, 0),
  ].join("\n");
}

function layerTable(report: CheckReport, width: number, style: Style): string {
  const columns: TableColumn[] = [
    right("#"),
    { head: "layer", cutTo: 6 },
    { head: "type", cutTo: 6 },
    ...LAYER_HEADS.map(right),
  ];
  const row = (layer: LayerCheck, index: string) => [index, layer.name, layer.type, ...layerCells(layer, report)];
  const rows = report.layers.map((layer) => row(layer, `${layer.record}`));
  rows.push(row(report.executor, ""), row(report.total, ""));
  const per = `cycles and instructions of one ${report.unit}`;
  return `${style.dim(per)}\n${renderTable(columns, rows, width, style)}`;
}

/** Cells of one line of the engine table. */
export function engineCells(engine: EngineCheck): string[] {
  const { absent, fault, wrongSteps, steps, stateEqual, instructions, difference, seconds } = engine;
  if (absent !== null) return [engine.engine, absent, "", "", "", ""];
  if (fault !== null) return [engine.engine, "fault, see below", "", "", "", duration(seconds)];
  return [
    engine.engine,
    wrongSteps === 0 ? `${grouped(steps)} steps equal` : `${wrongSteps} of ${steps} differ`,
    stateEqual === true ? "equal" : "differs",
    instructions === null ? "-" : grouped(instructions),
    difference === null ? "-" : grouped(difference),
    duration(seconds),
  ];
}

export const ENGINE_HEADS = ["engine", "outputs", "state", "instructions", "difference", "took"] as const;

function engineTable(report: CheckReport, width: number, style: Style): string {
  const columns = ENGINE_HEADS.map((head, i): TableColumn => (i < 3 ? { head } : right(head)));
  const present = report.engines.filter(({ absent }) => absent === null);
  const table = renderTable(columns, present.map(engineCells), width, style);
  const missing = report.engines
    .filter(({ absent }) => absent !== null)
    .map(({ engine, absent }) => wrap(`${engine}: ${absent}`, width, 2));
  return [style.dim("against the WebAssembly engine, bit for bit"), table, ...missing].join("\n");
}

/** Name and text of every further fact. */
export function factRows(report: CheckReport): (readonly [string, string])[] {
  const { unit, millisecondsPerUnit, energyMicrojoulesPerUnit, duty, frameRate } = report;
  const rows: (readonly [string, string])[] = [];
  if (millisecondsPerUnit !== null)
    rows.push([`time of a ${unit}`, `${duration(millisecondsPerUnit / 1000)} (simulated)`]);
  if (energyMicrojoulesPerUnit !== null) {
    const source = "3.3 mA at 3 V while computing, by the product specification";
    rows.push([`energy of a ${unit}`, `about ${significant(energyMicrojoulesPerUnit, 3)} uJ (estimate: ${source})`]);
  }
  const noRate = "unknown: the file has no frameRate";
  rows.push([
    "duty",
    duty === null ? (frameRate === null ? noRate : "-") : `${percent(duty)} at ${frameRate} frames a second`,
  ]);
  return [...rows, ...memoryRows(report.memory)];
}

function memoryRows(memory: MemoryCheck): (readonly [string, string])[] {
  const { libraryFlashBytes, modelFlashBytes, flashBudgetBytes, arenaBytes, variableBytes, stackBytes } = memory;
  const of = (used: number, budget: number | null) =>
    budget === null ? grouped(used) : `${grouped(used)} of ${grouped(budget)} (${percent(used / budget, 1)})`;
  const stack = stackBytes === null ? "" : ` + stack ${stackBytes} (in a step ${memory.stepStackBytes})`;
  return [
    [
      "flash",
      `${of(flashUsed(memory), flashBudgetBytes)}: library, all kernels ${grouped(libraryFlashBytes)} + model ${grouped(modelFlashBytes)}`,
    ],
    [
      "RAM",
      `${of(ramUsed(memory), memory.ramBudgetBytes)}: arena ${grouped(arenaBytes)} + variables ${variableBytes}${stack}`,
    ],
  ];
}

function facts(report: CheckReport, width: number, style: Style): string {
  const rows = factRows(report);
  const indent = Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows
    .map(([name, text]) => {
      const [first, ...rest] = wrap(`${name.padEnd(indent)}${text}`, width, indent).split("\n");
      return [style.bold(first!.slice(0, indent)) + first!.slice(indent), ...rest].join("\n");
    })
    .join("\n");
}

function verdict({ problems, seconds }: CheckReport, style: Style): string {
  const took = `in ${duration(seconds)}`;
  if (problems.length === 0) return `${style.green("passed")} ${took}`;
  return [`${style.red("failed")} ${took}`, ...problems.map((problem) => `- ${problem}`)].join("\n");
}
