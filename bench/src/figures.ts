import { readFileSync, renameSync, writeFileSync } from "node:fs";
import Table from "cli-table3";

/** What a number is: design, "honest about every number". */
export type Kind = "exact" | "measured" | "simulated" | "predicted";

/** One line of the report. */
export interface Figure {
  /** Stable name, the key of the baseline: e.g. `accuracy.int8.hapt-lstm`. */
  readonly id: string;
  readonly text: string;
  readonly value: number;
  readonly unit: string;
  readonly kind: Kind;
  /** Value to reach, and on which side of it. */
  readonly goal?: { readonly atMost?: number; readonly atLeast?: number };
  /** Smallest and largest of the repetitions, for measured figures. */
  readonly spread?: readonly [number, number];
  readonly note?: string;
}

export type Baseline = Readonly<Record<string, number>>;

export function isReached({ value, goal }: Figure): boolean | undefined {
  if (goal === undefined) return undefined;
  return value <= (goal.atMost ?? Number.POSITIVE_INFINITY) && value >= (goal.atLeast ?? Number.NEGATIVE_INFINITY);
}

/** Four significant digits, integers whole. */
export function format(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString("en-US");
  const size = Math.abs(value);
  if (size !== 0 && size < 1e-3) return value.toExponential(2);
  return value.toFixed(Math.max(0, Math.min(4, 3 - Math.floor(Math.log10(size)))));
}

function goalText({ goal }: Figure): string {
  if (goal?.atMost !== undefined) return `<= ${format(goal.atMost)}`;
  if (goal?.atLeast !== undefined) return `>= ${format(goal.atLeast)}`;
  return "";
}

function changeText(figure: Figure, baseline: Baseline): string {
  const before = baseline[figure.id];
  if (before === undefined) return "new";
  if (before === figure.value) return "=";
  if (before === 0) return `was 0`;
  return `${(100 * (figure.value / before - 1)).toFixed(1)} %`;
}

/** Prints one section as a table with the change against the committed baseline. */
export function printSection(title: string, figures: readonly Figure[], baseline: Baseline): void {
  const table = new Table({
    head: ["figure", "value", "unit", "kind", "goal", "reached", "change"],
    style: { head: [], border: [], compact: true },
  });
  for (const figure of figures) {
    const reached = isReached(figure);
    const spread = figure.spread ? ` (${format(figure.spread[0])} .. ${format(figure.spread[1])})` : "";
    table.push([
      figure.note ? `${figure.text} (${figure.note})` : figure.text,
      format(figure.value) + spread,
      figure.unit,
      figure.kind,
      goalText(figure),
      reached === undefined ? "" : reached ? "yes" : "NO",
      changeText(figure, baseline),
    ]);
  }
  console.log(`\n${title}\n${table.toString()}`);
}

export function readBaseline(path: string): Baseline {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Baseline;
  } catch {
    return {};
  }
}

/** Keeps the baseline's other entries: a run may have measured only some sections. */
export function writeBaseline(path: string, old: Baseline, figures: readonly Figure[]): void {
  const merged = { ...old, ...Object.fromEntries(figures.map(({ id, value }) => [id, Number(value.toPrecision(6))])) };
  const sorted = Object.fromEntries(Object.entries(merged).sort(([a], [b]) => a.localeCompare(b)));
  writeFileSync(`${path}.part`, `${JSON.stringify(sorted, null, 2)}\n`);
  renameSync(`${path}.part`, path);
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length % 2 === 1
    ? sorted[(sorted.length - 1) / 2]
    : (sorted[sorted.length / 2 - 1] + sorted[sorted.length / 2]) / 2;
};

/** Runs `work` until `milliseconds` have passed, at least `least` times; times in ms of each run, warm-up excluded. */
export async function sample(work: () => unknown, milliseconds: number, least = 7): Promise<number[]> {
  for (let i = 0; i < 3; i++) await work();
  const times: number[] = [];
  const end = performance.now() + milliseconds;
  while (times.length < least || performance.now() < end) {
    const start = performance.now();
    const pending = work();
    if (pending instanceof Promise) await pending;
    times.push(performance.now() - start);
  }
  return times;
}

/** Times A and B in turn, so that a drifting machine speed cancels in the ratio. */
export async function samplePairs(
  a: () => unknown,
  b: () => unknown,
  rounds: number,
  inner: { a: number; b: number },
): Promise<{ a: number[]; b: number[]; ratio: number[] }> {
  const timed = async (work: () => unknown, count: number): Promise<number> => {
    const start = performance.now();
    for (let i = 0; i < count; i++) {
      const pending = work();
      if (pending instanceof Promise) await pending;
    }
    return (performance.now() - start) / count;
  };
  await timed(a, inner.a);
  await timed(b, inner.b);
  const result = { a: [] as number[], b: [] as number[], ratio: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    const timeA = await timed(a, inner.a);
    const timeB = await timed(b, inner.b);
    result.a.push(timeA);
    result.b.push(timeB);
    result.ratio.push(timeB / timeA);
  }
  return result;
}
