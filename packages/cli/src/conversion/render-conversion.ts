import type { Budget } from "../budget.js";
import type { ModelReport } from "../inspect/model-report.js";
import { counted, duration, grouped, percent } from "../text/numbers.js";
import type { Style } from "../text/style.js";

/** What `gatelet convert` says when it is done. */
export interface ConversionSummary {
  readonly output: string;
  readonly model: ModelReport;
  readonly budget: Budget;
  readonly rounding: "compensated" | "plain";
  readonly calibrationWindows: number;
  /** Signal to quantization noise of the output, dB. */
  readonly outputSqnrDb: number;
  readonly seconds: number;
  readonly warnings: readonly string[];
}

export function renderConversion(summary: ConversionSummary, style: Style): string {
  const { output, model, budget, rounding, calibrationWindows, outputSqnrDb, seconds } = summary;
  const of = (limit: number | undefined, used: number) =>
    limit === undefined ? "" : ` (${percent(used / limit, 1)} of ${grouped(limit)})`;
  const bits = [...new Set(model.layers.flatMap((layer) => (layer.bits === null ? [] : [layer.bits])))]
    .sort()
    .join(" and ");
  const how =
    rounding === "compensated"
      ? `rounded with ${counted(calibrationWindows, "calibration window")}`
      : "rounded plainly";
  return [
    `${style.green("wrote")} ${style.bold(output)} in ${duration(seconds)}`,
    `flash  ${grouped(model.fileBytes)} bytes${of(budget.flashBytes, model.fileBytes)}, ${grouped(model.parameters)} parameters`,
    `RAM    ${grouped(model.arenaBytes)} bytes${of(budget.ramBytes, model.arenaBytes)} a stream`,
    `noise  output ${outputSqnrDb.toFixed(1)} dB below the signal; ${bits}-bit weights ${how}`,
  ].join("\n");
}
