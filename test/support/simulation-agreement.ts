import type { ConvertedModel } from "@gatelet/converter";
import { Model } from "@gatelet/kernels";
import {
  argMax,
  countsOf,
  IntegerSimulation,
  type Normalization,
  networkGrids,
  readNetwork,
  type Tf,
  type WindowSet,
} from "@gatelet/train";
import type { LayersModel } from "@tensorflow/tfjs";

/** Windows on which the simulation in tfjs and the integer engine are compared. */
export interface ComparedWindows {
  readonly windows: WindowSet;
  readonly normalization: Normalization;
  readonly indices: Uint32Array;
}

/**
 * Shares of outputs within one LSB, and of equal decisions, between the simulation that trains and the integer engine.
 * @param model with the weights that the file was made of
 */
export async function simulationAgreement(
  tf: Tf,
  model: LayersModel,
  { bytes, report }: Pick<ConvertedModel, "bytes" | "report">,
  compared: ComparedWindows,
): Promise<{ readonly outputs: number; readonly decisions: number }> {
  const { windows, indices } = compared;
  const network = readNetwork(model);
  const grids = networkGrids(network, report);
  const simulation = new IntegerSimulation(tf, network, grids);
  const missing = simulation.load(network.layers.flatMap(({ weights }) => weights.map(({ data }) => data)));
  if (missing !== undefined) throw new Error(`layer ${missing} is not simulated`);
  const { length } = windows;
  const shape = { batch: indices.length, steps: length, columns: windows.recordings.channels };
  const values = inputRows(compared, grids.inputScale);
  const rows = simulation.run({ ...shape, scale: grids.inputScale, values });
  const { columns, logits = rows.values } = rows;
  const engine = await Model.load(bytes);
  const out = new Int32Array(columns * engine.maxRows(length));
  let near = 0;
  let equal = 0;
  indices.forEach((index, i) => {
    engine.reset();
    engine.runRaw(countsOf(windows, index), out);
    const answers = logits.subarray(i * columns, (i + 1) * columns);
    answers.forEach((value, c) => {
      if (Math.abs(value - out[c]) <= 1) near++;
    });
    if (argMax(answers) === argMax(out, 0, columns)) equal++;
  });
  return { outputs: near / (columns * indices.length), decisions: equal / indices.length };
}

/** Input rows as the device makes them of raw counts. */
function inputRows({ windows, normalization, indices }: ComparedWindows, inputScale: number): Float32Array {
  const { rawScale } = windows.recordings;
  const rows = Array.from(indices).flatMap((index) =>
    Array.from(countsOf(windows, index), (count, i) => {
      const c = i % rawScale.length;
      const real = (count * rawScale[c] - normalization.mean[c]) / normalization.std[c];
      return Math.max(-32768, Math.min(32767, Math.floor(real / inputScale + 0.5)));
    }),
  );
  return Float32Array.from(rows);
}
