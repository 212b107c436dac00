import { readFile, writeFile } from "node:fs/promises";
import { BOOT_TARGETS, BuiltinBoard, readIntelHex, readUf2 } from "@gatelet/sim";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { convertExample, runCli, temporaryFolder } from "./cli-harness.js";

const folder = temporaryFolder();
let gate: string;

beforeAll(async () => {
  gate = await convertExample(folder.path("pump.gate"));
});
afterAll(() => folder.remove());

const flash = (output: string, ...more: string[]) =>
  runCli(["flash", gate, "-o", folder.path(output), "--windows", "1", ...more]);

function boot(image: { address: number; bytes: Uint8Array }[], vectors: number): string {
  const board = new BuiltinBoard({ waitStates: 3 });
  board.loadFlash(image, vectors);
  board.runNow({ until: { uartLine: "end" }, maxInstructions: 1e9 });
  return board.uartText;
}

describe("gatelet flash", () => {
  it("writes images of three formats that say the same when they boot", async () => {
    const [none, arduino, uf2] = BOOT_TARGETS;
    for (const name of ["a.hex", "a.bin", "a.uf2"]) expect((await flash(name)).stderr).toBe("");
    const texts = [
      boot(readIntelHex(await readFile(folder.path("a.hex"), "utf8")), none.vectors),
      boot([{ address: 0x10000, bytes: await readFile(folder.path("a.bin")) }], arduino.vectors),
      boot(readUf2(await readFile(folder.path("a.uf2"))), uf2.vectors),
    ];
    expect(texts[0]).toMatch(/^gatelet runner 1\nstatus OK\n/);
    const answers = texts.map((text) => text.split("\n").filter((line) => /^(model|frames|outputs|state) /.test(line)));
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
  });

  it("puts a board's counts beside its own, and fails where the answers differ", async () => {
    await flash("b.hex");
    const text = boot(readIntelHex(await readFile(folder.path("b.hex"), "utf8")), 0);
    const slower = text.replace(/^cycles (\d+)$/m, (_, cycles: string) => `cycles ${Number(cycles) * 2}`);
    await writeFile(folder.path("uart.txt"), `boot...\r\n${slower.replaceAll("\n", "\r\n")}`);
    const page = await flash("b.hex", "--log", folder.path("uart.txt"));
    expect([page.code, page.stderr]).toEqual([0, ""]);
    expect(page.stdout).toMatch(/total .* \+100\.00 % /);
    expect(page.stdout).toContain("the board's answers are equal");
    expect(Math.max(...page.stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    await writeFile(folder.path("uart.txt"), text.replace(/^outputs ......../m, "outputs 00000000"));
    const other = await flash("b.hex", "--log", folder.path("uart.txt"));
    expect(other.code).toBe(1);
    expect(other.stderr).toContain("differ from the emulated board's");
  });

  it.each([
    [["c.elf"], "c.elf ends in none of .hex, .uf2, .bin", 2],
    [["c.hex", "--uart-pin", "P0.25"], "prints on P0.06: its pin cannot be chosen", 1],
    [["c.bin", "--uart-pin", "P1.16"], '--uart-pin is "P1.16", expected P0.00', 2],
    [["c.bin", "--windows", "90"], "90 windows do not fit the image, at most 85 do", 2],
    [["c.bin", "--log", "nowhere.txt"], "cannot read nowhere.txt: no such file", 1],
    [["c.bin", "--log", "README.md"], "the log has no report", 1],
  ])("refuses %j", async ([output, ...more], message, code) => {
    const result = await flash(output!, ...more);
    expect(result.stderr).toContain(message);
    expect(result.code).toBe(code);
  });
});
