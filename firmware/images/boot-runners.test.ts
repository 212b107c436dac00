import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { missing } from "../../test/support/requirements.js";
import { firmwareFolder, run } from "../test/support/build.js";

const NAMES = ["runner-nrf52840-0x10000.gen.elf", "runner-nrf52840-0x27000.gen.elf"];

describe.skipIf(missing("arm-gcc"))("the committed runners behind boot loaders", () => {
  it("equal a fresh build: `make runner` builds them too", () => {
    const folder = mkdtempSync(join(tmpdir(), "gatelet-boot-runners-"));
    try {
      run("make", ["boot-runners", `OUT=${folder}`]);
      for (const name of NAMES) {
        const committed = readFileSync(join(firmwareFolder, "generated", name));
        expect(readFileSync(join(folder, name)).equals(committed), name).toBe(true);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
