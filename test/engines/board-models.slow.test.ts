import { crc32 } from "@gatelet/converter/format";
import { describe, expect, it } from "vitest";
import { MACHINES } from "../../firmware/test/support/build.js";
import { runDriver } from "../../firmware/test/support/driver.js";
import { missing } from "../support/requirements.js";
import { sharedModelNames } from "../support/shared-models.js";
import { type BoardJob, firmwareSteps, type StepBytes, sharedJob, wasmSteps } from "./board-steps.js";

/** Whole windows that every model runs; the tail leaves a state in the middle of a window. */
const WINDOWS = 200;
const TAIL_FRAMES = 7;
const MODELS = sharedModelNames().flatMap((name) => [8, 4].map((bits) => ({ name, bits: bits as 8 | 4 })));

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** Steps of the firmware beside the engine's; the first that differs fails. */
async function compareSteps(job: BoardJob, firmware: Iterator<StepBytes>) {
  let [steps, rows, stateBytes] = [0, 0, 0];
  for await (const expected of wasmSteps(job)) {
    const { value, done } = firmware.next();
    if (done === true) throw new Error(`the firmware ended before step ${steps}`);
    const actual = value as StepBytes;
    if (!same(actual.rows, expected.rows)) throw new Error(`rows of step ${steps} differ`);
    if (!same(actual.state, expected.state)) throw new Error(`state behind step ${steps} differs`);
    steps++;
    rows += expected.rows.length === 0 ? 0 : 1;
    stateBytes += expected.state.length;
  }
  expect(firmware.next().done).toBe(true);
  return { steps, rows, stateBytes };
}

describe.skipIf(missing("shared"))(`every trained model, ${WINDOWS} windows of recordings`, () => {
  it.each(MODELS)("$name, $bits bits: firmware on the built-in board = WebAssembly after every step", async (model) => {
    const job = await sharedJob(model.name, model.bits, WINDOWS, TAIL_FRAMES);
    const start = performance.now();
    const { steps, rows, stateBytes } = await compareSteps(job, firmwareSteps(job));
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.info(`${model.name}, ${model.bits} bits: ${steps} steps, ${stateBytes} state bytes equal in ${seconds} s`);
    expect(steps).toBe(job.frames.length / job.frameSize);
    expect(rows).toBe(WINDOWS);
  });
});

const PORTABLE = MACHINES.find(({ name }) => name === "gcc-O3")!;

describe.skipIf(missing("shared", "cc"))(`every trained model, ${WINDOWS} windows, portable C on the host`, () => {
  it.each(MODELS)("$name, $bits bits: rows and state = WebAssembly after every step", async (model) => {
    const job = await sharedJob(model.name, model.bits, WINDOWS, TAIL_FRAMES);
    const { gate, frameSize } = job;
    const frames = Array.from({ length: job.frames.length / frameSize }, (_, i) =>
      job.frames.subarray(i * frameSize, (i + 1) * frameSize),
    );
    const [answer] = runDriver(PORTABLE, [{ model: gate, frames }]);
    expect([answer!.check, answer!.init, answer!.integrity]).toEqual([0, 0, 0]);
    let step = 0;
    for await (const expected of wasmSteps(job)) {
      const { rows, stateCrc } = answer!.steps[step]!;
      if (!same(rows, expected.rows)) throw new Error(`rows of step ${step} differ`);
      if (stateCrc !== crc32(expected.state)) throw new Error(`state behind step ${step} differs`);
      step++;
    }
    expect(step).toBe(frames.length);
  });
});
