import { counted, duration, grouped, percent, points, significant } from "../text/numbers.js";
import { sparkline } from "../text/sparkline.js";
import type { Style } from "../text/style.js";
import { cut, renderTable, wrap } from "../text/table.js";
import type { ErrorCurve, StreamEvaluation, StreamScores } from "./evaluate-streams.js";
import type { WindowEvaluation } from "./evaluate-windows.js";
import type { EvaluationReport, Timing } from "./evaluation-report.js";
import type { ClassificationScores, Difference, Scores } from "./scores.js";

/** The whole page of `gatelet eval`, at most `width` characters wide. */
export function renderEvaluation(report: EvaluationReport, width: number, style: Style): string {
  const parts = [heading(report, style)];
  if (report.windows !== null) parts.push(...windowParts(report.windows, width, style));
  if (report.streams !== null) parts.push(...streamParts(report.streams, width, style));
  if (report.timing !== null) parts.push(timingText(report.timing, width, style));
  for (const note of report.notes) parts.push(style.dim(wrap(`note: ${note}`, width, 6)));
  return parts.join("\n\n");
}

function heading({ model, data, fileBytes, arenaBytes }: EvaluationReport, style: Style): string {
  return `${style.bold(model)} on ${data}\nfile ${grouped(fileBytes)} bytes, RAM ${grouped(arenaBytes)} bytes a stream`;
}

function windowParts(evaluation: WindowEvaluation, width: number, style: Style): string[] {
  const { quantized, float, difference } = evaluation;
  const title = counted(evaluation.windows, "window");
  const parts = [summary(title, quantized, float, difference, width, style)];
  if (quantized?.kind === "classification") {
    parts.push(classTable(quantized, float, width, style), confusionTable(quantized, width, style));
  }
  return parts;
}

/** One line a measure: quantized, float, and what the quantization changed. */
function summary(
  title: string,
  quantized: Scores | null,
  float: Scores | null,
  difference: Difference | null,
  width: number,
  style: Style,
): string {
  const rows: string[][] = [];
  if (quantized?.kind === "classification") {
    const other = float?.kind === "classification" ? float : null;
    rows.push([
      "accuracy",
      percent(quantized.accuracy),
      share(other?.accuracy),
      change(quantized.accuracy, other?.accuracy),
    ]);
    rows.push([
      "macro F1",
      percent(quantized.macroF1),
      share(other?.macroF1),
      change(quantized.macroF1, other?.macroF1),
    ]);
  } else if (quantized?.kind === "regression") {
    const other = float?.kind === "regression" ? float : null;
    for (const [name, key] of [
      ["RMSE", "rmse"],
      ["MAE", "mae"],
      ["worst error", "worst"],
    ] as const) {
      const more = other === null ? 0 : (quantized[key] / other[key] - 1) * 100;
      const ratio = other === null ? "" : `${more > 0 ? "+" : ""}${more.toFixed(2)} %`;
      rows.push([name, significant(quantized[key], 5), other === null ? "" : significant(other[key], 5), ratio]);
    }
  }
  const columns = [
    { head: title },
    { head: "quantized", align: "right" as const },
    { head: float === null ? "" : "float", align: "right" as const },
    { head: float === null ? "" : "change", align: "right" as const },
  ];
  const lines =
    rows.length === 0
      ? [`${style.bold(title)}  no labels: only the outputs are compared`]
      : [renderTable(columns, rows, width, style)];
  if (difference !== null) lines.push(differenceText(difference, width));
  return lines.join("\n");
}

const share = (value: number | undefined) => (value === undefined ? "" : percent(value));
const change = (now: number, before: number | undefined) => (before === undefined ? "" : points(now - before));

function differenceText({ agreement, worstOutputError, meanOutputError }: Difference, width: number): string {
  const errors = `output error: worst ${significant(worstOutputError, 3)}, mean ${significant(meanOutputError, 3)}`;
  return wrap(agreement === null ? errors : `agreement with float ${percent(agreement)}; ${errors}`, width, 2);
}

function classTable(quantized: ClassificationScores, float: Scores | null, width: number, style: Style): string {
  const floatById = new Map(
    float?.kind === "classification" ? float.classes.map((score) => [score.classId, score]) : [],
  );
  const columns = [
    { head: "class", cutTo: 8 },
    { head: "precision", align: "right" as const },
    { head: "recall", align: "right" as const },
    { head: "F1", align: "right" as const },
    ...(floatById.size === 0 ? [] : [{ head: "F1 float", align: "right" as const }]),
    { head: "count", align: "right" as const },
  ];
  const rows = quantized.classes.map(({ classId, name, precision, recall, f1, support }) => [
    classText(classId, name),
    percent(precision, 1),
    percent(recall, 1),
    percent(f1, 1),
    ...(floatById.size === 0 ? [] : [percent(floatById.get(classId)?.f1 ?? Number.NaN, 1)]),
    grouped(support),
  ]);
  return renderTable(columns, rows, width, style);
}

const classText = (id: number, name: string) => (name === `${id}` ? name : `${id} ${name}`);

