import { crc32, encodeModel, type GateModel, STATUS } from "@gatelet/converter/format";
import { describe, expect, it } from "vitest";
import { ReferenceModel } from "../../test/reference/index.js";
import { Random } from "../../test/support/random.js";
import { randomFrames, randomModel } from "../../test/support/random-models.js";
import { missing } from "../../test/support/requirements.js";
import { MACHINES } from "./support/build.js";
import { type DriverCase, runDriver } from "./support/driver.js";
import { difference, referenceResult } from "./support/expect.js";
import { CORNERS, mutate, verdict } from "./support/hostile.js";

const MUTANTS = 3000;
const FORGED_STATES = 600;
const LARGEST_ARENA = 1 << 16;
const machines = MACHINES.filter(({ name }) => name === "gcc-sanitized" || name === "cortex-m4-assembly");

function mutants(): { cases: DriverCase[]; verdicts: (GateModel | number)[] } {
  const random = new Random(77);
  const cases: DriverCase[] = [];
  const verdicts: (GateModel | number)[] = [];
  const originals = Array.from({ length: 60 }, (_, seed) => encodeModel(randomModel(1000 + seed, { maxSize: 9 })));
  while (cases.length < MUTANTS) {
    const model = mutate(random, random.pick(originals));
    const seen = verdict(model);
    if (typeof seen !== "number" && seen.header.arenaBytes + seen.header.maxOutputRows * 64 > LARGEST_ARENA) continue;
    const frames = typeof seen === "number" ? [] : randomFrames(cases.length, seen.header, 3);
    cases.push({ model, frames });
    verdicts.push(seen);
  }
  return { cases, verdicts };
}

/** States with counters and contents forged and the checksum repaired; `expected` as the reference judges them. */
function forgedStates(): { cases: DriverCase[]; accepted: boolean[] } {
  const random = new Random(78);
  const cases: DriverCase[] = [];
  const accepted: boolean[] = [];
  for (let i = 0; i < FORGED_STATES; i++) {
    const model = encodeModel(randomModel(random.int(0, 200), { maxSize: 9 }));
    const reference = new ReferenceModel(model);
    const stream = reference.createStream();
    for (const frame of randomFrames(i, reference.gate.header, random.int(0, 6))) stream.step(frame);
    const restore = stream.saveState();
    for (let k = random.int(1, 3); k > 0; k--) {
      const at = random.int(random.chance(0.5) ? 48 : 56, random.chance(0.5) ? restore.length - 1 : 48 + 40);
      restore[at] = random.chance(0.6) ? random.pick(CORNERS) : random.int(0, 255);
    }
    new DataView(restore.buffer).setUint32(12, crc32(restore, 16), true);
    const frames = randomFrames(i + 1, reference.gate.header, 8);
    cases.push({ model, frames, restore });
    try {
      reference.createStream().restoreState(restore);
      accepted.push(true);
    } catch {
      accepted.push(false);
    }
  }
  return { cases, accepted };
}

describe.each(machines)("hostile bytes on $name", (machine) => {
  it.skipIf(missing(...machine.requirements))(
    "files: accepts exactly what the reader accepts, and runs it equally",
    () => {
      const { cases, verdicts } = mutants();
      const results = runDriver(machine, cases);
      const failures: string[] = [];
      let acceptedCount = 0;
      for (const [i, seen] of verdicts.entries()) {
        const result = results[i]!;
        if (typeof seen === "number") {
          if (result.check >= 0) failures.push(`mutant ${i}: accepted, must be ${seen}`);
          if (result.integrity !== 0) failures.push(`mutant ${i}: integrity ${result.integrity}`);
          continue;
        }
        acceptedCount++;
        const text = difference(result, referenceResult(cases[i]!));
        if (text !== undefined) failures.push(`mutant ${i}: ${text}`);
      }
      expect(failures.slice(0, 10)).toEqual([]);
      expect(acceptedCount).toBeGreaterThan(MUTANTS / 50);
    },
  );

  it.skipIf(missing(...machine.requirements))(
    "states: accepts exactly what the reference accepts, and goes on equally",
    () => {
      const { cases, accepted } = forgedStates();
      const results = runDriver(machine, cases);
      const failures: string[] = [];
      for (const [i, ok] of accepted.entries()) {
        const result = results[i]!;
        const { restore: _, ...fresh } = cases[i]!;
        // A refused blob leaves the stream as it was: reset.
        const expected = referenceResult(ok ? cases[i]! : fresh);
        const text = difference(result, ok ? expected : { ...expected, restore: STATUS.BAD_STATE });
        if (text !== undefined) failures.push(`state ${i}: ${text}`);
      }
      expect(failures.slice(0, 10)).toEqual([]);
      expect(accepted.filter(Boolean).length).toBeGreaterThan(FORGED_STATES / 20);
      expect(accepted.filter((ok) => !ok).length).toBeGreaterThan(FORGED_STATES / 20);
    },
  );
});
