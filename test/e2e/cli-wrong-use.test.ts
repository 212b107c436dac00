// What strangers do: options that belong elsewhere, files that are something else, outputs that would hurt.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { convertExample, EXAMPLE, runCli, temporaryFolder } from "./cli-harness.js";

const folder = temporaryFolder();
const model = join(EXAMPLE, "model.json");
const recording = join(EXAMPLE, "recording.csv");
const out = folder.path("out");
const gate = folder.path("pump.gate");

/** The recording with its columns in another order, one of text in front. */
const shuffled = folder.path("shuffled.csv");

beforeAll(async () => {
  await convertExample(gate);
  await writeFile(folder.path("empty.gate"), "");
  await writeFile(folder.path("cut.gate"), (await readFile(gate)).subarray(0, 3008));
  const rows = (await readFile(recording, "utf8")).trim().split("\n");
  const text = rows.map((row, i) => {
    const [x, y, z, label, session] = row.split(",");
    return [i === 0 ? "time" : `10:${i}`, z, label, y, x, session].join(",");
  });
  await writeFile(shuffled, `${text.join("\n")}\n`);
});
afterAll(() => folder.remove());

const usage = 2;
const refused = 1;
const train = ["train", "-d", recording, "-o", out, "--split", "random"];

describe("refused, in one line that says what to do", () => {
  it.each<[args: readonly string[], code: number, message: RegExp]>([
    [["convert", model], usage, /'-o, --output <file>' not specified: see gatelet convert --help/],
    [["convert", model, "-o", out, "--mixed", "--bits", "4"], usage, /'--mixed' cannot be used with option '--bits/],
    [["convert", model, "-o", out, "--window", "70000"], usage, /argument '70000' is invalid: .* 1 \.\. 65535/],
    [["convert", model, "-o", out, "--ahead", "3"], usage, /--ahead does nothing without --target/],
    [["convert", model, "-o", model], usage, /model\.json would be written over, but is read/],
    [["convert", gate, "-o", out], refused, /pump\.gate is a \.gate file already: expected a model\.json/],
    [["convert", recording, "-o", out], refused, /recording\.csv is no model: expected a model\.json/],
    [["convert", model, "--meta", model, "-o", out], refused, /holds no facts of a model, expected some of name,/],
    [["inspect", folder.path("empty.gate")], refused, /empty\.gate is empty/],
    [["inspect", folder.path("cut.gate")], refused, /has 3008 bytes, its header says \d+: it was cut off/],
    [["inspect", model], refused, /not a \.gate file: .*: gatelet convert makes a \.gate file/],
    [["eval", gate, "-d", recording, "--plot", "a.svg"], usage, /--plot does nothing without --stream and --float/],
    [["eval", gate, "-d", recording, "--plot", "a.png"], usage, /expected a name that ends in \.svg/],
    [["eval", gate, "-d", recording, "--target", "acc_x"], refused, /--target is for regression: .* 5 classes/],
    [["check", gate, "--gdb", "99999"], usage, /argument '99999' is invalid: .* 0 \.\. 65535/],
    [["build", gate, "-o", out, "--target", "c", "--simd"], usage, /--simd is for --target wasm, esm, component/],
    [[...train, "--units", "5000"], usage, /--units is "5000", expected sizes of 1 \.\. 4096/],
    [[...train, "--dropout", "1"], usage, /--dropout is 1, expected below 1/],
    [[...train, "--rate", "0"], usage, /--rate is 0, expected above 0/],
    [[...train, "--margin", "3"], usage, /--margin does nothing without --stream/],
    [[...train, "--model", model, "--units", "3"], usage, /--model .* cannot be used with option '--units/],
    [["train", "-d", recording, "-o", gate], refused, /cannot make folder .*pump\.gate: a file is in the way/],
    [["prune", model, "--preset", "grasp", "-o", out], usage, /--preset grasp brings its own network .*model\.json/],
    [["shrink", "-d", recording, "-o", out, "--target", "fast"], usage, /--target: target "fast" is not understood/],
  ])("%s", async (args, code, message) => {
    const result = await runCli(args);
    expect(result.stderr).toMatch(message);
    expect(result.stderr.trim().split("\n")).toHaveLength(1);
    expect([result.code, result.stdout]).toEqual([code, ""]);
  });

  it.each(["prune", "shrink"])("%s of a model that takes other windows, before any training", async (command) => {
    const models = { prune: [EXAMPLE], shrink: ["--teacher", EXAMPLE] }[command]!;
    const { code, stderr } = await runCli([command, ...models, "-d", recording, "--split", "random", "-o", out]);
    expect(stderr.trim().split("\n").at(-1)).toMatch(
      /pump takes \[64, 3\] .* are \[50, 3\] .* cut windows of 64 frames/,
    );
    expect(code).toBe(refused);
  });
});

it("windows too short for a preset's convolutions are refused, not trained on", async () => {
  const { code, stderr } = await runCli([...train, "--preset", "cnn", "--units", "8-8", "--window", "4"]);
  expect([code, stderr]).toEqual([refused, "error: preset cnn of this size takes 5 frames, not 4\n"]);
});

describe("columns are fed by name", () => {
  it("where the file knows the names, whatever their order and what else there is", async () => {
    const score = async (data: string) => {
      const { stdout } = await runCli(["eval", gate, "-d", data, "--json"]);
      return JSON.parse(stdout).windows.quantized;
    };
    expect(await score(shuffled)).toEqual(await score(recording));
  });

  it("and the channels that were chosen give their names to the file", async () => {
    const reversed = ["--channels", "acc_z,acc_y,acc_x"];
    await convertExample(folder.path("reversed.gate"), ...reversed);
    const { stdout } = await runCli(["inspect", folder.path("reversed.gate"), "--json"]);
    expect(JSON.parse(stdout).features).toEqual(["acc_z", "acc_y", "acc_x"]);
  });
});

const lines = async (count: number) => (await readFile(recording, "utf8")).split("\n").slice(0, count + 1);

it("eval says that a recording is shorter than the window", async () => {
  await writeFile(folder.path("short.csv"), (await lines(19)).join("\n"));
  const { stdout } = await runCli(["eval", gate, "-d", folder.path("short.csv")]);
  expect(stdout).toMatch(/^1 window /m);
  expect(stdout).toContain("note: 1 window of shorter recordings padded in front");
});

describe("run", () => {
  it("says why no decision fell", async () => {
    expect((await runCli(["run", gate])).stderr).toBe("warning: no frames came on standard input\n");
    const short = await runCli(["run", gate], (await lines(19)).join("\n"));
    expect(short).toEqual({
      code: 0,
      stdout: "",
      stderr: "warning: 19 frames came, a decision takes a window of 64\n",
    });
  });

  it("reads quoted cells, and refuses what is no count instead of rounding it", async () => {
    const plain = await runCli(["run", gate], (await lines(64)).join("\n"));
    const quoted = (await lines(64)).map((line) => line.replaceAll(/[^,]+/g, '"$&"')).join("\n");
    expect(await runCli(["run", gate], quoted)).toEqual(plain);
    for (const value of ["0.98", "40000"]) {
      const { code, stderr } = await runCli(["run", gate], `1,2,${value}\n`);
      expect([code, stderr]).toEqual([refused, expect.stringContaining(`line 1: ${value} is not a raw count`)]);
    }
    expect((await runCli(["run", gate, "--physical"], "0.1,0.2,0.98\n".repeat(64))).stdout).toMatch(/^63,\w+,/m);
  });
});

it("the help of a command says what must be given, and defaults as they are typed", async () => {
  const { stdout } = await runCli(["train", "--help"]);
  const text = stdout.replaceAll(/\s+/g, " ");
  expect(text).toContain("best model (required)");
  expect(text).toContain("learning rate (default: 0.002)");
  expect(text).toContain("frames round a change of label (with --stream)");
  expect(text).not.toMatch(/default: (\[\]|")/);
});
