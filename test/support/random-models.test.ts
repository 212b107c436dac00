import { encodeModel, KERNEL_NAMES, type KernelName, readModel, STATUS } from "@gatelet/converter/format";
import { describe, expect, it } from "vitest";
import { ReferenceModel } from "../reference/index.js";
import { kernelModel, randomFrames, randomModel } from "./random-models.js";

const MODELS = 300;

describe("random models", () => {
  it(`${MODELS} of them are accepted, run, and use every kernel`, () => {
    const used = new Map<KernelName, number>();
    let rows = 0;
    const distinct = new Set<number>();
    for (let seed = 1; seed <= MODELS; seed++) {
      const bytes = encodeModel(randomModel(seed));
      const reference = new ReferenceModel(bytes);
      const { header, records } = reference.gate;
      for (const { kernel } of records) used.set(kernel, (used.get(kernel) ?? 0) + 1);
      const stream = reference.createStream();
      for (const frame of randomFrames(seed, header, Math.max(10, header.window))) {
        const result = stream.step(frame);
        expect(result.status).toBe(STATUS.OK);
        rows += result.rows.length;
        for (const row of result.rows) for (const value of row) distinct.add(value);
      }
    }
    expect([...used.keys()].sort()).toEqual([...KERNEL_NAMES].sort());
    expect(rows).toBeGreaterThan(MODELS);
    // Most models must be alive: saturated ones would give the same few values everywhere.
    expect(distinct.size).toBeGreaterThan(5000);
  });

  it("the same seed gives the same bytes", () => {
    expect(encodeModel(randomModel(77))).toEqual(encodeModel(randomModel(77)));
  });

  it("a kernel's models contain it and yield rows", () => {
    for (const kernel of KERNEL_NAMES) {
      let [present, rows] = [0, 0];
      for (let seed = 0; seed < 40; seed++) {
        const reference = new ReferenceModel(encodeModel(kernelModel(kernel, seed)));
        if (reference.gate.records.some((record) => record.kernel === kernel)) present++;
        const stream = reference.createStream();
        const { header } = reference.gate;
        for (const frame of randomFrames(seed, header, header.window || 12)) rows += stream.step(frame).rows.length;
      }
      expect(present, kernel).toBeGreaterThan(kernel === "FIFO" ? 20 : 39);
      expect(rows, kernel).toBeGreaterThan(20);
    }
  });

  it("a saved stream carries on as if nothing had happened", () => {
    for (let seed = 1; seed <= 100; seed++) {
      const reference = new ReferenceModel(encodeModel(randomModel(seed, { maxSize: 9 })));
      const { header } = reference.gate;
      const frames = randomFrames(seed, header, 20);
      const whole = reference.createStream();
      const expected = frames.map((frame) => whole.step(frame).rows);
      let stream = reference.createStream();
      const rows = frames.map((frame) => {
        const next = reference.createStream();
        next.restoreState(stream.saveState());
        stream = next;
        return stream.step(frame).rows;
      });
      expect(rows).toEqual(expected);
      expect(stream.state).toEqual(whole.state);
      expect(readModel(reference.gate.bytes).header).toEqual(header);
    }
  });
});