/** Rows are the truth, columns the decisions; only classes that occur. */
function confusionTable(scores: ClassificationScores, width: number, style: Style): string {
  const ids = scores.classes.map((score) => score.classId);
  const title = `${style.bold("confusion")} (rows: truth, columns: decision)`;
  const counts = ids.map((truth) => ids.map((predicted) => scores.confusion[truth]![predicted]!));
  const cell = Math.max(...ids.map((id) => `${id}`.length), ...counts.flat().map((count) => `${count}`.length));
  const labelWidth = Math.min(
    Math.max(...scores.classes.map((score) => classText(score.classId, score.name).length)),
    width - ids.length * (cell + 1),
  );
  if (labelWidth < 3) return `${title}: ${ids.length} classes do not fit ${width} columns, see --json`;
  const head = " ".repeat(labelWidth) + ids.map((id) => ` ${`${id}`.padStart(cell)}`).join("");
  const lines = scores.classes.map(({ classId, name }, i) => {
    const cells = counts[i]!.map((count, j) => {
      const text = (count === 0 ? "·" : `${count}`).padStart(cell);
      return ` ${i === j ? style.green(text) : count === 0 ? style.dim(text) : text}`;
    });
    return cut(classText(classId, name), labelWidth).padEnd(labelWidth) + cells.join("");
  });
  return [title, style.dim(head), ...lines].join("\n");
}

function streamParts(evaluation: StreamEvaluation, width: number, style: Style): string[] {
  const { quantized, float, difference } = evaluation;
  const held = evaluation.decisionHop > 1 ? `, a decision every ${evaluation.decisionHop}` : "";
  const unlabelled =
    evaluation.unlabelledFrames > 0 ? `, ${grouped(evaluation.unlabelledFrames)} without a label left out` : "";
  const parts = [
    wrap(
      `streams: ${grouped(evaluation.frames)} frames in ${counted(evaluation.sequences, "recording")}${held}${unlabelled}`,
      width,
      2,
    ),
  ];
  if (quantized !== null) parts.push(streamTable(quantized, float, evaluation.transitionFrames, width, style));
  if (difference !== null) parts.push(differenceText(difference, width));
  if (quantized?.all.kind === "classification") {
    parts.push(
      classTable(quantized.all, float?.all ?? null, width, style),
      confusionTable(quantized.all, width, style),
    );
  }
  if (evaluation.errorByStep !== null)
    parts.push(curveText("error by time step", evaluation.errorByStep, width, style));
  if (evaluation.longStream !== null) {
    parts.push(
      curveText(
        `error over one stream of ${grouped(evaluation.longStream.frames)} frames`,
        evaluation.longStream,
        width,
        style,
      ),
    );
  }
  return parts;
}

function streamTable(
  quantized: StreamScores,
  float: StreamScores | null,
  reach: number,
  width: number,
  style: Style,
): string {
  const names = { all: "all", steady: "steady", transitions: "changing" } as const;
  const rows: string[][] = [];
  for (const part of ["all", "steady", "transitions"] as const) {
    const scores = quantized[part];
    if (scores.samples === 0) continue;
    const other = float?.[part];
    const compared = other === undefined ? [] : measures(other);
    rows.push([names[part], grouped(scores.samples), ...measures(scores), ...compared]);
  }
  const two = quantized.all.kind === "classification" ? ["accuracy", "F1"] : ["RMSE", "MAE"];
  const heads = ["frames", ...two, ...(float === null ? [] : two.map((name) => `float ${name.replace(/uracy$/, "")}`))];
  const columns = [{ head: "per frame" }, ...heads.map((head) => ({ head, align: "right" as const }))];
  const table = renderTable(columns, rows, width, style);
  return rows.length < 3
    ? table
    : `${table}\n${style.dim(`changing: less than ${reach} frames behind a change of label`)}`;
}

function measures(scores: Scores): string[] {
  if (scores.kind === "regression") return [significant(scores.rmse, 4), significant(scores.mae, 4)];
  return [percent(scores.accuracy, 1), percent(scores.macroF1, 1)];
}

/** Worst error over time as a small drawing, with its first and last tenth beside each other: does it grow? */
function curveText(title: string, curve: ErrorCurve, width: number, style: Style): string {
  const tenth = Math.max(1, Math.floor(curve.worst.length / 10));
  const most = (values: readonly number[]) =>
    significant(
      values.reduce((a, b) => Math.max(a, b), 0),
      3,
    );
  const ends = `first tenth ${most(curve.worst.slice(0, tenth))}, last tenth ${most(curve.worst.slice(-tenth))}`;
  const text = wrap(`worst ${most(curve.worst)}; ${ends}`, width, 2);
  return `${style.bold(title)}\n${style.cyan(sparkline(curve.worst, Math.min(width, 80)))}\n${text}`;
}

function timingText(timing: Timing, width: number, style: Style): string {
  const { engine, host, secondsPerStep, secondsPerWindow, spread, repetitions } = timing;
  const window = secondsPerWindow === null ? "" : `, ${duration(secondsPerWindow)} a window`;
  const how = `median of ${repetitions}, spread ${Math.round(100 * spread)}%`;
  const where = wrap(`      measured here: ${engine} engine, ${host}; ${how}`, width, 6);
  return `${style.bold("time")}  ${duration(secondsPerStep)} a step${window}\n${where}`;
}
