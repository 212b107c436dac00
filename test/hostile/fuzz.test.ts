import { FormatError, readModel, STATUS } from "@gatelet/converter/format";
import { describe, expect, it } from "vitest";
import { ReferenceModel } from "../reference/index.js";
import type { Engine, EngineStream } from "./engine.js";
import { fuzz } from "./fuzz.js";

const CASES = 100_000;

function statusOf(run: () => void): number {
  try {
    run();
    return STATUS.OK;
  } catch (error) {
    if (error instanceof FormatError) return STATUS[error.code];
    throw error;
  }
}

/** The reference dressed as an engine, with room for a planted fault. */
function referenceEngine(fault: {
  check?: Engine["check"];
  stream?: (honest: EngineStream) => Partial<EngineStream>;
  damage?: string;
}): Engine {
  return {
    name: "reference",
    check: fault.check ?? ((bytes) => statusOf(() => readModel(bytes))),
    open: (bytes) => ({
      createStream() {
        const stream = new ReferenceModel(bytes).createStream();
        const honest: EngineStream = {
          step: (frame) => stream.step(frame),
          saveState: () => stream.saveState(),
          restoreState: (blob) => statusOf(() => stream.restoreState(blob)),
          state: () => stream.state.slice(),
        };
        return { ...honest, ...fault.stream?.(honest) };
      },
      damage: () => fault.damage,
      close() {},
    }),
  };
}

describe("fuzzing", () => {
  it(`${CASES} mutants: the reader refuses with a status or the reference runs them, and every check is reached`, () => {
    const report = fuzz(undefined, CASES, 1);
    const names = Object.keys(STATUS);
    const reached = names.slice(1, names.indexOf("BAD_ALIGNMENT"));
    for (const name of ["OK", ...reached]) expect(report.statuses[name], name).toBeGreaterThan(20);
    expect(report.executed).toBeGreaterThan(CASES / 20);
    expect(report.blobs.accepted).toBeGreaterThan(CASES / 100);
    expect(report.blobs.refused).toBeGreaterThan(CASES / 100);
  });

  it("finds nothing in an honest engine", () => {
    expect(fuzz(referenceEngine({}), 2000, 3).cases).toBe(2000);
  });

  const reader = (bytes: Uint8Array) => statusOf(() => readModel(bytes));
  const blind = ["BAD_OVERLAP", "BAD_ARENA", "BAD_TENSOR", "BAD_RECORD", "BAD_SECTION", "BAD_HEADER"] as const;
  for (const name of blind) {
    it(`finds an engine that never says ${name}`, () => {
      const check = (bytes: Uint8Array) => {
        const status = reader(bytes);
        return status === STATUS[name] ? STATUS.OK : status;
      };
      expect(() => fuzz(referenceEngine({ check }), 5000, 1)).toThrow(
        new RegExp(`reference answers 0, .*\\(${name}\\)`),
      );
    });
  }

  it("finds one wrong bit of the state", () => {
    const stream = (honest: EngineStream) => ({
      state: () => {
        const bytes = honest.state();
        if (bytes.length > 64) bytes[bytes.length - 1]! ^= 1;
        return bytes;
      },
    });
    expect(() => fuzz(referenceEngine({ stream }), 500, 1)).toThrow("state differs");
  });

  it("finds one wrong output value", () => {
    const stream = (honest: EngineStream) => ({
      step: (frame: Int16Array) => {
        const { status, rows } = honest.step(frame);
        return { status, rows: rows.map((row) => Array.from(row, (value) => (value === 32767 ? 32766 : value))) };
      },
    });
    expect(() => fuzz(referenceEngine({ stream }), 2000, 1)).toThrow(/rows .* reference /);
  });

  it("finds an engine that takes any saved state, or writes one that it refuses", () => {
    const trusting = (honest: EngineStream) => ({
      restoreState: (blob: Uint8Array) => {
        honest.restoreState(blob);
        return STATUS.OK;
      },
    });
    expect(() => fuzz(referenceEngine({ stream: trusting }), 500, 1)).toThrow("engine answers 0, reference BAD_STATE");
    const hasty = (honest: EngineStream) => {
      let refusals = 0;
      return {
        restoreState: (blob: Uint8Array) => {
          const status = honest.restoreState(blob);
          refusals = status === STATUS.OK ? 0 : refusals + 1;
          return status;
        },
        state: () => honest.state().map((byte, i) => (i === 8 ? byte ^ refusals : byte)),
      };
    };
    expect(() => fuzz(referenceEngine({ stream: hasty }), 500, 1)).toThrow("a refused blob was written");
  });

  it("repeats a single case by its number", () => {
    expect(() => fuzz(referenceEngine({ damage: "guard word 3" }), 100, 1)).toThrow("guard word 3");
    const report = fuzz(undefined, 100, 1, 42);
    expect(Object.values(report.statuses).reduce((a, b) => a + b, 0)).toBe(1);
  });
});
