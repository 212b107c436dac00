import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CliResult, convertExample, EXAMPLE, runCli, startCli, temporaryFolder } from "./cli-harness.js";

const folder = temporaryFolder();
const model = join(EXAMPLE, "model.json");
const calibration = join(EXAMPLE, "calibration.csv");
const recording = join(EXAMPLE, "recording.csv");
let gate: string;

beforeAll(async () => {
  gate = await convertExample(folder.path("pump.gate"));
});
afterAll(() => folder.remove());

/** One line of lower-case text on standard error, nothing on standard output. */
function expectRefusal({ code, stdout, stderr }: CliResult, expected: RegExp, exitCode = 1): void {
  expect(stderr).toMatch(expected);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(stderr).toMatch(/^error: [^A-Z]/);
  expect(stderr).not.toMatch(/ at .*\.ts:/);
  expect(stdout).toBe("");
  expect(code).toBe(exitCode);
}

/** A copy of the example's folder with some files replaced (null: removed). */
async function spoiledModel(name: string, files: Record<string, string | Uint8Array | null>): Promise<string> {
  const path = folder.path(name);
  await mkdir(path);
  for (const file of ["model.json", "weights.bin", "meta.json"]) {
    const content = files[file];
    if (content === null) continue;
    if (content === undefined) await cp(join(EXAMPLE, file), join(path, file));
    else await writeFile(join(path, file), content);
  }
  return path;
}

const convert = (from: string, data: string, ...more: string[]) =>
  runCli(["convert", from, "--calibrate", data, "-o", folder.path("never.gate"), ...more]);

describe("convert refuses", () => {
  it("missing and truncated shards, by name", async () => {
    const missing = await spoiledModel("missing", { "weights.bin": null });
    expectRefusal(await convert(missing, calibration), /weights\.bin/);
    const weights = await readFile(join(EXAMPLE, "weights.bin"));
    const truncated = await spoiledModel("truncated", { "weights.bin": weights.subarray(0, 5000) });
    expectRefusal(await convert(truncated, calibration), /(weights\.bin.*5000|5000.*10004|10004.*5000)/);
  });

  it("weights that are not numbers, and layers it does not know", async () => {
    const weights = new Uint8Array(await readFile(join(EXAMPLE, "weights.bin")));
    weights.set([0, 0, 192, 127], 400);
    expectRefusal(
      await convert(await spoiledModel("nan", { "weights.bin": weights }), calibration),
      /layer gru .* NaN at index 100 of gru\/kernel/,
    );
    const text = (await readFile(model, "utf8")).replace('"class_name": "GRU"', '"class_name": "Zigzag"');
    expectRefusal(await convert(await spoiledModel("unknown", { "model.json": text }), calibration), /gru.*Zigzag/);
  });

  it("calibration rows with NaN, short rows, wrong widths and files that are not there", async () => {
    const rows = (await readFile(calibration, "utf8")).split("\n");
    const spoil = async (name: string, line: number, text: string) => {
      const lines = [...rows];
      lines[line - 1] = text;
      await writeFile(folder.path(name), lines.join("\n"));
      return convert(model, folder.path(name));
    };
    expectRefusal(
      await spoil("nan.csv", 7, "1,nan,2,off,a"),
      /nan\.csv:7: column acc_y: value is nan, expected a finite number/,
    );
    expectRefusal(await spoil("short.csv", 9, "1,2"), /short\.csv:9: row has 2 values, expected 5/);
    await writeFile(folder.path("narrow.csv"), "p,q\n1,2\n3,4\n");
    expectRefusal(await convert(model, folder.path("narrow.csv")), /frames have 2 values \(p, q\), the model takes 3/);
    expectRefusal(await convert(model, folder.path("absent.csv")), /no recordings at .*absent\.csv/);
    await writeFile(folder.path("few.csv"), "1,2\n");
    expectRefusal(await convert(model, folder.path("few.csv"), "--channels", "x0,q"), /no column q among x0, x1/);
  });

  it("features whose spread is given as zero, and warns of those that never change", async () => {
    const meta = (await readFile(join(EXAMPLE, "meta.json"), "utf8")).replace(
      /"std": \[[^\]]*\]/,
      '"std": [0.1, 0, 0.1]',
    );
    const flat = await spoiledModel("flat", { "meta.json": meta });
    expectRefusal(await convert(flat, calibration), /std of acc_y is 0, expected > 0/);
    const rows = (await readFile(calibration, "utf8")).split("\n").map((row) => row.replace(/^(-?\d+),-?\d+/, "$1,5"));
    await writeFile(folder.path("constant.csv"), rows.join("\n"));
    const result = await runCli([
      "convert",
      model,
      "-c",
      folder.path("constant.csv"),
      "-o",
      folder.path("constant.gate"),
    ]);
    expect(result.code).toBe(0);
    expect(result.stderr).toMatch(/^warning: acc_y never changes in constant\.csv/);
  });

  it("budgets that are too small, with the excess and what would help, exit code 3", async () => {
    expectRefusal(await convert(model, calibration, "--flash", "4K"), /needs \d+ bytes, budget is 4096: .*4-bit/, 3);
    expectRefusal(await convert(model, calibration, "--ram", "100"), /arena needs \d+ bytes, budget is 100: .*gru/, 3);
  });

  it("outputs that cannot be written, before any work, and leaves nothing behind", async () => {
    const nowhere = await runCli(["convert", model, "-c", calibration, "-o", folder.path("no/such/a.gate")]);
    expectRefusal(nowhere, /cannot write .*a\.gate: there is no folder/);
    await mkdir(folder.path("taken"));
    await writeFile(folder.path("taken/inside"), "");
    const taken = await runCli(["convert", model, "-c", calibration, "-o", folder.path("taken")]);
    expectRefusal(taken, /cannot write .*taken: it is a folder/);
    expect((await readdir(folder.path("."))).filter((name) => name.includes("part") || name === "never.gate")).toEqual(
      [],
    );
  });

  it("wrong usage with exit code 2", async () => {
    expectRefusal(await runCli(["convert", model]), /required option.*--output/, 2);
    expectRefusal(await convert(model, calibration, "--bits", "5"), /--bits.*5.*8, 4/, 2);
    expectRefusal(
      await convert(model, calibration, "--board", "uno"),
      /board uno is not known, boards are: nrf52840/,
      2,
    );
    expectRefusal(await convert(model, calibration, "--ram", "lots"), /--ram is "lots"/, 2);
    expectRefusal(await convert(model, calibration, "--mixed"), /--mixed .* give --flash or --board/, 2);
    expectRefusal(await convert(model, calibration, "--window", "8", "--stream"), /--window.*--stream/, 2);
    expectRefusal(await runCli(["convrt"]), /unknown command 'convrt'.*did you mean convert/, 2);
  });
});

