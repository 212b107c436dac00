import { encodeModel, KERNEL_NAMES, readModel } from "@gatelet/converter/format";
import { describe, expect, it } from "vitest";
import { kernelModel, randomFrames, randomModel } from "../../test/support/random-models.js";
import { missing } from "../../test/support/requirements.js";
import { MACHINES } from "./support/build.js";
import { type DriverCase, runDriver } from "./support/driver.js";
import { difference, referenceResult } from "./support/expect.js";

const SEEDS_PER_KERNEL = 24;
const RANDOM_MODELS = 120;

interface NamedCase extends DriverCase {
  readonly name: string;
}

function makeCase(name: string, bytes: Uint8Array, seed: number): NamedCase {
  const { header } = readModel(bytes);
  const count = header.window > 0 ? header.window * 2 + (seed % 3) : 14;
  return { name, model: bytes, frames: randomFrames(seed, header, count), roundTrip: true };
}

const cases: NamedCase[] = [
  ...KERNEL_NAMES.flatMap((kernel) =>
    Array.from({ length: SEEDS_PER_KERNEL }, (_, seed) =>
      makeCase(`${kernel} ${seed}`, encodeModel(kernelModel(kernel, seed)), seed),
    ),
  ),
  ...Array.from({ length: RANDOM_MODELS }, (_, seed) =>
    makeCase(`model ${seed}`, encodeModel(randomModel(seed)), seed),
  ),
];
const expected = cases.map(referenceResult);

describe.each(MACHINES)("firmware on $name", (machine) => {
  it.skipIf(missing(...machine.requirements))("equals the integer reference bit for bit", () => {
    const actual = runDriver(machine, cases);
    const failures = cases.flatMap(({ name }, i) => {
      const text = difference(actual[i]!, expected[i]!);
      return text === undefined ? [] : [`${name}: ${text}`];
    });
    expect(failures.slice(0, 20)).toEqual([]);
  });
});
