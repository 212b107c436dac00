import { counted, grouped } from "../text/numbers.js";
import { type PlotPanel, renderSvg } from "../text/svg-plot.js";
import type { ErrorCurve, StreamEvaluation } from "./evaluate-streams.js";

/** The SVG of a stream evaluation: float-integer error by time step, and over the long stream; null without a float model. */
export function streamErrorSvg(name: string, evaluation: StreamEvaluation, unit: string): string | null {
  const { errorByStep, longStream } = evaluation;
  if (errorByStep === null) return null;
  const panels = [
    panel(
      `by time step since the start of a recording (${counted(evaluation.sequences, "recording")})`,
      errorByStep,
      unit,
    ),
  ];
  if (longStream !== null) {
    panels.push(panel(`one stream of ${grouped(longStream.frames)} frames, state kept throughout`, longStream, unit));
  }
  return renderSvg(`${name}: integer against float, difference of outputs`, panels);
}

function panel(title: string, curve: ErrorCurve, unit: string): PlotPanel {
  return {
    title,
    xLabel: curve.framesPerBin === 1 ? "frame" : `frame (${curve.framesPerBin} to a point)`,
    yLabel: unit,
    xStep: curve.framesPerBin,
    curves: [
      { label: "worst", y: curve.worst, color: "#c2410c", filled: true },
      { label: "mean", y: curve.mean, color: "#1d4ed8" },
    ],
  };
}
