import {
  ACTIVATION,
  affineBytes,
  encodeModel,
  encodeState,
  initialState,
  type ModelSpec,
  packQuads,
  packRowParams,
  readModel,
} from "@gatelet/converter/format";
import { describe, expect, it } from "vitest";
import { ReferenceModel } from "../reference/index.js";
import { wasmEngines } from "./wasm-engine.js";

const UNITS = 9;
const STEPS = 100_000;
/** Cells of every size, also those that a rounding to nearest would hold for ever. */
const CELLS = [32767, 32000, 20000, 16384, 16383, 100, 1, -1, -32768];

/** An LSTM stream whose forget gate is wide open, whose input gate is shut, and whose output shows the cell. */
function openForgetGate(): ModelSpec {
  const weights = { weights: new Int8Array(4 * UNITS), columns: 1 };
  const recurrent = { weights: new Int8Array(4 * UNITS * UNITS), columns: UNITS };
  // gate-major: i shut, f open, candidate open, o open
  const bias = Int32Array.from({ length: 4 * UNITS }, (_, row) => (row < UNITS ? -(2 ** 30) : 2 ** 30));
  return {
    inputKind: "frames",
    outputTransform: "none",
    window: 0,
    frameSize: 1,
    vocabularySize: 0,
    outputScale: 1,
    records: [
      {
        kernel: "INPUT",
        fields: { inputSize: 1, outputSize: 1 },
        aux: affineBytes([{ bias: 0n, multiplier: 1, shift: 0 }]),
      },
      {
        kernel: "LSTM",
        fields: {
          input0: 0,
          inputSize: 1,
          outputSize: UNITS,
          bits: 8,
          activation: ACTIVATION.TANH,
          gateActivation: ACTIVATION.SIGMOID,
          multiplier: 2 ** 18,
        },
        weights: packQuads({ order: "lstm", bits: 8, hiddenSize: UNITS, input: weights, recurrent }),
        rowParams: packRowParams("lstm", UNITS, bias, new Int32Array(4 * UNITS).fill(2 ** 30)),
      },
    ],
  };
}

describe(`an LSTM with its forget gate open, over ${STEPS} steps`, () => {
  const bytes = encodeModel(openForgetGate());
  const model = readModel(bytes);
  const lstm = model.records[1]!;
  const cellAt = lstm.fields.state + lstm.needs.state / 2;
  const region = initialState(model);
  const cellsOf = (bytes: Uint8Array): number[] => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return CELLS.map((_, unit) => view.getInt16(cellAt + 2 * unit, true));
  };
  CELLS.forEach((cell, unit) => {
    new DataView(region.buffer).setInt16(cellAt + 2 * unit, cell, true);
  });
  const blob = encodeState(model, region);
  /** (19) with f = 32767 and i = 0. */
  const expected = CELLS.map((cell) => {
    for (let step = 0; step < STEPS; step++) cell = (32767 * cell + 2 ** 14) >> 15;
    return cell;
  });

  const keepsAsWellAs = (cells: readonly number[]) => {
    expect(cells).toEqual(expected);
    cells.forEach((cell, unit) => {
      const ideal = CELLS[unit]! * (32767 / 32768) ** STEPS;
      expect(Math.abs(cell)).toBeGreaterThanOrEqual(Math.abs(Math.trunc(ideal)));
      expect(Math.sign(cell)).toBe(Math.sign(CELLS[unit]!));
    });
  };

  it("keeps its cell as well as 32767/32768 a step allows in the reference", () => {
    const stream = new ReferenceModel(bytes).createStream();
    stream.restoreState(blob);
    const frame = new Int16Array(1);
    for (let step = 0; step < STEPS; step++) stream.step(frame);
    keepsAsWellAs(cellsOf(stream.state));
  });
  for (const engine of wasmEngines()) {
    it(`keeps its cell as well as 32767/32768 a step allows in ${engine.name}`, () => {
      const opened = engine.open(bytes, 1000);
      const stream = opened.createStream();
      expect(stream.restoreState(blob)).toBe(0);
      for (let step = 0; step < STEPS; step += 1000) expect(stream.run(new Int16Array(1000), 1000).status).toBe(0);
      keepsAsWellAs(cellsOf(stream.state()));
      expect(opened.damage()).toBeUndefined();
      opened.close();
    });
  }
});
