import { crc32, encodeModel, KERNEL_NAMES, type ModelSpec, STATUS } from "@gatelet/converter/format";
import { describe, expect, it } from "vitest";
import { hostileCases } from "../hostile/cases.js";
import { fuzz } from "../hostile/fuzz.js";
import { hostileStates } from "../hostile/state-cases.js";
import { ReferenceModel } from "../reference/index.js";
import { Random } from "../support/random.js";
import { kernelModel, randomFrames, randomModel } from "../support/random-models.js";
import { SpecBuilder } from "../support/spec-builder.js";
import { loadVectors } from "../support/vectors.js";
import { wasmEngines } from "./wasm-engine.js";

const engines = wasmEngines();
const plain = (rows: readonly ArrayLike<number>[]): number[][] => rows.map((row) => Array.from(row));

/** Steps for two windows and a bit, or so many of a stream. */
const stepsFor = (window: number): number => (window === 0 ? 20 : Math.min(2 * window + 1, 30));

function compareWithReference(spec: ModelSpec, seed: number, where: string): void {
  const bytes = encodeModel(spec);
  const reference = new ReferenceModel(bytes);
  const { header } = reference.gate;
  const frames = randomFrames(seed, header, stepsFor(header.window));
  for (const engine of engines) {
    expect(engine.check(bytes), `${where} ${engine.name}`).toBe(0);
    const expected = reference.createStream();
    const model = engine.open(bytes);
    const stream = model.createStream();
    frames.forEach((frame, step) => {
      const want = expected.step(frame);
      const got = stream.step(frame);
      const at = `${where} ${engine.name} step ${step}`;
      expect(got.status, at).toBe(want.status);
      if (want.status === STATUS.OK) expect(plain(got.rows), at).toEqual(plain(want.rows));
      expect(Buffer.compare(stream.state(), expected.state), `${at}: state`).toBe(0);
    });
    expect(model.damage(), where).toBeUndefined();
    model.close();
  }
}

describe("scalar and SIMD against the integer reference", () => {
  for (const kernel of KERNEL_NAMES) {
    it(`${kernel}: outputs and states of every step`, () => {
      for (let seed = 0; seed < 24; seed++) compareWithReference(kernelModel(kernel, seed), seed, `${kernel} ${seed}`);
    });
  }
  it("mixtures of layers", () => {
    for (let seed = 0; seed < 200; seed++) compareWithReference(randomModel(seed), seed, `model ${seed}`);
  });
  it("wide layers, which take several batches of quads", () => {
    for (const kernel of [
      "RNN",
      "LSTM",
      "GRU",
      "GRU_RESET_AFTER",
      "MINIMAL_GRU",
      "FASTGRNN",
      "DENSE",
      "CONV1D",
    ] as const) {
      for (let seed = 0; seed < 4; seed++) {
        compareWithReference(kernelModel(kernel, 100 + seed, { maxSize: 33 }), seed, `${kernel} ${seed}`);
      }
    }
  });
  it("layers wider than the SIMD engine's batch", () => {
    for (const [kernel, size] of [
      ["LSTM", 131],
      ["GRU", 133],
      ["GRU_RESET_AFTER", 130],
      ["RNN", 515],
    ] as const) {
      const builder = new SpecBuilder(new Random(size), 3);
      builder.recurrent(kernel, builder.input(5), size, 8, true);
      compareWithReference(builder.build(), size, `${kernel} of ${size}`);
    }
  });
  it("committed vectors", () => {
    for (const { kernel, seed, model, frames, outputs, stateCrc } of loadVectors()) {
      for (const engine of engines) {
        const opened = engine.open(Buffer.from(model, "base64"));
        const stream = opened.createStream();
        const rows = frames.map((frame) => plain(stream.step(Int16Array.from(frame)).rows));
        expect(rows, `${kernel} ${seed} ${engine.name}`).toEqual(outputs);
        expect(crc32(stream.state())).toBe(stateCrc);
        opened.close();
      }
    }
  });
});

describe("T steps in one call", () => {
  it("equal T calls of one step", () => {
    for (let seed = 300; seed < 360; seed++) {
      const bytes = encodeModel(randomModel(seed));
      const { header } = new ReferenceModel(bytes).gate;
      const frames = randomFrames(seed, header, stepsFor(header.window));
      const joined = Int16Array.from(frames.flatMap((frame) => [...frame]));
      for (const engine of engines) {
        const model = engine.open(bytes, frames.length);
        const [single, whole] = [model.createStream(), model.createStream()];
        const answers = frames.map((frame) => single.step(frame));
        const failed = answers.find(({ status }) => status !== 0);
        const got = whole.run(joined, frames.length);
        expect(got.status).toBe(failed?.status ?? 0);
        if (failed === undefined) {
          expect(plain(got.rows)).toEqual(plain(answers.flatMap(({ rows }) => rows)));
          expect(Buffer.compare(whole.state(), single.state())).toBe(0);
        }
        expect(model.damage()).toBeUndefined();
        model.close();
      }
    }
  });
});

describe("saved states", () => {
  it("travel between reference, scalar and SIMD in the middle of a window", () => {
    let travelled = 0;
    for (let seed = 400; seed < 460; seed++) {
      const bytes = encodeModel(randomModel(seed));
      const reference = new ReferenceModel(bytes);
      const { header } = reference.gate;
      const frames = randomFrames(seed, header, stepsFor(header.window));
      const [scalar, simd] = engines.map((engine) => engine.open(bytes));
      const [a, b] = [scalar!.createStream(), simd!.createStream()];
      const straight = reference.createStream();
      const hopping = reference.createStream();
      frames.forEach((frame, step) => {
        const want = straight.step(frame);
        expect(b.restoreState(a.saveState())).toBe(0);
        if (b.step(frame).status !== want.status) throw new Error(`model ${seed} step ${step}`);
        hopping.restoreState(b.saveState());
        expect(a.restoreState(hopping.saveState())).toBe(0);
        expect(Buffer.compare(a.state(), straight.state)).toBe(0);
        travelled++;
      });
      expect([scalar!.damage(), simd!.damage()]).toEqual([undefined, undefined]);
      scalar!.close();
      simd!.close();
    }
    expect(travelled).toBeGreaterThan(500);
  });

  it("that are forged are refused, and nothing is written", () => {
    for (const engine of engines) {
      for (const { name, model, blob, accepted } of hostileStates()) {
        const opened = engine.open(model);
        const stream = opened.createStream();
        const before = stream.state();
        expect(stream.restoreState(blob), `${engine.name}: ${name}`).toBe(accepted ? 0 : STATUS.BAD_STATE);
        if (!accepted) expect(Buffer.compare(stream.state(), before), name).toBe(0);
        expect(opened.damage()).toBeUndefined();
        opened.close();
      }
    }
  });
});

describe("hostile files", () => {
  it("get the status that names their fault", () => {
    for (const engine of engines) {
      for (const { name, status, bytes } of hostileCases()) {
        expect(engine.check(bytes), `${engine.name}: ${name}`).toBe(STATUS[status]);
      }
    }
  });
  it("6,000 mutants of files and states: both engines decide and compute as the reference does", () => {
    for (const [seed, engine] of engines.entries()) {
      const report = fuzz(engine, 3_000, 77 + seed);
      expect(report.executed).toBeGreaterThan(150);
    }
  });
});
