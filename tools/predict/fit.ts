import { KERNEL_NAMES, type KernelName, readModel } from "@gatelet/converter/format";
import { executorTerms, recordTerms, variantOf } from "../../packages/sim/src/predict/basis.js";
import type { CostTable, TermCost, VariantCosts } from "../../packages/sim/src/predict/costs.js";
import { countSchedule } from "../../packages/sim/src/predict/schedule-counts.js";
import { Bench, type Measured } from "./measure.js";
import { RowSpace } from "./row-space.js";
import { sampleModel } from "./samples.js";
import { solve } from "./solve.js";

/** What is fitted: instructions, cycles by wait states (3: the misses of the cache taken off). */
const TARGETS = ["instructions", "cycles0", "cycles2", "cycles3"] as const;
type Target = (typeof TARGETS)[number];
const WAIT_STATES = [0, 2, 3] as const;
const EXECUTOR = "EXECUTOR";

/** Random models of a kernel that are measured whatever they are: what the fit does not need, it is checked against. */
const CHECKED = 120;
/** A kernel is through when so many models in a row bring no combination of terms that is not spanned already. */
const SETTLED = 300;
/** Samples that a fit must have beside those that determine it. */
const SPARE = 12;

interface Sample {
  readonly id: string;
  readonly terms: ReadonlyMap<string, number>;
  readonly targets: Readonly<Record<Target, number>>;
}

/** One random model: of each record, then of the executor, its variant and its terms. */
interface Candidate extends ReturnType<typeof sampleModel> {
  readonly records: number;
  readonly parts: readonly { readonly variant: string; readonly terms: ReadonlyMap<string, number> }[];
}

function candidateOf(kernel: KernelName, seed: number): Candidate {
  const sample = sampleModel(kernel, seed);
  const model = readModel(sample.model);
  const counts = countSchedule(model, sample.steps);
  const parts = model.records.map((record) => ({
    variant: variantOf(record),
    terms: recordTerms(model, record, counts.records[record.index]!).values,
  }));
  const executor = { variant: EXECUTOR, terms: executorTerms(model, counts).values };
  return { ...sample, records: model.records.length, parts: [...parts, executor] };
}

/** Measures random models of every kernel, until nothing that models are made of is left; samples by variant. */
export function measureSamples(elf: Uint8Array, report: (text: string) => void): Map<string, Sample[]> {
  const benches = WAIT_STATES.map((waitStates) => new Bench(elf, waitStates));
  const samples = new Map<string, Sample[]>();
  const spaces = new Map<string, RowSpace>();
  const spaceOf = (variant: string): RowSpace => {
    const space = spaces.get(variant) ?? new RowSpace();
    spaces.set(variant, space);
    return space;
  };
  for (const kernel of KERNEL_NAMES) {
    report(kernel);
    for (let seed = 0, settled = 0; settled < SETTLED; seed++) {
      const candidate = candidateOf(kernel, seed);
      const news = candidate.parts.filter(({ variant, terms }) => spaceOf(variant).add(terms)).length;
      const scarce = candidate.parts.some(
        ({ variant }) => (samples.get(variant)?.length ?? 0) < spaceOf(variant).rank + SPARE,
      );
      settled = news > 0 ? 0 : settled + 1;
      if (news === 0 && !scarce && seed >= CHECKED) continue;
      const { model, frames, frameSize, records } = candidate;
      const runs = benches.map((bench) => bench.run(model, frames, frameSize, records));
      const failed = runs.find(({ status }) => status !== 0);
      if (failed !== undefined) throw new Error(`${kernel} sample ${seed} ended with status ${failed.status}`);
      candidate.parts.forEach(({ variant, terms }, index) => {
        const list = samples.get(variant) ?? [];
        samples.set(variant, list);
        list.push({ id: `${kernel} ${seed} record ${index}`, terms, targets: targetsOf(runs, index) });
      });
    }
  }
  return samples;
}

function targetsOf(runs: readonly Measured[], index: number): Record<Target, number> {
  const [none, off, on] = runs as [Measured, Measured, Measured];
  return {
    instructions: none.instructions[index]!,
    cycles0: none.cycles[index]!,
    cycles2: off.cycles[index]!,
    cycles3: on.cycles[index]! - 3 * on.misses[index]!,
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
