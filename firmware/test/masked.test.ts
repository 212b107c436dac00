import { encodeModel, KERNEL, type KernelName, STATUS } from "@gatelet/converter/format";
import { describe, expect, it } from "vitest";
import { Random } from "../../test/support/random.js";
import { randomFrames, randomModel } from "../../test/support/random-models.js";
import { missing } from "../../test/support/requirements.js";
import { SpecBuilder } from "../../test/support/spec-builder.js";
import { sanitized } from "./support/build.js";
import { type DriverCase, runDriver } from "./support/driver.js";
import { difference, referenceResult } from "./support/expect.js";
import { mutate, verdict } from "./support/hostile.js";

const MUTANTS = 1200;
const LARGEST_ARENA = 1 << 16;

interface Configuration {
  readonly name: string;
  readonly kernels: readonly KernelName[];
  readonly int4: boolean;
  /** Adds a layer that is built in. */
  add(builder: SpecBuilder, random: Random, bits: 8 | 4): void;
}

const recurrent =
  (kernel: "LSTM" | "GRU") =>
  (builder: SpecBuilder, random: Random, bits: 8 | 4): void => {
    builder.recurrent(kernel, builder.last, random.int(1, 9), bits, builder.window > 0 && random.chance(0.3));
  };

const CONFIGURATIONS: readonly Configuration[] = [
  { name: "LSTM only, 8 bits", kernels: ["INPUT", "LSTM"], int4: false, add: recurrent("LSTM") },
  { name: "GRU only", kernels: ["INPUT", "GRU"], int4: true, add: recurrent("GRU") },
  {
    name: "Dense and Conv1D",
    kernels: ["INPUT", "DENSE", "CONV1D"],
    int4: true,
    add(builder, random, bits) {
      if (random.chance(0.5)) builder.conv1d(builder.last, random.int(1, 9), bits, random.chance(0.5));
      else builder.dense(builder.last, random.int(1, 9), bits);
    },
  },
];

const maskOf = (kernels: readonly KernelName[]): number =>
  kernels.reduce((mask, name) => mask | (1 << KERNEL[name]), 0);

/** A valid model of built-in kernels; sometimes at 4 bits where those are left out. */
function ownModel(configuration: Configuration, seed: number): Uint8Array {
  const random = new Random(seed);
  const builder = new SpecBuilder(random, random.chance(0.3) ? 0 : random.int(1, 7));
  builder.input(random.int(1, 9), random.chance(0.4) ? "set" : "none");
  for (let i = random.int(1, 3); i > 0; i--) {
    configuration.add(builder, random, random.chance(configuration.int4 ? 0.5 : 0.1) ? 4 : 8);
  }
  return encodeModel(builder.build());
}

describe.each(CONFIGURATIONS)("a build with $name", (configuration) => {
  const mask = maskOf(configuration.kernels);
  const machine = sanitized(`kernels-${mask.toString(16)}`, [
    `-DGATELET_KERNELS=0x${mask.toString(16)}u`,
    `-DGATELET_INT4=${configuration.int4 ? 1 : 0}`,
  ]);

  it.skipIf(missing(...machine.requirements))(
    "accepts what the reader accepts and it has kernels for, runs it equally, and refuses all else",
    () => {
      const random = new Random(mask);
      const own = Array.from({ length: 40 }, (_, seed) => ownModel(configuration, seed));
      const foreign = Array.from({ length: 20 }, (_, seed) => encodeModel(randomModel(3000 + seed, { maxSize: 9 })));
      const models = [...own, ...foreign];
      while (models.length < MUTANTS) models.push(mutate(random, random.pick(random.chance(0.8) ? own : foreign)));
      const cases: DriverCase[] = [];
      const expected: ("runs" | "lacks" | "refuses")[] = [];
      for (const model of models) {
        const seen = verdict(model);
        if (typeof seen === "number") {
          cases.push({ model, frames: [] });
          expected.push("refuses");
          continue;
        }
        const { header, records } = seen;
        if (header.arenaBytes + header.maxOutputRows * 64 > LARGEST_ARENA) continue;
        const has4 = records.some(({ fields }) => fields.bits === 4);
        const lacks = (header.requiredKernels & ~mask) !== 0 || (has4 && !configuration.int4);
        cases.push({ model, frames: lacks ? [] : randomFrames(cases.length, header, 3), roundTrip: !lacks });
        expected.push(lacks ? "lacks" : "runs");
      }
      const results = runDriver(machine, cases);
      const failures = cases.flatMap((one, i) => {
        const result = results[i]!;
        if (expected[i] === "runs") {
          const text = difference(result, referenceResult(one));
          return text === undefined ? [] : [`model ${i}: ${text}`];
        }
        const right = expected[i] === "lacks" ? result.check === STATUS.UNKNOWN_KERNEL : result.check < 0;
        return right && result.integrity === 0 ? [] : [`model ${i} ${expected[i]}: check ${result.check}`];
      });
      expect(failures.slice(0, 10)).toEqual([]);
      for (const kind of ["runs", "lacks", "refuses"]) {
        expect(expected.filter((one) => one === kind).length, kind).toBeGreaterThan(15);
      }
    },
    120_000,
  );
});
