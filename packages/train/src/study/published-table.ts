import type { EntryFigures } from "./evaluate-entry.js";
import type { StudyReport } from "./run-study.js";
import type { StudyTable } from "./study-markdown.js";

const HEAD = [
  "network",
  "published: float / quantized",
  "its protocol repeated: float / int8",
  "made-up windows: share, right",
  "recorded windows",
  "ours: float / int8",
  "split",
  "flattery: made-up + neighbours",
  "KB: published float / quantized",
  "ours float / int8",
  "published ms",
];

const share = (value: number) => (100 * value).toFixed(2);
const kb = (bytes: number) => (bytes / 1024).toFixed(2);
const int8Of = ({ quantized }: EntryFigures) => quantized.find(({ bits }) => bits === 8) ?? quantized[0];
const both = (run: EntryFigures | undefined) =>
  run === undefined ? "-" : `${share(run.floatAccuracy)} / ${share(int8Of(run).accuracy)}`;

/**
 * The published figures beside ours; networks that have none are there for what the protocol does to them. Where a network was trained under the published protocol and under ours, the gap is divided:
 * what made-up windows add, and what neighbouring windows of the same people on both sides of the split add.
 */
export function publishedTable({ rows }: StudyReport): StudyTable {
  const compared = rows.filter(({ published, protocol }) => published !== undefined || protocol === "published");
  const names = [...new Set(compared.map(({ name }) => name))];
  const lines = names.map((name) => {
    const own = rows.filter((row) => row.name === name);
    const repeated = own.find(({ protocol }) => protocol === "published")?.runs[0];
    const honest = own.find(({ protocol }) => protocol !== "published");
    const run = (honest?.runs[0] ?? repeated) as EntryFigures;
    const { published } = own[0];
    return [
      name,
      published === undefined ? "-" : `${published.accuracy.toFixed(2)} / ${published.quantizedAccuracy.toFixed(2)}`,
      both(repeated),
      madeUp(repeated),
      repeated?.recorded === undefined ? "-" : share(repeated.recorded.floatAccuracy),
      both(honest?.runs[0]),
      honest?.split ?? "-",
      flattery(repeated, honest?.runs[0]),
      published === undefined ? "-" : `${published.floatKb} / ${published.quantizedKb}`,
      `${kb(run.floatBytes)} / ${kb(int8Of(run).gateBytes)}`,
      published === undefined ? "-" : `${published.floatMs} / ${published.quantizedMs}`,
    ];
  });
  return { head: HEAD, lines };
}

/** Share of made-up windows among those tested, and how many of them the float network gets right. */
function madeUp(run: EntryFigures | undefined): string {
  if (run?.recorded === undefined) return "-";
  const made = run.testWindows - run.recorded.windows;
  const right = run.floatAccuracy * run.testWindows - run.recorded.floatAccuracy * run.recorded.windows;
  return `${share(made / run.testWindows)}, ${share(right / made)}`;
}

function flattery(repeated: EntryFigures | undefined, honest: EntryFigures | undefined): string {
  if (repeated?.recorded === undefined || honest === undefined) return "-";
  const points = (value: number) => `${value >= 0 ? "+" : ""}${(100 * value).toFixed(2)}`;
  const { floatAccuracy } = repeated.recorded;
  return `${points(repeated.floatAccuracy - floatAccuracy)} ${points(floatAccuracy - honest.floatAccuracy)}`;
}

/** Why our accuracies and the published ones are not comparable, though losses and sizes are. */
export const PROTOCOL_NOTE =
  "The publication balances classes with SMOTE on time steps before windowing and does not say how it splits. Repeated so, half of all windows are made up: fifty " +
  "unrelated points of one class, far easier than a movement; and of recorded windows the neighbours, which share frames, and the same people stand on both sides. " +
  "With people held out none of this helps. Compare the loss by quantization and the sizes, not the accuracies.";

/** What the publication does not say, and what we took. */
export const PROTOCOL_GUESSES: readonly string[] = [
  "split: windows at random after windowing, 25 % of every class tested, 15 % to choose the epoch by; no word about people",
  "hop: 25 of 50 frames; a window has the label of its last frame, and none that ends outside all segments counts",
  "outputs: 13, the twelve activities and one that never occurs",
  "SMOTE: five neighbours among 300 frames drawn from the class, up to as many frames as the most frequent class has",
  "made-up frames stand one behind another, a recording a class, and are windowed like the others",
  "normalization by mean and deviation of the training windows; Adam, rate 0.001 (nets of one layer 0.004) falling as a cosine, batches of 128",
  "which quantization of TFLite, and which processor the milliseconds belong to",
];
