import { describe, expect, it } from "vitest";
import { runInCore } from "./compare.js";
import { digest, GOLDEN } from "./golden.js";
import { buildBatch } from "./harness.js";

describe("random instruction streams whose results QEMU gave earlier", () => {
  for (const { seed, snippets, runsEach, length, sha256 } of GOLDEN) {
    it(`leave the same state for seed ${seed}`, () => {
      expect(digest(runInCore(buildBatch(seed, snippets, runsEach, length)).records)).toBe(sha256);
    });
  }
});
