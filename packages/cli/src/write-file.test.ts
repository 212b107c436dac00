import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkWritable, writeFileWhole } from "./write-file.js";

describe("writeFileWhole", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "gatelet-write-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("writes and replaces files, leaving nothing else behind", async () => {
    const path = join(folder, "a.gate");
    await writeFileWhole(path, "one");
    await writeFileWhole(path, new Uint8Array([50]));
    await checkWritable(path);
    expect(await readFile(path, "utf8")).toBe("2");
    expect(await readdir(folder)).toEqual(["a.gate"]);
  });

  it("says why a path cannot be written, and leaves what stands there", async () => {
    await expect(writeFileWhole(join(folder, "no", "a"), "x")).rejects.toThrow(
      /cannot write .*: there is no folder .*no$/,
    );
    await mkdir(join(folder, "taken", "inner"), { recursive: true });
    await expect(writeFileWhole(join(folder, "taken"), "x")).rejects.toThrow("it is a folder");
    await writeFile(join(folder, "file"), "kept");
    await expect(checkWritable(join(folder, "file", "a"))).rejects.toThrow("is not a folder");
    expect((await readdir(folder)).filter((name) => name.endsWith(".part"))).toEqual([]);
    expect(await readFile(join(folder, "file"), "utf8")).toBe("kept");
  });
});
