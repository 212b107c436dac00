import { defineConfig, mergeConfig } from "vitest/config";
import base from "./vitest.config";

// Suites that take minutes: all windows of all models, long fuzzing runs.
const merged = mergeConfig(base, defineConfig({ test: { testTimeout: 900_000 } }));
if (merged.test) {
  merged.test.include = ["packages/*/src/**/*.slow.test.ts", "test/**/*.slow.test.ts", "firmware/**/*.slow.test.ts"];
  merged.test.exclude = ["**/node_modules/**", "**/dist/**"];
}
export default merged;
