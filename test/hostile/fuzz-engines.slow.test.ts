import { afterAll, describe, expect, it } from "vitest";
import { wasmEngines } from "../engines/wasm-engine.js";
import { fuzz } from "./fuzz.js";

const CASES = 100_000;
const freshSeed = Math.floor(Math.random() * 2 ** 31);

describe("fuzzing the WebAssembly engines", () => {
  const engines = wasmEngines();
  afterAll(() => console.log(`fuzzing: fresh seed ${freshSeed}`));

  for (const engine of engines) {
    it(`${engine.name}: ${CASES} mutants with mended checksums, status for status and row for row as reader and reference`, () => {
      const report = fuzz(engine, CASES / 2, 11);
      const fresh = fuzz(engine, CASES / 2, freshSeed);
      expect(report.cases + fresh.cases).toBe(CASES);
      for (const { executed, blobs } of [report, fresh]) {
        expect(executed).toBeGreaterThan(CASES / 40);
        expect(blobs.accepted).toBeGreaterThan(CASES / 200);
      }
    });
  }
});
