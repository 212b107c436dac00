import type { Tensor, Tensor2D, Tensor3D } from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { createRandom, type Random } from "../data/random.js";
import { GRU } from "../layers/gru.js";
import { projectedRows } from "../layers/recurrent-layer.js";
import { loadTf, type Tf } from "../tf/load-tf.js";
import { type FusedInputs, fusedSequence } from "./fused-op.js";
import { ACTIVATIONS, type ActivationName, type CellKind, SequenceKernels } from "./kernels.js";

const GATES = { simpleRnn: 1, lstm: 4, gruBefore: 3, gruAfter: 3, minimalGru: 2, fastGrnn: 1 } as const;
const KINDS = Object.keys(GATES) as CellKind[];

interface Case {
  readonly kind: CellKind;
  readonly batch: number;
  readonly steps: number;
  readonly size: number;
  readonly units: number;
  readonly activation: ActivationName;
  readonly gate: ActivationName;
  readonly all: boolean;
  readonly bias: boolean;
  readonly states: boolean;
}

describe("sequences as one operation", () => {
  let tf: Tf;
  let kernels: SequenceKernels;
  beforeAll(async () => {
    ({ tf } = await loadTf("wasm"));
    kernels = await SequenceKernels.load();
  });

  const pointwise = (name: ActivationName, x: Tensor2D): Tensor2D => {
    if (name === "hardSigmoid") return x.mul<Tensor2D>(0.2).add<Tensor2D>(0.5).clipByValue(0, 1) as Tensor2D;
    return name === "linear" ? x : (x[name]() as Tensor2D);
  };

  /** The same step by step, of tfjs's own operations. */
  function reference({ kind, units, activation, gate, all }: Case, inputs: FusedInputs): Tensor {
    const act = (x: Tensor2D) => pointwise(activation, x);
    const sig = (x: Tensor2D) => pointwise(gate, x);
    const recurrent = inputs.recurrent as Tensor2D;
    const zeros = () => tf.zeros([inputs.x.shape[0], units]) as Tensor2D;
    let [hidden, cell] = inputs.states ?? [zeros(), zeros()];
    const config = { units, reset_after: kind === "gruAfter" };
    const weights = [inputs.kernel, recurrent, ...(inputs.bias === undefined ? [] : [inputs.bias])];
    const inputBias =
      inputs.bias === undefined || kind === "fastGrnn"
        ? undefined
        : kind === "gruAfter"
          ? GRU.inputBias(weights, config)
          : inputs.bias;
    const outputs: Tensor2D[] = [];
    const part = (x: Tensor2D, i: number) => x.slice([0, i * units], [x.shape[0], units]) as Tensor2D;
    for (const row of projectedRows(tf, inputs.x, inputs.kernel as Tensor2D, inputBias as never)) {
      if (kind === "simpleRnn") hidden = act(row.add<Tensor2D>(hidden.matMul(recurrent)));
      else if (kind === "lstm") {
        const sum = row.add<Tensor2D>(hidden.matMul(recurrent));
        cell = sig(part(sum, 1))
          .mul<Tensor2D>(cell)
          .add(sig(part(sum, 0)).mul(act(part(sum, 2))));
        hidden = sig(part(sum, 3)).mul(act(cell));
      } else if (kind === "minimalGru") {
        const [first, second] = [0, 1].map((i) => recurrent.slice([0, i * units], [units, units]) as Tensor2D);
        const f = sig(part(row, 0).add<Tensor2D>(hidden.matMul(first)));
        const g = act(part(row, 1).add<Tensor2D>(f.mul<Tensor2D>(hidden).matMul(second)));
        hidden = hidden.add(f.mul(g.sub(hidden)));
      } else if (kind === "fastGrnn") {
        const factors = inputs.bias ?? tf.zeros([2 * units + 2]);
        const [c, d] = [0, 1].map((i) => factors.slice([i * units], [units]));
        const [open, least] = [0, 1].map((i) => factors.slice([2 * units + i], [1]));
        const p = row.add<Tensor2D>(hidden.matMul(recurrent));
        const z = sig(p.add(d));
        const share = open.mul(tf.scalar(1).sub(z)).add(least);
        hidden = z.mul(hidden).add(share.mul(act(p.add(c))));
      } else hidden = gruStep(row, hidden);
      outputs.push(hidden);
    }
    return all ? tf.stack(outputs, 1) : hidden;

    function gruStep(row: Tensor2D, h: Tensor2D): Tensor2D {
      const product = h.matMul(recurrent) as Tensor2D;
      const own =
        kind === "gruAfter" && inputs.bias !== undefined
          ? product.add<Tensor2D>(inputs.bias.slice([1, 0], [1, 3 * units]))
          : product;
      const z = sig(part(row, 0).add<Tensor2D>(part(own, 0)));
      const r = sig(part(row, 1).add<Tensor2D>(part(own, 1)));
      const last =
        kind === "gruAfter"
          ? r.mul<Tensor2D>(part(own, 2))
          : (r.mul<Tensor2D>(h).matMul(recurrent.slice([0, 2 * units], [units, units]) as Tensor2D) as Tensor2D);
      const g = act(part(row, 2).add<Tensor2D>(last));
      return z.mul(h).add(tf.scalar(1).sub(z).mul(g));
    }
  }

  function draw({ kind, batch, steps, size, units, bias, states }: Case, random: Random): FusedInputs {
    const width = GATES[kind] * units;
    const biasShape = kind === "gruAfter" ? [2, width] : [kind === "fastGrnn" ? 2 * units + 2 : width];
    const normal = (shape: number[], scale: number): Tensor =>
      tf.tensor(
        Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => scale * random.normal()),
        shape,
      );
    return {
      x: normal([batch, steps, size], 1) as Tensor3D,
      kernel: normal([size, width], 0.5 / Math.sqrt(size)),
      recurrent: normal([units, width], 0.5 / Math.sqrt(units)),
      ...(bias ? { bias: normal(biasShape, 0.3) } : {}),
      ...(states
        ? { states: Array.from({ length: kind === "lstm" ? 2 : 1 }, () => normal([batch, units], 0.5) as Tensor2D) }
        : {}),
    };
  }

  const tensors = ({ x, kernel, recurrent, bias, states = [] }: FusedInputs) => [
    x,
    kernel,
    recurrent,
    ...(bias === undefined ? [] : [bias]),
    ...states,
  ];

  /** Output and all gradients of a weighted sum of its squares. */
  function evaluate(inputs: FusedInputs, weights: Tensor, forward: () => Tensor): Float32Array[] {
    return tf.tidy(() => {
      const loss = (): Tensor => forward().square().mul(weights).sum();
      const value = forward();
      const grads = tf.grads(loss as never)(tensors(inputs));
      return [value, ...grads].map((tensor) => tensor.dataSync() as Float32Array);
    });
  }

  function largestDifference(a: Float32Array, b: Float32Array): number {
    const scale = b.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
    return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0) / scale;
  }

  function check(one: Case, seed: number): void {
    const random = createRandom(seed);
    const inputs = draw(one, random);
    const cell = {
      kind: one.kind,
      units: one.units,
      activation: ACTIVATIONS[one.activation],
      gateActivation: ACTIVATIONS[one.gate],
    };
    const shape = one.all ? [one.batch, one.steps, one.units] : [one.batch, one.units];
    const weights = tf.randomUniform(shape, -1, 1, "float32", seed);
    const theirs = evaluate(inputs, weights, () => reference(one, inputs));
    const ours = evaluate(inputs, weights, () => fusedSequence(tf, kernels, cell, inputs, one.all).output);
    expect(ours.map(({ length }) => length)).toEqual(theirs.map(({ length }) => length));
    ours.forEach((values, i) => {
      expect(largestDifference(values, theirs[i]), `value ${i} of ${JSON.stringify(one)}, seed ${seed}`).toBeLessThan(
        1e-5,
      );
    });
    tf.dispose([weights, ...tensors(inputs)]);
  }

  it.each(KINDS)("equals tfjs in output and all gradients: %s, random shapes", (kind) => {
    const random = createRandom(KINDS.indexOf(kind) + 1);
    const flip = () => random.integer(2) === 1;
    for (let seed = 1; seed <= 12; seed++) {
      const size = 1 + random.integer(20);
      const sizes = { batch: 1 + random.integer(9), steps: 2 + random.integer(9), size, units: 1 + random.integer(20) };
      check({ kind, ...sizes, activation: "tanh", gate: "sigmoid", all: flip(), bias: flip(), states: flip() }, seed);
    }
  });

  it.each(KINDS)("equals tfjs with the other activations: %s", (kind) => {
    const sizes = { batch: 3, steps: 4, size: 5, units: 6, all: true, bias: true, states: true };
    for (const activation of ["relu", "linear", "sigmoid"] as const) {
      for (const gate of ["hardSigmoid", "sigmoid"] as const) check({ kind, ...sizes, activation, gate }, 7);
    }
  });

  it.each(KINDS)("equals tfjs where products take several blocks: %s", (kind) => {
    const sizes = { batch: 66, steps: 5, size: 258, units: 70, all: true, bias: true, states: false };
    check({ kind, ...sizes, activation: "tanh", gate: "sigmoid" }, 3);
  });

  it("multiplies matrices, either of them transposed", () => {
    const random = createRandom(8);
    const matrix = (rows: number, columns: number) =>
      Float32Array.from({ length: rows * columns }, () => random.normal());
    for (const [rows, depth, columns] of [
      [1, 1, 1],
      [3, 5, 7],
      [9, 1, 8],
      [65, 300, 17],
      [4, 256, 8],
      [1, 40, 30],
    ]) {
      for (const [transposeA, transposeB] of [
        [false, false],
        [true, false],
        [false, true],
        [true, true],
      ]) {
        const sizeA: [number, number] = transposeA ? [depth, rows] : [rows, depth];
        const sizeB: [number, number] = transposeB ? [columns, depth] : [depth, columns];
        const a = matrix(...sizeA);
        const b = matrix(...sizeB);
        const ours = kernels.product(a, sizeA, b, sizeB, { transposeA, transposeB });
        const theirs = tf.tidy(() =>
          tf.matMul(tf.tensor2d(a, sizeA), tf.tensor2d(b, sizeB), transposeA, transposeB).dataSync(),
        );
        expect(ours).toHaveLength(rows * columns);
        expect(largestDifference(ours, theirs as Float32Array), `${sizeA} ${sizeB}`).toBeLessThan(1e-5);
      }
    }
  });

  it("uses its memory again, in predictions and in training", async () => {
    const sizes = { batch: 32, steps: 20, size: 6, units: 40, all: true, bias: true, states: false };
    const inputs = draw({ kind: "lstm", ...sizes, activation: "tanh", gate: "sigmoid" }, createRandom(1));
    const cell = {
      kind: "lstm",
      units: 40,
      activation: ACTIVATIONS.tanh,
      gateActivation: ACTIVATIONS.sigmoid,
    } as const;
    const once = () => tf.tidy(() => void fusedSequence(tf, kernels, cell, inputs, true).output.dataSync());
    const learn = () =>
      tf.tidy(
        () =>
          void tf.grads((() => fusedSequence(tf, kernels, cell, inputs, true).output.sum()) as never)(tensors(inputs)),
      );
    once();
    learn();
    const before = kernels.memoryBytes;
    for (let i = 0; i < 20; i++) {
      once();
      learn();
    }
    expect(kernels.memoryBytes).toBe(before);
  });
});
