import { FormatError, type RecordField, readModel, STATUS } from "@gatelet/converter/format";
import { describe, expect, it } from "vitest";
import { BASES, hostileCases } from "./cases.js";
import { Patch } from "./patch.js";

function statusOf(bytes: Uint8Array): string {
  try {
    readModel(bytes);
    return "OK";
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return error.code;
  }
}

describe("named hostile files", () => {
  for (const { name, status, bytes } of hostileCases()) {
    it(`${name}: ${status}`, () => {
      const before = bytes.slice();
      expect(statusOf(bytes)).toBe(status);
      expect(bytes).toEqual(before);
    });
  }

  it("names are unique, and every status of the reader occurs", () => {
    const cases = hostileCases();
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
    const readerStatuses = Object.keys(STATUS).slice(0, Object.keys(STATUS).indexOf("BAD_ALIGNMENT"));
    expect(new Set(cases.map(({ status }) => status))).toEqual(new Set(readerStatuses));
  });

  it("every field that a kernel does not use is checked to be zero", () => {
    // A record of each base is tried with each field set to 1; what is accepted must be a field in use.
    const accepted = new Map<string, RecordField[]>();
    const free: RecordField[] = [
      "reserved91",
      "gateParam",
      "vocabulary",
      "dilation",
      "bits",
      "table",
      "gateTable",
      "scratchBytes",
    ];
    for (const [base, bytes] of Object.entries(BASES)) {
      const count = new Patch(bytes).getHeader("recordCount");
      for (let i = 0; i < count; i++) {
        for (const field of free) {
          const patch = new Patch(bytes);
          if (patch.getRecord(i, field) !== 0) continue;
          if (statusOf(patch.record(i, field, 1).seal()) !== "OK") continue;
          accepted.set(base, [...(accepted.get(base) ?? []), field]);
        }
      }
    }
    expect(accepted.size).toBe(0);
  });

  it("a refusal names field, value and limit", () => {
    const bytes = new Patch(BASES.lstm).record(1, "alignShift", 16).seal();
    expect(() => readModel(bytes)).toThrow(
      "layer record field out of range: record 1: alignShift is 16, must be 0..15",
    );
  });
});
