import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, describe, expect, it } from "vitest";
import { codeBlocks, README, ROOT, runCli, runNode, SOURCE_ALIASES } from "./cli-harness.js";

const blocks = (language: string) => codeBlocks(README, language);

describe("README", () => {
  const folder = join(ROOT, "build/readme");
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("has commands that run as they stand", async () => {
    await mkdir(join(ROOT, "build"), { recursive: true });
    const lines = blocks("sh").flatMap((block) => block.trim().split("\n"));
    expect(lines.length).toBeGreaterThanOrEqual(4);
    for (const line of lines) {
      const [command, input] = line.replace(/^npx gatelet /, "").split(" < ");
      const stdin = input === undefined ? "" : await readFile(join(ROOT, input));
      const { code, stdout, stderr } = await runCli(command!.split(" "), stdin);
      expect([line, code, stderr]).toEqual([line, 0, ""]);
      expect(stdout.length).toBeGreaterThan(100);
    }
  });

  it.each(blocks("js").map((block, i) => [i, block] as const))("example %i runs", async (i, block) => {
    await mkdir(folder, { recursive: true });
    const source = join(folder, `example-${i}.js`);
    const bundled = join(folder, `example-${i}.mjs`);
    await writeFile(source, block);
    await build({
      entryPoints: [source],
      outfile: bundled,
      bundle: true,
      platform: "node",
      format: "esm",
      packages: "external",
      alias: SOURCE_ALIASES,
      logLevel: "error",
    });
    const { code, stdout, stderr } = await runNode(bundled);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(
      [/^\d+ bytes of flash, \d+ bytes of RAM\n\w+, probability [01]\.\d\d\n$/, /index: [\s\S]*\n100\n$/][i]!,
    );
  });
});

describe("gatelet/model", () => {
  it("needs no Node built-in: a browser can load it", async () => {
    const result = await build({
      entryPoints: [join(ROOT, "packages/cli/src/model.ts")],
      bundle: true,
      write: false,
      platform: "browser",
      format: "esm",
      alias: SOURCE_ALIASES,
      logLevel: "silent",
    });
    const code = result.outputFiles[0]!.text;
    expect(code).not.toMatch(/from "node:|require\(|import\("node:/);
  });
});
