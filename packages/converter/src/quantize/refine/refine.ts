import { FloatExecutor } from "../../float/index.js";
import type { Rows } from "../../float/rows.js";
import type { Graph } from "../../graph/types.js";
import { lowerGraph } from "../../lower/lower-graph.js";
import type { Lowering } from "../../lower/lowering.js";
import { batchesOf } from "../calibrate.js";
import { type QuantizedGroup, type QuantizedGroups, withIntegers } from "../matrices.js";
import { spread } from "../measure.js";
import { randomNumbers } from "../random.js";
import { backward, hasBackward } from "./backward.js";
import { divergenceOf, randomDirections } from "./divergence.js";
import { moreWindows } from "./more-windows.js";
import { type MovableRows, reroundRows } from "./reround.js";
import { roundedGraph, withoutHostActivation } from "./rounded-graph.js";
import { Sensitivity } from "./sensitivity.js";
import { traceBatch } from "./trace.js";

const ROUNDS = 4;
/** Windows made up for each that is given. */
const COPIES = 2;
/** Answers (samples times weights and biases) that are kept, 4 bytes each. */
const MOST_ANSWERS = 2 ** 25;
/** MACs of one run of the network over all windows. */
const MOST_MACS = 2e9;
/** Fewer samples than this part of the weights say nothing about them. */
const LEAST_SAMPLES = { least: 128, perWeight: 0.25 } as const;
/** Weight of the error of single rows beside that of the outputs, times weights per sample: few samples are not to be trusted. */
const PULL = 4;

/**
 * Rounds all matrices again so that the outputs, not each layer's own sums, come closest to those of the float network: every
 * row under the second derivative of the outputs' divergence by its weights (one random direction of the outputs a window,
 * propagated back through time), and so that it makes up for the errors of the other rows. Each round begins with the
 * outputs of the one before; the round that diverges least is taken, or `start`. Needs no labels.
 * @param original the float graph whose outputs are wanted
 * @param start    of a graph with the same layers, whose dense layers may have been refitted
 * @param macs     of one window
 * @returns `start` where gradients cannot be taken through the graph, or it has too many weights for the windows
 * Cost: (rounds + 1) runs and `rounds` backward passes over the windows and their copies; 5 * columns^2 * rows a round.
 */
export async function refine(
  original: Graph,
  start: Lowering,
  windows: readonly Float32Array[],
  macs: number,
  pause: () => Promise<void>,
): Promise<Lowering> {
  if (!hasBackward(original, start.head.node)) return start;
  const weights = matricesOf(start).reduce((sum, { groups }) => sum + answersOf(groups), 0);
  const most = Math.floor(Math.min((COPIES + 1) * windows.length, MOST_ANSWERS / weights, MOST_MACS / macs));
  if (most < Math.max(LEAST_SAMPLES.least, LEAST_SAMPLES.perWeight * weights)) return start;
  const samples = moreWindows(spread(windows, most), most, original.nodes[0].shape.cols);
  const batches = batchesOf(samples);
  const wanted = wantedRows(original, start, batches);
  const pull = (PULL * weights) / samples.length;
  let best = start;
  let least = Infinity;
  let lowering = start;
  for (let round = 0; ; round++) {
    const linear = new Linearized(lowering, samples.length, round);
    for (const [i, batch] of batches.entries()) {
      linear.add(batch, wanted[i], round < ROUNDS);
      await pause();
    }
    if (linear.divergence < least) [best, least] = [lowering, linear.divergence];
    if (round === ROUNDS) return best;
    lowering = linear.reround(pull);
  }
}

interface Matrix {
  readonly index: number;
  readonly key: string;
  readonly groups: readonly QuantizedGroup[];
}

/** Rounded matrices of a lowering, in the order of the graph. */
function matricesOf({ cacheKeys, options }: Lowering): Matrix[] {
  return [...cacheKeys].map(([index, key]) => ({
    index,
    key,
    groups: (options.cache.get(key) as QuantizedGroups).groups,
  }));
}

/** Weights and biases. */
const answersOf = (groups: readonly QuantizedGroup[]): number =>
  groups.reduce((sum, { integers }) => sum + integers.rows * (integers.columns + 1), 0);

function wantedRows(original: Graph, { head }: Lowering, batches: readonly Float32Array[][]): Rows[] {
  const nodes = original.nodes.map((node, index) => withoutHostActivation(head, index, node));
  const executor = new FloatExecutor({ ...original, nodes });
  return batches.map((batch) => traceBatch(executor, batch)[head.node].output as Rows);
}

/** A lowered graph with how its outputs over the samples answer to each of its weights. */
class Linearized {
  /** From the float network, summed over the samples. */
  divergence = 0;
  readonly #graph: Graph;
  readonly #executor: FloatExecutor;
  readonly #matrices: readonly (Matrix & { readonly answers: readonly Sensitivity[] })[];
  /** [samples] error of the outputs along each sample's direction */
  readonly #residual: Float64Array;
  readonly #next: () => number;
  #filled = 0;

  constructor(
    readonly lowering: Lowering,
    samples: number,
    seed: number,
  ) {
    this.#graph = roundedGraph(lowering);
    this.#executor = new FloatExecutor(this.#graph);
    this.#residual = new Float64Array(samples);
    this.#next = randomNumbers(seed);
    this.#matrices = matricesOf(lowering).map((matrix) => ({
      ...matrix,
      answers: matrix.groups.map(({ integers }) => new Sensitivity(integers.rows, integers.columns, samples)),
    }));
  }

  /** @param deep false: the divergence only */
  add(batch: readonly Float32Array[], wanted: Rows, deep: boolean): void {
    const { head } = this.lowering;
    const traces = traceBatch(this.#executor, batch);
    const got = traces[head.node].output as Rows;
    this.divergence += divergenceOf(wanted, got, head.transform);
    if (!deep) return;
    const directions = randomDirections(wanted, head.transform, this.#next);
    const size = got.rows * got.cols;
    for (let i = 0; i < got.data.length; i++) {
      this.#residual[this.#filled + Math.floor(i / size)] += directions.data[i] * (got.data[i] - wanted.data[i]);
    }
    this.#filled += batch.length;
    const slopes = backward(this.#graph, traces, head.node, directions);
    for (const { index, answers } of this.#matrices) {
      slopes.get(index)?.groups.forEach((group, g) => {
        answers[g].add(group);
      });
    }
  }

  /** Rounds all rows again, and lowers the graph with them. */
  reround(pull: number): Lowering {
    const { lowering } = this;
    const cache = new Map(lowering.options.cache);
    const moving = this.#matrices.map(({ groups }) => groups.map(copyOf));
    const blocks: MovableRows[] = this.#matrices.flatMap(({ index, answers }, m) => {
      const bits = lowering.matrices.get(index)?.bits ?? 8;
      return moving[m].map((group, g) => ({ group, bits, sensitivity: answers[g] }));
    });
    reroundRows(blocks, this.#residual, pull);
    this.#matrices.forEach(({ key }, m) => {
      const groups = moving[m].map(({ source, layout, integers }) => withIntegers(source, layout, integers));
      cache.set(key, { ...(cache.get(key) as QuantizedGroups), groups });
    });
    return lowerGraph(lowering.graph, lowering.stats, { ...lowering.options, cache });
  }
}

function copyOf(group: QuantizedGroup): QuantizedGroup {
  const { weights, bias, multiplier, scale } = group.integers;
  const own = { weights: weights.slice(), bias: bias.slice(), multiplier: multiplier.slice(), scale: scale.slice() };
  return { ...group, integers: { ...group.integers, ...own } };
}
