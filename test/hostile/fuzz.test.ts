import { STATUS } from "@gatelet/converter/format";
import { describe, expect, it } from "vitest";
import { fuzz } from "./fuzz.js";

const CASES = 100_000;

describe("fuzzing", () => {
  it(`${CASES} mutants: the reader refuses with a status or the reference runs them, and every check is reached`, () => {
    const report = fuzz(undefined, CASES, 1);
    console.log(JSON.stringify(report));
    const names = Object.keys(STATUS);
    const reached = names.slice(1, names.indexOf("BAD_ALIGNMENT"));
    for (const name of ["OK", ...reached]) expect(report.statuses[name], name).toBeGreaterThan(20);
    expect(report.executed).toBeGreaterThan(CASES / 20);
    expect(report.blobs.accepted).toBeGreaterThan(CASES / 100);
    expect(report.blobs.refused).toBeGreaterThan(CASES / 100);
  });
});
