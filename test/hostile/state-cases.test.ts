import { FormatError } from "@gatelet/converter/format";
import { describe, expect, it } from "vitest";
import { ReferenceModel } from "../reference/index.js";
import { randomFrames } from "../support/random-models.js";
import { hostileStates } from "./state-cases.js";

describe("named forged states", () => {
  for (const { name, model, blob, accepted } of hostileStates()) {
    it(`${name}: ${accepted ? "accepted" : "BAD_STATE"}`, () => {
      const reference = new ReferenceModel(model);
      const stream = reference.createStream();
      const frames = randomFrames(5, reference.gate.header, 12);
      stream.step(frames[0]!);
      const before = stream.state.slice();
      if (accepted) {
        stream.restoreState(blob);
        expect(stream.saveState()).toEqual(blob);
        for (const frame of frames) stream.step(frame);
        return;
      }
      let caught: unknown;
      try {
        stream.restoreState(blob);
      } catch (error) {
        caught = error;
      }
      expect(caught).toBeInstanceOf(FormatError);
      expect((caught as FormatError).code).toBe("BAD_STATE");
      expect(stream.state).toEqual(before);
    });
  }
});
