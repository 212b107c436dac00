import { KERNEL_NAMES, type KernelName, readModel } from "@gatelet/converter/format";
import { executorTerms, recordTerms, variantOf } from "../../packages/sim/src/predict/basis.js";
import { estimateMisses, type LineTable } from "../../packages/sim/src/predict/cache-lines.js";
import type { CostTable, TermCost, VariantCosts } from "../../packages/sim/src/predict/costs.js";
import { countSchedule } from "../../packages/sim/src/predict/schedule-counts.js";
import { LineWatch } from "./line-uses.js";
import { Bench, type Measured } from "./measure.js";
import { sampleModel } from "./samples.js";
import { leastSquares, solve } from "./solve.js";

/** What is fitted: instructions, cycles by wait states (3: the misses of the cache taken off). */
const TARGETS = ["instructions", "cycles0", "cycles2", "cycles3"] as const;
type Target = (typeof TARGETS)[number] | "misses" | "estimate";
const WAIT_STATES = [0, 2, 3] as const;
const EXECUTOR = "EXECUTOR";

/** Kernels with many terms need many samples. */
const SAMPLES: Partial<Record<KernelName, number>> = {
  LSTM: 420,
  GRU: 420,
  GRU_RESET_AFTER: 420,
  MINIMAL_GRU: 420,
  RNN: 200,
  CONV1D: 320,
  DENSE: 100,
};
const DEFAULT_SAMPLES = 70;
/** Samples that a fit must have beside those that determine it. */
const SPARE = 12;

interface Sample {
  readonly id: string;
  readonly terms: ReadonlyMap<string, number>;
  readonly targets: Readonly<Record<Target, number>>;
}

const WATCHED_SEED = 300_000;
const isLarge = (kernel: KernelName): boolean => SAMPLES[kernel] !== undefined;

/** Which lines of the instruction cache the code of every kernel touches, and when. */
export function watchLines(elf: Uint8Array, report: (text: string) => void): LineTable {
  const watch = new LineWatch(elf);
  for (const kernel of KERNEL_NAMES) {
    report(kernel);
    for (let i = 0; i < (isLarge(kernel) ? 90 : 25); i++) watch.run(sampleModel(kernel, WATCHED_SEED + i));
  }
  return watch.table();
}

/** Measures random models of every kernel; samples by variant. */
export function measureSamples(
  elf: Uint8Array,
  lines: LineTable,
  report: (text: string) => void,
): Map<string, Sample[]> {
  const benches = WAIT_STATES.map((waitStates) => new Bench(elf, waitStates));
  const samples = new Map<string, Sample[]>();
  for (const kernel of KERNEL_NAMES) {
    report(kernel);
    for (let seed = 0; seed < (SAMPLES[kernel] ?? DEFAULT_SAMPLES); seed++) {
      const { model: bytes, frames, frameSize, steps } = sampleModel(kernel, seed);
      const model = readModel(bytes);
      const counts = countSchedule(model, steps);
      const runs = benches.map((bench) => bench.run(bytes, frames, frameSize, model.records.length));
      const estimates = estimateMisses(lines, model, steps);
      const failed = runs.find(({ status }) => status !== 0);
      if (failed !== undefined) throw new Error(`${kernel} sample ${seed} ended with status ${failed.status}`);
      const put = (variant: string, terms: ReadonlyMap<string, number>, index: number) => {
        const list = samples.get(variant) ?? [];
        samples.set(variant, list);
        list.push({
          id: `${kernel} ${seed} record ${index}`,
          terms,
          targets: { ...targetsOf(runs, index), estimate: estimates[index]! },
        });
      };
      for (const record of model.records) {
        put(variantOf(record), recordTerms(model, record, counts.records[record.index]!).values, record.index);
      }
      put(EXECUTOR, executorTerms(model, counts).values, model.records.length);
    }
  }
  return samples;
}

function targetsOf(runs: readonly Measured[], index: number): Omit<Record<Target, number>, "estimate"> {
  const [none, off, on] = runs as [Measured, Measured, Measured];
  return {
    instructions: none.instructions[index]!,
    cycles0: none.cycles[index]!,
    cycles2: off.cycles[index]!,
    cycles3: on.cycles[index]! - 3 * on.misses[index]!,
    misses: on.misses[index]!,
  };
}

/** Solves every variant exactly. Throws naming variant and sample where the basis does not explain the measurements. */
export function fitCosts(samples: ReadonlyMap<string, readonly Sample[]>): CostTable {
  const table: Record<string, VariantCosts> = {};
  for (const [variant, list] of [...samples].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const names = [...new Set(list.flatMap(({ terms }) => [...terms.keys()]))];
    const rows = list.map(({ terms }) => names.map((name) => terms.get(name) ?? 0));
    const costs: Record<string, number[]> = Object.fromEntries(names.map((name) => [name, []]));
    for (const target of TARGETS) {
      const { coefficients, wrong } = solve(
        rows,
        list.map(({ targets }) => targets[target]),
      );
      const used = coefficients.filter((value) => value !== 0).length;
      if (wrong.length > 0) {
        const first = list[wrong[0]!]!;
        throw new Error(
          `${variant}: ${target} of ${wrong.length} of ${list.length} samples unexplained, as ${first.id}`,
        );
      }
      if (list.length < used + SPARE) throw new Error(`${variant}: ${list.length} samples for ${used} coefficients`);
      names.forEach((name, i) => {
        costs[name]!.push(coefficients[i]!);
      });
    }
    // What is left of the misses beside the simulated lines: a least-squares estimate, relative to the layers' cycles.
    const weights = list.map(({ targets }) => 1 / Math.max(1, targets.cycles3 + 3 * targets.misses));
    const misses = leastSquares(
      rows,
      list.map(({ targets }) => targets.misses - targets.estimate),
      weights,
    );
    names.forEach((name, i) => {
      costs[name]!.push(Number(misses[i]!.toPrecision(4)));
    });
    const isFree = (name: string): boolean => costs[name]!.every((value) => Math.abs(value) < 1e-9);
    table[variant] = {
      samples: list.length,
      free: names.filter(isFree),
      costs: Object.fromEntries(
        names.filter((name) => !isFree(name)).map((name) => [name, costs[name] as unknown as TermCost]),
      ),
    };
  }
  return table;
}
