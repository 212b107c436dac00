import {
  ACTIVATION,
  encodeModel,
  type ModelSpec,
  packQuads,
  packRowParams,
  type RecordSpec,
} from "@gatelet/converter/format";
import { Random } from "../../../test/support/random.js";
import { type RecurrentKernel, SpecBuilder } from "../../../test/support/spec-builder.js";

/**
 * One row of the board issue's table, or of today's figures (minimal GRU, FastGRNN, other activations): a layer, its true
 * multiply-accumulates a step, and the limits per MAC.
 */
export interface Figure {
  readonly name: string;
  readonly kernel: RecurrentKernel | "DENSE" | "CONV1D";
  readonly inputs: number;
  readonly units: number;
  readonly taps?: number;
  readonly instructions: number;
  readonly cycles: number;
  /** Hard sigmoid gates and relu in place of sigmoid and tanh. */
  readonly otherActivations?: true;
}

const recurrent = (
  kernel: RecurrentKernel,
  limits: readonly (readonly [inputs: number, units: number, instructions: number, cycles: number])[],
): Figure[] =>
  limits.map(([inputs, units, instructions, cycles]) => ({
    name: `${kernel} ${inputs}->${units}`,
    kernel,
    inputs,
    units,
    instructions,
    cycles,
  }));

const withOtherActivations = (figures: readonly Figure[]): Figure[] =>
  figures.map((figure) => ({ ...figure, name: `${figure.name} hard relu`, otherActivations: true }));

const GRU_LIMITS = [
  [6, 128, 1.55, 1.7],
  [128, 64, 1.4, 1.52],
  [64, 32, 1.6, 1.75],
] as const;

export const FIGURES: readonly Figure[] = [
  ...recurrent("LSTM", [
    [6, 128, 1.5, 1.65],
    [128, 64, 1.35, 1.48],
    [64, 32, 1.52, 1.68],
  ]),
  ...recurrent("GRU", GRU_LIMITS),
  ...recurrent("GRU_RESET_AFTER", GRU_LIMITS),
  ...recurrent("MINIMAL_GRU", [
    [6, 128, 1.46, 1.63],
    [128, 64, 1.37, 1.51],
    [64, 32, 1.62, 1.86],
  ]),
  ...recurrent("FASTGRNN", [
    [6, 128, 1.55, 1.73],
    [128, 64, 1.43, 1.6],
    [64, 32, 1.76, 2.05],
  ]),
  ...withOtherActivations([
    ...recurrent("LSTM", [[64, 32, 1.65, 1.97]]),
    ...recurrent("GRU", [[64, 32, 1.55, 1.81]]),
    ...recurrent("GRU_RESET_AFTER", [[64, 32, 1.75, 2.19]]),
    ...recurrent("MINIMAL_GRU", [[64, 32, 1.7, 2.05]]),
    ...recurrent("FASTGRNN", [[64, 32, 1.99, 2.43]]),
  ]),
  ...recurrent("RNN", [
    [6, 256, 1.38, 1.5],
    [256, 128, 1.27, 1.38],
  ]),
  { name: "DENSE 128x128", kernel: "DENSE", inputs: 128, units: 128, instructions: 1.28, cycles: 1.38 },
  { name: "CONV1D 6->16 k5", kernel: "CONV1D", inputs: 6, units: 16, taps: 5, instructions: 1.9, cycles: 2.1 },
  { name: "CONV1D 16->32 k5", kernel: "CONV1D", inputs: 16, units: 32, taps: 5, instructions: 1.5, cycles: 1.7 },
];

const GATES = { RNN: 1, LSTM: 4, GRU: 3, GRU_RESET_AFTER: 3, MINIMAL_GRU: 2, FASTGRNN: 1 } as const;

/** True multiply-accumulates of one step (Conv1D: of one output row). */
export function macs({ kernel, inputs, units, taps }: Figure): number {
  if (kernel === "DENSE" || kernel === "CONV1D") return inputs * units * (taps ?? 1);
  return GATES[kernel] * units * (inputs + units);
}

function convolution(random: Random, { inputs, units, taps = 1 }: Figure, bits: 8 | 4): RecordSpec {
  const columns = taps * (inputs + (inputs & 1));
  const reach = bits === 8 ? 127 : 7;
  const ones = Int32Array.from({ length: units }, () => 1 << 22);
  return {
    kernel: "CONV1D",
    fields: {
      input0: 0,
      inputSize: inputs,
      outputSize: units,
      activation: ACTIVATION.RELU,
      activationParam: 32767,
      bits,
      taps,
      stride: 1,
      dilation: 1,
    },
    weights: packQuads({
      order: "plain",
      bits,
      hiddenSize: units,
      input: { weights: random.int8s(units * columns, -reach, reach), columns },
    }),
    rowParams: packRowParams("plain", units, new Int32Array(units), ones),
  };
}

/** Sigmoid gates and tanh, relu behind Dense and Conv1D; or what the figure says. */
function activationsOf({ kernel, otherActivations }: Figure): RecordSpec["fields"] {
  const relu = kernel === "DENSE" || kernel === "CONV1D" || otherActivations === true;
  const gateActivation = otherActivations ? ACTIVATION.HARD_SIGMOID : ACTIVATION.SIGMOID;
  return {
    activation: relu ? ACTIVATION.RELU : ACTIVATION.TANH,
    activationParam: relu ? 32767 : 0,
    ...(kernel === "RNN" || kernel === "DENSE" || kernel === "CONV1D" ? {} : { gateActivation }),
  };
}

/** A stream model of INPUT and the layer. */
export function figureModel(figure: Figure, bits: 8 | 4): Uint8Array {
  const random = new Random(1);
  const builder = new SpecBuilder(random, 0, 0);
  builder.input(figure.inputs);
  const { kernel } = figure;
  if (kernel === "CONV1D") builder.records.push(convolution(random, figure, bits));
  else if (kernel === "DENSE") builder.dense(0, figure.units, bits);
  else builder.recurrent(kernel, 0, figure.units, bits);
  const spec: ModelSpec = builder.build();
  const records = spec.records.map((record, i): RecordSpec => {
    if (i === 0) return record;
    const fields = { ...record.fields, flags: 0, ...activationsOf(figure) };
    return { ...record, fields, table: undefined, gateTable: undefined };
  });
  return encodeModel({ ...spec, records });
}
