import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { missing } from "../../../../test/support/requirements.js";
import { buildDemo } from "./build-demo.js";
import { demoElf } from "./demo.gen.js";

/** The committed firmware is from gcc 12.2.1; another release may choose other instructions. */
const sameCompiler = () =>
  execFileSync("arm-none-eabi-gcc", ["-dumpfullversion"], { encoding: "utf8" }).trim() === "12.2.1";

describe.skipIf(missing("arm-gcc"))("the generated demo firmware", () => {
  it("equals a fresh build", ({ skip }) => {
    if (!sameCompiler()) skip("another compiler release");
    expect(Buffer.from(buildDemo()).equals(Buffer.from(demoElf()))).toBe(true);
  });
});
