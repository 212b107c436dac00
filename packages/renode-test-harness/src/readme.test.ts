import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const local = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** What the stand-in for Renode plays to the two cases of the example. */
const SCENARIO = {
  keywords: [["led0 State", { return: "True\n\n" }]],
  run: [
    { uart: "blinky ready\n", stop: 0 },
    { uart: "led on\n", stop: 0 },
    { stop: 0, instructions: 563 },
    { stop: 0, instructions: 2571 },
  ],
};

describe("the example of the readme", () => {
  let folder: string;

  // Below the package, so that the example finds vitest as a user's test would.
  beforeAll(() => {
    mkdirSync(local("../.cache"), { recursive: true });
    folder = mkdtempSync(local("../.cache/readme-"));
    mkdirSync(join(folder, "build"));
    copyFileSync(local("../test/firmware/blinky.gen.elf"), join(folder, "build/blinky.elf"));
    const example = /```ts\n([\s\S]*?)```/.exec(readFileSync(local("../README.md"), "utf8"))?.[1] ?? "";
    expect(example.trim().split("\n").length).toBeLessThanOrEqual(22);
    writeFileSync(join(folder, "blinky.test.ts"), example);
    const alias = [
      `{ find: /^renode-test-harness$/, replacement: ${JSON.stringify(local("index.ts"))} }`,
      `{ find: /^renode-test-harness\\/vitest$/, replacement: ${JSON.stringify(local("vitest.ts"))} }`,
    ];
    const config = `export default { resolve: { alias: [${alias.join(", ")}] }, test: { include: ["*.test.ts"] } };\n`;
    writeFileSync(join(folder, "vitest.config.mjs"), config);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function run(scenario: object): { status: number | null; junit: string } {
    const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs");
    const args = [vitest, "run", "--root", folder, "--reporter=junit", "--outputFile=junit.xml"];
    const env = { ...process.env, RENODE: local("../test/fake-renode.mjs"), FAKE_RENODE: JSON.stringify(scenario) };
    const { status } = spawnSync(process.execPath, args, { cwd: folder, env, timeout: 30_000 });
    return { status, junit: readFileSync(join(folder, "junit.xml"), "utf8") };
  }

  it("passes", () => {
    const { status, junit } = run(SCENARIO);
    expect(junit).toMatch(/tests="2" failures="0" errors="0"/);
    expect(status).toBe(0);
  });

  it("fails with a report that xml can hold when the firmware prints rubbish", () => {
    const { status, junit } = run({ run: { uart: "boot\u0000\u001b[31m\n", stop: "limit" } });
    expect(status).toBe(1);
    expect(junit).toMatch(/tests="2" failures="2" errors="0"/);
    expect(junit).toContain("expected the board to print a line with &quot;blinky ready&quot;");
    expect(junit).toContain("boot\\x00\\x1b[31m");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
    expect(junit).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/);
  });
});
