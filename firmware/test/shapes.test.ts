import { encodeModel, readModel } from "@gatelet/converter/format";
import { describe, expect, it } from "vitest";
import { Random } from "../../test/support/random.js";
import { randomFrames } from "../../test/support/random-models.js";
import { missing } from "../../test/support/requirements.js";
import { type RecurrentKernel, SpecBuilder } from "../../test/support/spec-builder.js";
import { MACHINES } from "./support/build.js";
import { type DriverCase, runDriver } from "./support/driver.js";
import { difference, referenceResult } from "./support/expect.js";

const BITS = [8, 4] as const;
/** Half of the models have weights and parameters of any size, so that sums wrap. */
const WILDNESS = 0.5;

/** A stream model of an input and what `add` puts behind it, with a few frames of any counts. */
function streamCase(seed: number, inputs: number, add: (builder: SpecBuilder, random: Random) => void): DriverCase {
  const random = new Random(seed);
  const builder = new SpecBuilder(random, 0, WILDNESS);
  builder.input(inputs);
  add(builder, random);
  const model = encodeModel(builder.build());
  return { model, frames: randomFrames(seed + 1, readModel(model).header, 9) };
}

/** Every number of columns up to three rounds of the quads' loop, and beyond 511, where sums of 4 bits may wrap. */
function denseCases(): DriverCase[] {
  const columns = [...Array.from({ length: 98 }, (_, i) => i + 1), 511, 512, 700];
  return columns.flatMap((inputs) =>
    BITS.map((bits) =>
      streamCase(inputs, inputs, (builder, random) => builder.dense(0, random.int(1, 13), bits, random.chance(0.4))),
    ),
  );
}

/** Windows of all channels and taps that the builder draws, over strides, paddings and dilations. */
function convolutionCases(): DriverCase[] {
  return Array.from({ length: 150 }, (_, seed) =>
    streamCase(seed, 1 + (seed % 12), (builder, random) =>
      builder.conv1d(0, random.int(1, 13), BITS[seed & 1]!, random.chance(0.3)),
    ),
  );
}

function recurrentCases(): DriverCase[] {
  const kernels: readonly RecurrentKernel[] = ["RNN", "LSTM", "GRU", "GRU_RESET_AFTER", "MINIMAL_GRU", "FASTGRNN"];
  return kernels.flatMap((kernel, k) =>
    Array.from({ length: 24 }, (_, i) =>
      streamCase(100 * k + i, 1 + 3 * i, (builder, random) =>
        builder.recurrent(kernel, 0, random.int(1, 41), BITS[i & 1]!),
      ),
    ),
  );
}

describe.each(MACHINES.filter(({ name }) => name.startsWith("cortex")))("shapes on $name", (machine) => {
  it.skipIf(missing(...machine.requirements)).each([
    ["Dense", denseCases],
    ["Conv1D", convolutionCases],
    ["recurrent", recurrentCases],
  ] as const)("%s equal the reference", (_, make) => {
    const cases = make();
    const results = runDriver(machine, cases, 200_000);
    expect(cases.map((one, i) => difference(results[i]!, referenceResult(one)))).toEqual(cases.map(() => undefined));
  });
});
