import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { missing } from "../../../test/support/requirements.js";

const folder = fileURLToPath(new URL("../test/firmware/", import.meta.url));

describe.skipIf(missing("arm-gcc"))("test firmware", () => {
  it("builds to the committed bytes with the compiler named in build.sh", () => {
    const script = readFileSync(join(folder, "build.sh"), "utf8");
    const pinned = /^# compiler: (.+)$/m.exec(script)?.[1];
    const found = execFileSync("arm-none-eabi-gcc", ["-dumpfullversion"], { encoding: "utf8" }).trim();
    const scratch = mkdtempSync(join(tmpdir(), "test-firmware-"));
    try {
      execFileSync("sh", [join(folder, "build.sh"), join(scratch, "fresh.elf")], { stdio: "pipe" });
      const isEqual = readFileSync(join(scratch, "fresh.elf")).equals(readFileSync(join(folder, "blinky.gen.elf")));
      if (found === pinned) expect(isEqual).toBe(true);
      else console.warn(`skipped: compiler is ${found}, the committed firmware is of ${pinned}; it did build`);
    } finally {
      rmSync(scratch, { recursive: true });
    }
  });
});
