import { crc32, KERNEL_NAMES, STATUS } from "@gatelet/converter/format";
import { describe, expect, it } from "vitest";
import { loadVectors, makeVectorFiles } from "../support/vectors.js";
import { ReferenceModel } from "./index.js";

describe("committed vectors", () => {
  it("are answered by the reference", () => {
    const vectors = loadVectors();
    expect(new Set(vectors.map(({ kernel }) => kernel)).size).toBe(KERNEL_NAMES.length);
    for (const { kernel, seed, model, frames, outputs, stateCrc } of vectors) {
      const stream = new ReferenceModel(Buffer.from(model, "base64")).createStream();
      frames.forEach((frame, step) => {
        const { status, rows } = stream.step(Int16Array.from(frame));
        expect(status).toBe(STATUS.OK);
        expect(
          rows.map((row) => [...row]),
          `${kernel} ${seed} step ${step}`,
        ).toEqual(outputs[step]);
      });
      expect(crc32(stream.state), `${kernel} ${seed}`).toBe(stateCrc);
    }
  });

  it("are what the generator makes, and stay small", () => {
    const files = makeVectorFiles();
    const bytes = [...files.values()].reduce((sum, text) => sum + text.length, 0);
    expect(bytes).toBeLessThan(400_000);
    for (const [name, text] of files) {
      const committed = loadVectors().filter(
        ({ kernel }) => name === `${kernel.toLowerCase().replaceAll("_", "-")}.json`,
      );
      expect(JSON.parse(text), name).toEqual(committed);
    }
  });
});
