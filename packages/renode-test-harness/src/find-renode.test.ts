import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findRenode, matchesVersion, readRenodeVersion } from "./find-renode.js";

const scratch = mkdtempSync(join(tmpdir(), "find-renode-"));
const executable = join(scratch, "tools", "renode");
beforeAll(() => {
  mkdirSync(join(scratch, "tools"));
  mkdirSync(join(scratch, "other", "renode"), { recursive: true });
  script(executable, "echo 'Renode, version 1.15.3 (abc)'");
});
afterAll(() => rmSync(scratch, { recursive: true }));

function script(file: string, body: string): void {
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
}

describe("finding renode", () => {
  it("takes RENODE as a file or a folder, before PATH", () => {
    expect(findRenode({ RENODE: executable, PATH: "" })).toBe(executable);
    expect(findRenode({ RENODE: join(scratch, "tools"), PATH: "" })).toBe(executable);
  });

  it("looks through PATH and passes over folders of that name", () => {
    expect(findRenode({ PATH: ["", join(scratch, "other"), join(scratch, "tools")].join(delimiter) })).toBe(executable);
    expect(findRenode({ PATH: scratch })).toBeUndefined();
    expect(findRenode({})).toBeUndefined();
  });

  it("does not pass over a RENODE that is wrong", () => {
    expect(() => findRenode({ RENODE: join(scratch, "missing"), PATH: join(scratch, "tools") })).toThrow(
      /RENODE is .*missing/,
    );
  });

  it("reads the version in either of its forms", async () => {
    expect(await readRenodeVersion(executable)).toEqual({ number: "1.15.3", text: "Renode, version 1.15.3 (abc)" });
    expect(matchesVersion("1.16.1.17888", "1.16")).toBe(true);
    expect(matchesVersion("1.160.1", "1.16")).toBe(false);
  });

  it("limits the time of a version that does not come", async () => {
    const slow = join(scratch, "slow");
    script(slow, "sleep 60");
    await expect(readRenodeVersion(slow, process.env, 200)).rejects.toMatchObject({ code: "wall-timeout" });
    await expect(readRenodeVersion(join(scratch, "missing"))).rejects.toMatchObject({ code: "start-failed" });
  });
});
