import type { BaselineReport } from "./float-baseline.js";
import { baselineTable } from "./render-baseline.js";
import { ENGINE_HEADS, engineCells, factRows, LAYER_HEADS, layerCells } from "./render-check.js";
import { runtimesTable } from "./render-runtimes.js";
import type { CheckReport } from "./report.js";

const row = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
const table = (heads: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(heads), row(heads.map(() => "---")), ...rows.map(row)].join("\n");

/** Summary for a pull request. */
export function checkMarkdown(report: CheckReport, baseline?: BaselineReport): string {
  const passed = report.problems.length === 0;
  const rows = [...report.layers, report.executor, report.total].map((layer) => [
    layer.name,
    layer.type,
    ...layerCells(layer, report),
  ]);
  return [
    `### gatelet check: ${report.model} on ${report.board}: ${passed ? "passed" : "failed"}`,
    ...report.problems.map((problem) => `- ${problem}`),
    "",
    `Cycles and instructions of one ${report.unit}, simulated at ${report.clockHz / 1e6} MHz with ${report.waitStates} flash wait states; not silicon cycles.`,
    "",
    table(["layer", "type", ...LAYER_HEADS], rows),
    "",
    table(ENGINE_HEADS, report.engines.map(engineCells)),
    "",
    table(["", ""], factRows(report)),
    "",
    ...runtimesPart(report),
    ...(baseline === undefined ? [] : baselinePart(baseline)),
  ].join("\n");
}

function runtimesPart(report: CheckReport): string[] {
  const { heads, rows, note } = runtimesTable(report);
  return rows.length === 0 ? [] : ["#### other runtimes, estimated", "", table(heads, rows), "", note, ""];
}

function baselinePart(baseline: BaselineReport): string[] {
  const { heads, rows, notes } = baselineTable(baseline);
  return ["#### the same graph in float", "", table(heads, rows), "", ...notes.flatMap((note) => [note, ""])];
}

/** The comparison with float, as text that CI systems show beside a suite. */
function baselineOutput(baseline: BaselineReport): string {
  const { rows, notes } = baselineTable(baseline);
  const lines = rows.map(([name, float, own, ratio]) => `${name}: float ${float}, gatelet ${own} ${ratio}`.trim());
  return `  <system-out>${xml([...lines, ...notes].join("\n"))}</system-out>`;
}

interface TestCase {
  readonly name: string;
  readonly seconds: number;
  readonly failure?: string;
  readonly skipped?: string;
}

/** One test case per engine and budget, as CI systems read them. */
export function checkJunit(report: CheckReport, baseline?: BaselineReport): string {
  const cases = [...engineCases(report), ...budgetCases(report)];
  const failures = cases.filter(({ failure }) => failure !== undefined).length;
  const skipped = cases.filter((one) => one.skipped !== undefined).length;
  const head = `name="gatelet check ${xml(report.model)}" tests="${cases.length}" failures="${failures}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuite ${head} errors="0" skipped="${skipped}" time="${report.seconds.toFixed(3)}">`,
    ...cases.map(testCase),
    ...(baseline === undefined ? [] : [baselineOutput(baseline)]),
    "</testsuite>",
    "",
  ].join("\n");
}

function engineCases({ engines, problems }: CheckReport): TestCase[] {
  return engines.map(({ engine, absent, fault, seconds }) => {
    const name = `${engine} equals WebAssembly`;
    if (absent !== null) return { name, seconds, skipped: absent };
    const failures = problems.filter((problem) => problem.startsWith(`${engine}:`));
    return failures.length === 0 ? { name, seconds } : { name, seconds, failure: fault ?? failures.join("\n") };
  });
}

function budgetCases({ problems }: CheckReport): TestCase[] {
  return ["RAM", "flash"].map((what) => {
    const name = `${what} within budget`;
    const failure = problems.find((problem) => problem.startsWith(`${what}:`));
    return failure === undefined ? { name, seconds: 0 } : { name, seconds: 0, failure };
  });
}

function testCase({ name, seconds, failure, skipped }: TestCase): string {
  const head = `  <testcase classname="gatelet.check" name="${xml(name)}" time="${seconds.toFixed(3)}"`;
  if (skipped !== undefined) return `${head}><skipped message="${xml(skipped)}"/></testcase>`;
  if (failure === undefined) return `${head}/>`;
  return `${head}><failure message="${xml(failure.split("\n")[0]!)}">${xml(failure)}</failure></testcase>`;
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const xml = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 has no place for them
  text.replace(/[&<>"]/g, (char) => ENTITIES[char]!).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "?");
