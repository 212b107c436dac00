import type { WeightBits } from "@gatelet/converter";
import type { EntryFigures } from "./evaluate-entry.js";
import type { StudyRow } from "./run-study.js";

/** What one network, float or quantized, reaches over several data sets. */
export interface StudyAverage {
  readonly name: string;
  /** 32: float. */
  readonly bits: WeightBits | 32;
  /** By data set in the order of the rows: mean over seeds. */
  readonly accuracies: Readonly<Record<string, number>>;
  /** Mean over the sets, one value a seed: spread says what another seed may do. */
  readonly accuracy: readonly number[];
  readonly macroF1: readonly number[];
  /** Mean over the sets; for float 4 bytes a parameter. */
  readonly bytes: number;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Averages over data sets of every network that has a row for each of them, float first; empty for rows without sets. */
export function averagesOf(rows: readonly StudyRow[]): StudyAverage[] {
  const sets = [...new Set(rows.flatMap(({ set }) => (set === undefined ? [] : [set])))];
  const names = [...new Set(rows.filter(({ set }) => set !== undefined).map(({ name }) => name))];
  return names.flatMap((name) => {
    const own = sets.map((set) => rows.find((row) => row.name === name && row.set === set));
    if (own.some((row) => row === undefined)) return [];
    const bySet = own as StudyRow[];
    const bits = bySet[0].runs[0].quantized.map((each) => each.bits);
    return ([32, ...bits] as const).map((width) => averageOf(name, bySet, width));
  });
}

function averageOf(name: string, rows: readonly StudyRow[], bits: WeightBits | 32): StudyAverage {
  const figures = rows.map(({ runs }) => runs.map((run) => figuresOf(run, bits)));
  const seeds = Math.min(...figures.map((runs) => runs.length));
  const overSets = (pick: (figure: Figures) => number) =>
    Array.from({ length: seeds }, (_, seed) => mean(figures.map((runs) => pick(runs[seed]))));
  return {
    name,
    bits,
    accuracies: Object.fromEntries(rows.map(({ set }, i) => [set, mean(figures[i].map((each) => each.accuracy))])),
    accuracy: overSets((each) => each.accuracy),
    macroF1: overSets((each) => each.macroF1),
    bytes: mean(figures.map(([first]) => first.bytes)),
  };
}

interface Figures {
  readonly accuracy: number;
  readonly macroF1: number;
  readonly bytes: number;
}

function figuresOf(run: EntryFigures, bits: WeightBits | 32): Figures {
  const quantized = run.quantized.find((each) => each.bits === bits);
  return quantized === undefined
    ? { accuracy: run.floatAccuracy, macroF1: run.floatMacroF1, bytes: run.floatBytes }
    : { accuracy: quantized.accuracy, macroF1: quantized.macroF1, bytes: quantized.gateBytes };
}
