import { encodeModel, readModel } from "@gatelet/converter/format";
import { describe, expect, it } from "vitest";
import { Random } from "../../test/support/random.js";
import { SpecBuilder } from "../../test/support/spec-builder.js";

const COUNTER_BYTES = 16;

describe("working RAM of an LSTM layer", () => {
  it("is 6 bytes a unit and at most 64 more, beside weights and the row that it reads", () => {
    for (let units = 1; units <= 160; units++) {
      const builder = new SpecBuilder(new Random(units), 0);
      builder.recurrent("LSTM", builder.input(6), units, 8);
      const { records } = readModel(encodeModel(builder.build()));
      const { stateBytes, scratchBytes, output, state } = records[1]!.fields;
      expect(output).toBe(state);
      expect(stateBytes + scratchBytes + COUNTER_BYTES, `${units} units`).toBeLessThanOrEqual(6 * units + 64);
    }
  });
});
