import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// The suite runs on the TypeScript sources, so that a stale dist/ can never make a test pass.
export default defineConfig({
  resolve: {
    alias: [
      { find: "@gatelet/converter/format", replacement: source("packages/converter/src/format/index.ts") },
      { find: "@gatelet/converter", replacement: source("packages/converter/src/index.ts") },
      { find: "@gatelet/kernels", replacement: source("packages/kernels-as/src/index.ts") },
      { find: "@gatelet/sim", replacement: source("packages/sim/src/index.ts") },
      { find: "@gatelet/train", replacement: source("packages/train/src/index.ts") },
      { find: /^gatelet$/, replacement: source("packages/cli/src/index.ts") },
      {
        find: "renode-test-harness/vitest",
        replacement: source("packages/renode-test-harness/src/vitest.ts"),
      },
      { find: "renode-test-harness", replacement: source("packages/renode-test-harness/src/index.ts") },
    ],
  },
  test: {
    include: ["packages/*/src/**/*.test.ts", "test/**/*.test.ts", "firmware/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**", "**/*.slow.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