describe("inspect, eval and run refuse", () => {
  it(".gate files that are absent, unreadable, damaged or of another version", async () => {
    expectRefusal(await runCli(["inspect", folder.path("absent.gate")]), /cannot read .*absent\.gate: no such file/);
    expectRefusal(await runCli(["inspect", folder.path(".")]), /cannot read .*: it is a folder/);
    await writeFile(
      folder.path("text.gate"),
      "this is no model at all, but it is long enough to hold a header of eighty bytes, is it not",
    );
    expectRefusal(await runCli(["inspect", folder.path("text.gate")]), /magic/);
    const bytes = await readFile(gate);
    const spoiled = async (name: string, at: number, value: number) => {
      const copy = Uint8Array.from(bytes);
      copy[at] = value;
      await writeFile(folder.path(name), copy);
      return folder.path(name);
    };
    expectRefusal(await runCli(["inspect", await spoiled("version.gate", 4, 9)]), /version.*9/);
    expectRefusal(await runCli(["run", await spoiled("bits.gate", 2000, bytes[2000]! ^ 1)], "1,2,3\n"), /crc/i);
    await writeFile(folder.path("cut.gate"), bytes.subarray(0, 3000));
    expectRefusal(await runCli(["eval", folder.path("cut.gate"), "-d", recording]), /size|bytes/);
  });

  it("frames of the wrong width, values that are no numbers, and half frames", async () => {
    expectRefusal(await runCli(["run", gate], "1,2,3\n1,2\n"), /line 2: frame has 2 values, expected 3/);
    expectRefusal(await runCli(["run", gate], "1,2,3\n1,2,nan\n"), /line 2: value is nan/);
    expectRefusal(
      await runCli(["run", gate, "--format", "int16"], new Uint8Array(20)),
      /ends inside a frame: 2 of 6 bytes/,
    );
    await writeFile(folder.path("wide.csv"), "1,2,3,4\n".repeat(80));
    expectRefusal(
      await runCli(["eval", gate, "-d", folder.path("wide.csv")]),
      /frames have 4 values .* the model takes 3/,
    );
  });

  it("recordings too short for a window, labels the model does not know, float models of another shape", async () => {
    await writeFile(folder.path("labels.csv"), `acc_x,acc_y,acc_z,label\n${"1,2,3,asleep\n".repeat(70)}`);
    expectRefusal(await runCli(["eval", gate, "-d", folder.path("labels.csv")]), /label "asleep" is none of off, idle/);
    await writeFile(folder.path("ids.csv"), `acc_x,acc_y,acc_z,label\n${"1,2,3,11\n".repeat(70)}`);
    expectRefusal(
      await runCli(["eval", gate, "-d", folder.path("ids.csv")]),
      /the data have class 11, the model tells 5 classes apart/,
    );
  });
});

describe("a reader that closes the pipe", () => {
  it.each([[["shrink", "--help"]], [["inspect", "GATE", "--json"]]])("is no failure of %s", async (args) => {
    const child = startCli(args.map((word) => (word === "GATE" ? gate : word)));
    child.stdout.destroy();
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const code = await new Promise((resolve) => child.once("exit", resolve));
    expect([code, stderr]).toEqual([0, ""]);
  });
});
