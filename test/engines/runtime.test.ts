import { encodeModel, type ModelSpec } from "@gatelet/converter/format";
import { engineBytes, type KernelError, Model } from "@gatelet/kernels";
import { describe, expect, it } from "vitest";
import { BASES } from "../hostile/cases.js";
import { ReferenceModel } from "../reference/index.js";
import { kernelModel, randomFrames, randomModel } from "../support/random-models.js";

/** The seed's first model that takes frames, not tokens, and never refuses a schedule. */
function frameModel(from: number, accept: (spec: ModelSpec) => boolean = () => true): ModelSpec {
  for (let seed = from; ; seed++) {
    const spec = randomModel(seed, { maxSize: 9, wildness: 0 });
    if (spec.inputKind === "frames" && accept(spec)) return spec;
  }
}
const windowSpec = frameModel(1, ({ window }) => window >= 4);
const bytes = encodeModel(windowSpec);
const join = (frames: readonly Int16Array[]): Int16Array => Int16Array.from(frames.flatMap((frame) => [...frame]));
const codeOf = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "no error",
    (error: KernelError) => error.code,
  );

describe("Model", () => {
  for (const engine of ["scalar", "simd", "auto"] as const) {
    it(`answers as the reference does, in steps and in one run (${engine})`, async () => {
      const model = await Model.load(bytes, { engine });
      const reference = new ReferenceModel(bytes).createStream();
      const frames = randomFrames(5, { ...model.description, inputKind: 0 }, 3 * windowSpec.window + 2);
      const rows = frames.flatMap((frame) => reference.step(frame).rows.map((row) => [...row]));
      const stepped = frames.flatMap((frame) => [...model.step(frame).outputs]);
      expect(stepped).toEqual(rows.flat());
      model.reset();
      expect([...model.run(join(frames)).outputs]).toEqual(rows.flat());
      expect(model.guardsIntact()).toBe(true);
    });
  }

  it("runs sequences that do not fit its buffer", async () => {
    const spec = frameModel(200, ({ window }) => window === 0);
    const model = await Model.load(encodeModel(spec));
    const other = model.createStream();
    const count = Math.ceil(40_000 / model.description.frameSize);
    const frames = join(randomFrames(3, { ...model.description, inputKind: 0 }, count));
    const whole = model.run(frames);
    const half = Math.floor(count / 3) * model.description.frameSize;
    const parts = [other.run(frames.subarray(0, half)), other.run(frames.subarray(half))];
    expect([...whole.outputs]).toEqual(parts.flatMap(({ outputs }) => [...outputs]));
    expect(Buffer.compare(model.saveState(), other.saveState())).toBe(0);
    expect(model.guardsIntact()).toBe(true);
  });

  it("writes into the caller's array without allocating one, and refuses one that may be too small", async () => {
    const model = await Model.load(bytes);
    const frames = join(randomFrames(8, { ...model.description, inputKind: 0 }, windowSpec.window));
    const out = new Int32Array(model.maxRows(windowSpec.window) * model.description.outputSize);
    const rows = model.runRaw(frames, out);
    model.reset();
    const { outputs } = model.run(frames);
    expect([...out.subarray(0, rows * model.description.outputSize)]).toEqual([...outputs]);
    expect(() => model.runRaw(frames, new Int32Array(0))).toThrow(/out holds 0 integers/);
  });

  it("keeps streams apart over one copy of the weights", async () => {
    const model = await Model.load(bytes, { streams: 3 });
    const [a, b] = [model.createStream(), model.createStream()];
    expect(() => model.createStream()).toThrow(expect.objectContaining({ code: "NO_FREE_STREAM" }));
    const frames = randomFrames(9, { ...model.description, inputKind: 0 }, windowSpec.window);
    const alone = frames.map((frame) => [...a.step(frame).outputs]);
    const mixed = frames.map((frame, i) => {
      model.step(frames[(i * 2) % frames.length]!);
      return [...b.step(frame).outputs];
    });
    expect(mixed).toEqual(alone);
    a.free();
    expect(() => a.step(frames[0]!)).toThrow(expect.objectContaining({ code: "STREAM_FREED" }));
    expect(model.createStream().frames).toBe(0);
    expect(model.guardsIntact()).toBe(true);
  });

  it("carries its state from one engine to the other, and refuses a forged one unchanged", async () => {
    const [scalar, simd] = [await Model.load(bytes, { engine: "scalar" }), await Model.load(bytes, { engine: "simd" })];
    const frames = randomFrames(4, { ...scalar.description, inputKind: 0 }, 3);
    scalar.step(frames[0]!);
    scalar.step(frames[1]!);
    const blob = scalar.saveState();
    simd.restoreState(blob);
    expect([...simd.step(frames[2]!).outputs]).toEqual([...scalar.step(frames[2]!).outputs]);
    const before = simd.saveState();
    for (const forged of [blob.slice(0, -1), new Uint8Array(0), new Uint8Array(1 << 20), blob.map((x) => x ^ 1)]) {
      expect(() => simd.restoreState(forged)).toThrow(expect.objectContaining({ code: "BAD_STATE" }));
    }
    expect(Buffer.compare(simd.saveState(), before)).toBe(0);
    expect(simd.guardsIntact()).toBe(true);
  });

  it("takes a compiled module, and says so when a module is none of ours", async () => {
    const module = await WebAssembly.compile(engineBytes("scalar"));
    expect((await Model.load(bytes, { engine: module })).description.frameSize).toBe(windowSpec.frameSize);
    const empty = await WebAssembly.compile(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
    expect(await codeOf(Model.load(bytes, { engine: empty }))).toBe("BAD_ENGINE");
  });

  it("never has more memory than it was given, and refuses with the numbers", async () => {
    const model = await Model.load(bytes, { memoryLimitBytes: 65536, streams: 1 });
    expect(model.memoryBytes).toBe(65536);
    await expect(Model.load(bytes, { memoryLimitBytes: 5000 })).rejects.toThrow(
      /needs \d+ bytes of memory.*limit is 5000/,
    );
    expect(await codeOf(Model.load(bytes, { memoryLimitBytes: 70000, streams: 1000 }))).toBe("OUT_OF_BUDGET");
    await expect(Model.load(bytes, { streams: 0 })).rejects.toThrow(RangeError);
  });

  it("refuses broken files with the status of the fault", async () => {
    expect(await codeOf(Model.load(new Uint8Array(10)))).toBe("BAD_SIZE");
    expect(await codeOf(Model.load(bytes.map((x, i) => (i === 0 ? x ^ 1 : x))))).toBe("BAD_MAGIC");
    expect(await codeOf(Model.load(bytes.map((x, i) => (i === 100 ? x ^ 1 : x))))).toBe("BAD_CRC");
  });
});

describe("input values", () => {
  const withMeta = (meta: ModelSpec["meta"]): Uint8Array => encodeModel({ ...windowSpec, meta });
  const width = windowSpec.frameSize;

  it("that are not int16 are physical: divided by inputScale behind inputOffset, halves up, clamped", async () => {
    const physical = await Model.load(
      withMeta({ inputScale: new Array(width).fill(0.5), inputOffset: new Array(width).fill(10) }),
    );
    const raw = await Model.load(bytes);
    const values = [10.25, 9.75, 1e9, -1e9, 10].slice(0, width);
    while (values.length < width) values.push(12);
    const counts = values.map((value) => Math.min(Math.max(Math.floor((value - 10) / 0.5 + 0.5), -32768), 32767));
    for (let i = 0; i < windowSpec.window; i++) {
      expect([...physical.step(Float64Array.from(values)).outputs]).toEqual([
        ...raw.step(Int16Array.from(counts)).outputs,
      ]);
    }
  });
  it("are refused where they are no numbers, or of another width", async () => {
    const model = await Model.load(bytes);
    expect(() => model.step(new Array(width).fill(Number.NaN))).toThrow(/value 0 of the frames is not a number/);
    expect(() => model.step(new Int16Array(width + 1))).toThrow(
      `frame has ${width + 1} values, the model takes ${width}`,
    );
    expect(() => model.run(new Int16Array(2 * width + 1))).toThrow(RangeError);
    expect(() => model.step(new Uint16Array(width))).toThrow(TypeError);
    expect(model.saveState()).toEqual((await Model.load(bytes)).saveState());
  });
  it("that are tokens must be in the vocabulary, wherever in the sequence they are", async () => {
    const model = await Model.load(encodeModel(kernelModel("EMBEDDING", 2)));
    const { vocabularySize } = model.description;
    const before = model.saveState();
    expect(() => model.run([0, vocabularySize])).toThrow(expect.objectContaining({ code: "BAD_TOKEN" }));
    expect(() => model.step([0.5])).toThrow(RangeError);
    expect(model.saveState()).toEqual(before);
    expect([...model.step([0]).outputs]).toEqual([
      ...(await Model.load(encodeModel(kernelModel("EMBEDDING", 2)))).step(Uint16Array.of(0)).outputs,
    ]);
  });
});

describe("answers", () => {
  it("are decided on the integers, named by META, and given as probabilities", async () => {
    const model = await Model.load(BASES.lstm);
    const { outputScale, outputTransform, outputSize } = model.description;
    const result = {
      rows: 2,
      outputs: Int32Array.from({ length: 2 * outputSize }, (_, i) => (i === outputSize ? 900 : -i)),
    };
    const decision = model.decide(result);
    expect(decision.index).toBe(0);
    expect(decision.name).toBe(model.description.meta.classes?.[0]);
    expect(model.values(result)[0]).toBe(900 * outputScale);
    if (outputTransform === "softmax") {
      expect(model.probabilities(result, 0).reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    }
    expect(() => model.decide({ rows: 0, outputs: new Int32Array(0) })).toThrow(/row -1 does not exist, there are 0/);
  });
});
