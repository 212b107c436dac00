import type { StudyAverage } from "./averages.js";
import type { StudyRow } from "./run-study.js";

/** A whole point of accuracy is what a smaller file may cost. */
const TOLERANCE = 0.01;

/** Of several data sets: the smallest files, on average, whose mean accuracy over the sets is within a point of the best. */
export function recommendOverSets(averages: readonly StudyAverage[]): string {
  const choices = averages
    .filter(({ bits }) => bits !== 32)
    .map(({ name, bits, bytes, accuracy }) => ({ name, bits, bytes, accuracy: mean(accuracy) }));
  const best = Math.max(...choices.map(({ accuracy }) => accuracy));
  const fit = choices.filter(({ accuracy }) => accuracy >= best - TOLERANCE);
  const smallest = fit.reduce((a, b) => (b.bytes < a.bytes ? b : a));
  const bytes = Math.round(smallest.bytes).toLocaleString("en-US");
  return `mean over sets: ${smallest.name} at int${smallest.bits}, ${bytes} bytes, ${share(smallest.accuracy)} (best ${share(best)})`;
}

const share = (value: number) => `${(100 * value).toFixed(2)} %`;
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * Per split (scores of different splits do not compare): the smallest file whose accuracy is within a point of the best.
 */
export function recommend(rows: readonly StudyRow[]): string {
  const sentences: string[] = [];
  for (const split of new Set(rows.map((row) => row.split))) {
    const choices = rows
      .filter((row) => row.split === split)
      .flatMap((row) =>
        row.runs[0].quantized.map(({ bits, gateBytes }) => ({
          name: row.name,
          bits,
          gateBytes,
          accuracy: mean(row.runs.map((run) => run.quantized.find((each) => each.bits === bits)?.accuracy ?? 0)),
        })),
      );
    const best = Math.max(...choices.map((choice) => choice.accuracy));
    const fit = choices.filter((choice) => choice.accuracy >= best - TOLERANCE);
    const smallest = fit.reduce((a, b) => (b.gateBytes < a.gateBytes ? b : a));
    sentences.push(
      `split ${split}: ${smallest.name} at int${smallest.bits}, ${smallest.gateBytes.toLocaleString("en-US")} bytes, ${share(smallest.accuracy)} (best ${share(best)})`,
    );
  }
  return sentences.join("; ");
}
