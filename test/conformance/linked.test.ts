import { encodeModel, FormatError, KERNEL_NAMES, STATUS } from "@gatelet/converter/format";
import { describe, expect, it } from "vitest";
import { mutateState } from "../hostile/mutate.js";
import { hostileStates } from "../hostile/state-cases.js";
import { ReferenceModel } from "../reference/index.js";
import { Random } from "../support/random.js";
import { kernelModel, randomFrames, randomModel } from "../support/random-models.js";
import { LinkedStream } from "./linked-stream.js";

const CHAIN_KERNELS = ["LSTM", "GRU", "RNN", "DENSE", "CONV1D", "POOL", "GLOBAL_POOL", "GRU_RESET_AFTER"] as const;

function isAccepted(reference: ReferenceModel, blob: Uint8Array): boolean {
  try {
    reference.createStream().restoreState(blob);
    return true;
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}

const stepsFor = (window: number): number => (window === 0 ? 20 : Math.min(2 * window + 1, 30));

/** Rows and saved states of every step against the integer reference; returns the module's shape. */
async function compare(bytes: Uint8Array, seed: number, simd: boolean, where: string): Promise<string> {
  const reference = new ReferenceModel(bytes);
  const stream = reference.createStream();
  const linked = await LinkedStream.open(bytes, { simd });
  for (const [step, frame] of randomFrames(
    seed,
    reference.gate.header,
    stepsFor(reference.gate.header.window),
  ).entries()) {
    const want = stream.step(frame);
    const at = `${where} ${linked.built.shape} step ${step}`;
    expect(linked.run(frame, 1), at).toEqual(want.status === 0 ? want.rows.flatMap((row) => [...row]) : want.status);
    expect(Buffer.compare(linked.saveState(), stream.saveState()), `${at}: state`).toBe(0);
  }
  expect(linked.isWithinBudget(), where).toBe(true);
  return linked.built.shape;
}

describe("self-contained modules", () => {
  for (const simd of [false, true]) {
    it(`answer as the reference does, kernel by kernel${simd ? ", SIMD" : ""}`, async () => {
      const shapes = new Set<string>();
      for (const kernel of KERNEL_NAMES) {
        for (let seed = 0; seed < 8; seed++) {
          shapes.add(await compare(encodeModel(kernelModel(kernel, seed)), seed, simd, `${kernel} ${seed}`));
        }
      }
      expect(shapes).toEqual(new Set(["chain", "general"]));
    });

    it(`answer as the reference does, mixtures of layers${simd ? ", SIMD" : ""}`, async () => {
      for (let seed = 0; seed < 120; seed++) await compare(encodeModel(randomModel(seed)), seed, simd, `model ${seed}`);
    });
  }

  it("take T frames in one call as they take T calls of one", async () => {
    for (let seed = 300; seed < 330; seed++) {
      const bytes = encodeModel(randomModel(seed));
      const { header } = new ReferenceModel(bytes).gate;
      const frames = randomFrames(seed, header, stepsFor(header.window));
      const single = await LinkedStream.open(bytes);
      const whole = await LinkedStream.open(bytes, { frames: frames.length });
      const answers = frames.map((frame) => single.run(frame, 1));
      if (answers.some((answer) => typeof answer === "number")) continue;
      expect(whole.run(Int16Array.from(frames.flatMap((frame) => [...frame])), frames.length)).toEqual(answers.flat());
      expect(Buffer.compare(whole.saveState(), single.saveState())).toBe(0);
      expect(whole.exports.run(frames.length + 1)).toBe(STATUS.BAD_ARGUMENT);
      expect(whole.exports.run(-1)).toBe(STATUS.BAD_ARGUMENT);
      expect(whole.exports.run(0)).toBe(0);
      expect(whole.isWithinBudget()).toBe(true);
    }
  });

  it("answer frames beyond their budget with BAD_ARGUMENT, change nothing and live on; a byte out of place shows", async () => {
    for (let seed = 300; seed < 306; seed++) {
      const bytes = encodeModel(randomModel(seed));
      const [linked, other] = [await LinkedStream.open(bytes, { frames: 3 }), await LinkedStream.open(bytes)];
      const [frame] = randomFrames(seed, linked.built.model.header, 1);
      const before = linked.saveState();
      for (const count of [4, 1000, 0x7fffffff, -1, -0x80000000])
        expect(linked.exports.run(count)).toBe(STATUS.BAD_ARGUMENT);
      expect(Buffer.compare(linked.saveState(), before)).toBe(0);
      expect(linked.run(frame, 1)).toEqual(other.run(frame, 1));
      const memory = new Uint8Array(linked.exports.memory.buffer);
      for (const at of [linked.built.layout.end, memory.length - 1, linked.built.layout.frame - 1]) {
        expect(linked.isWithinBudget()).toBe(true);
        memory[at] ^= 1;
        expect(linked.isWithinBudget(), `byte ${at}`).toBe(false);
        memory[at] ^= 1;
      }
    }
  });

  it("carry on a stream from its saved state in the middle of a window", async () => {
    for (let seed = 400; seed < 430; seed++) {
      const bytes = encodeModel(randomModel(seed));
      const { header } = new ReferenceModel(bytes).gate;
      const [a, b] = [await LinkedStream.open(bytes), await LinkedStream.open(bytes, { simd: true })];
      const straight = await LinkedStream.open(bytes);
      for (const frame of randomFrames(seed, header, stepsFor(header.window))) {
        expect(b.restoreState(a.saveState())).toBe(0);
        expect(b.run(frame, 1)).toEqual(straight.run(frame, 1));
        expect(a.restoreState(b.saveState())).toBe(0);
      }
    }
  });

  it("refuse forged states and then stand at their first frame", async () => {
    let refused = 0;
    for (const { name, model, blob, accepted } of hostileStates()) {
      const linked = await LinkedStream.open(model);
      const fresh = linked.saveState();
      expect(linked.restoreState(blob), `${linked.built.shape}: ${name}`).toBe(accepted ? 0 : STATUS.BAD_STATE);
      if (accepted) continue;
      refused++;
      expect(Buffer.compare(linked.saveState(), fresh), name).toBe(0);
    }
    expect(refused).toBeGreaterThan(20);
  });

  it("accept of mutated states of chains exactly those that the reference accepts", async () => {
    const decided = { accepted: 0, refused: 0 };
    for (let seed = 0; seed < 300; seed++) {
      const kernel = CHAIN_KERNELS[seed % CHAIN_KERNELS.length];
      const bytes = encodeModel(kernelModel(kernel, 500 + seed));
      const reference = new ReferenceModel(bytes);
      const { header, records } = reference.gate;
      const linked = await LinkedStream.open(bytes);
      if (linked.built.shape !== "chain") continue;
      const random = new Random(seed);
      const frames = randomFrames(seed, header, stepsFor(header.window));
      for (const frame of frames.slice(0, 1 + (seed % frames.length))) linked.run(frame, 1);
      const original = linked.saveState();
      for (let i = 0; i < 40; i++) {
        const blob = mutateState(original, records.length, random);
        const accepted = isAccepted(reference, blob);
        expect(linked.restoreState(blob), `${kernel} ${seed} ${i}`).toBe(accepted ? 0 : STATUS.BAD_STATE);
        if (accepted) expect(Buffer.compare(linked.saveState(), blob)).toBe(0);
        decided[accepted ? "accepted" : "refused"]++;
      }
    }
    expect(decided.accepted, JSON.stringify(decided)).toBeGreaterThan(80);
    expect(decided.refused).toBeGreaterThan(600);
  });
});
