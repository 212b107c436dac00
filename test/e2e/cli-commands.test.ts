import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readModel, SECTION } from "@gatelet/converter/format";
import { Model } from "@gatelet/kernels";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { missing, sharedFolder } from "../support/requirements.js";
import { convertExample, EXAMPLE, runCli, startCli, temporaryFolder } from "./cli-harness.js";

const folder = temporaryFolder();
const model = join(EXAMPLE, "model.json");
const recording = join(EXAMPLE, "recording.csv");
let gate: string;
let streamGate: string;

beforeAll(async () => {
  gate = await convertExample(folder.path("pump.gate"));
  streamGate = await convertExample(folder.path("pump-stream.gate"), "--stream");
});
afterAll(() => folder.remove());

async function json(...args: string[]): Promise<Record<string, never>> {
  const { code, stdout, stderr } = await runCli([...args, "--json"]);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

const widest = (text: string) => Math.max(...text.split("\n").map((line) => line.length));

describe("help", () => {
  it.each(["", "convert", "inspect", "eval", "run"])(
    "of gatelet %s shows an example and ends well",
    async (command) => {
      const { code, stdout, stderr } = await runCli(command === "" ? ["--help"] : [command, "--help"]);
      expect(stdout).toMatch(/example:\n {2}gatelet /);
      expect([code, stderr]).toEqual([0, ""]);
    },
  );
});

describe("convert", () => {
  it("says what it made, quietly where nobody watches, the same bytes every time", async () => {
    const again = await convertExample(folder.path("again.gate"));
    expect(await readFile(again)).toEqual(await readFile(gate));
    const made = await json(
      "convert",
      model,
      "-c",
      join(EXAMPLE, "calibration.csv"),
      "-o",
      folder.path("b.gate"),
      "--board",
      "nrf52840",
    );
    expect(made).toMatchObject({
      rounding: "compensated",
      budget: { board: "nrf52840", flashBytes: 1048576, ramBytes: 262144 },
      model: {
        window: 64,
        frameSize: 3,
        parameters: 2501,
        classes: ["off", "idle", "pumping", "cavitation", "bearing_fault"],
      },
      warnings: [],
    });
  });

  it("makes smaller files of 4 bits, and fits a flash budget by mixing", async () => {
    const small = await convertExample(folder.path("small.gate"), "--bits", "4");
    const [large, tiny] = [(await readFile(gate)).length, (await readFile(small)).length];
    expect(tiny).toBeLessThan(large - 800);
    const budget = Math.round((large + tiny) / 2);
    const mixed = await convertExample(folder.path("mixed.gate"), "--mixed", "--flash", `${budget}`);
    expect((await readFile(mixed)).length).toBeLessThanOrEqual(budget);
    const { layers } = (await json("inspect", mixed)) as unknown as { layers: { bits: number | null }[] };
    expect(new Set(layers.map((layer) => layer.bits))).toEqual(new Set([null, 4, 8]));
  });

  it("leaves names and scales out where asked; the rows it answers are the same", async () => {
    const bare = await convertExample(folder.path("bare.gate"), "--strip");
    const [whole, stripped] = [readModel(await readFile(gate)), readModel(await readFile(bare))];
    expect(Object.keys(stripped.meta)).toEqual([]);
    expect(stripped.sections.map(({ id }) => id)).toEqual([SECTION.RECORDS, SECTION.TENSORS]);
    expect((await readFile(bare)).length).toBeLessThan((await readFile(gate)).length - 500);
    const frames = Int16Array.from({ length: 64 * 3 }, (_, i) => 1500 * Math.sin(i * i) + (i % 3 === 2 ? 2000 : 0));
    const [first, second] = await Promise.all([gate, bare].map(async (path) => Model.load(await readFile(path))));
    expect(second.run(frames).outputs).toEqual(first.run(frames).outputs);
    expect(stripped.header.outputScale).toBe(whole.header.outputScale);
  });

  it("tells what it loses without calibration data", async () => {
    const { code, stderr } = await runCli(["convert", model, "-o", folder.path("plain.gate")]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^warning: no calibration data/);
  });
});

describe("inspect", () => {
  it("prints layers, maps and the budget left within 80 columns, without colours in a pipe", async () => {
    const { stdout } = await runCli(["inspect", gate, "--ram", "1K", "--flash", "16K"]);
    expect(widest(stdout)).toBeLessThanOrEqual(80);
    expect(stdout).toMatch(/^1 {2}gru .* GRU .* 24 .* tanh, sigmoid +124k +[\d.]+k$/m);
    expect(stdout).toMatch(/^flash: [\d,]+ bytes$/m);
    expect(stdout).toMatch(/^RAM .* of 1,024, .* left$/m);
    expect(stdout).not.toContain("\x1b");
  });

  it("gives the same as json", async () => {
    const report = (await json("inspect", gate)) as unknown as {
      layers: { flashBytes: number; macs: number }[];
      fileBytes: number;
    };
    expect(report.fileBytes).toBe((await readFile(gate)).length);
    expect(report.layers.map((layer) => layer.macs)).toEqual([0, 64 * 3 * 24 * 27, 24 * 16, 16 * 5]);
  });
});

describe("eval", () => {
  it("compares float and quantized over windows", async () => {
    const report = (await json("eval", gate, "-d", recording, "-f", model, "--hop", "16")) as never;
    expect(report).toMatchObject({
      model: "pump",
      windows: {
        windows: 184,
        quantized: {
          kind: "classification",
          samples: 184,
          classNames: ["off", "idle", "pumping", "cavitation", "bearing_fault"],
        },
        float: { kind: "classification" },
      },
      streams: null,
      timing: { kind: "measured" },
    });
    const { windows } = report as { windows: Record<string, Record<string, number>> };
    expect(windows["quantized"]!["accuracy"]).toBeGreaterThan(0.85);
    expect(windows["difference"]!["agreement"]).toBeGreaterThan(0.99);
    expect(windows["difference"]!["worstOutputError"]).toBeLessThan(0.1);
  });

  it("scores every frame of a stream, and draws the error over 100,000 frames", async () => {
    const plot = folder.path("error.svg");
    const report = (await json("eval", streamGate, "-d", recording, "-f", model, "--stream", "--plot", plot)) as never;
    expect(report).toMatchObject({
      streams: { frames: 3000, decisionHop: 1, longStream: { frames: 100000 } },
      windows: null,
    });
    const { streams } = report as {
      streams: { quantized: Record<string, { samples: number; accuracy: number }>; longStream: { worst: number[] } };
    };
    const { all, steady, transitions } = streams.quantized;
    expect(all!.samples).toBe(3000);
    expect(steady!.samples + transitions!.samples).toBe(3000);
    expect(steady!.accuracy).toBeGreaterThan(transitions!.accuracy);
    // The error of the last tenth is no larger than that of the first: nothing adds up over the stream.
    const most = (values: number[]) => Math.max(...values);
    expect(most(streams.longStream.worst.slice(-40))).toBeLessThanOrEqual(
      most(streams.longStream.worst.slice(0, 40)) * 1.5,
    );
    expect(await readFile(plot, "utf8")).toMatch(/^<svg [\s\S]*100,000 frames[\s\S]*<\/svg>\n$/);
  });

  it("prints within 80 columns, and names engine and machine of what it measured", async () => {
    const { stdout } = await runCli(["eval", gate, "-d", recording, "--engine", "scalar"]);
    expect(widest(stdout)).toBeLessThanOrEqual(80);
    expect(stdout).toMatch(/measured here: scalar engine, node /);
    expect(stdout).toContain("no float model given (--float)");
  });
});

describe("run", () => {
  it("gives the same decisions for csv, reordered columns and raw int16, on both engines", async () => {
    const text = await readFile(recording, "utf8");
    const rows = text
      .trim()
      .split("\n")
      .slice(1)
      .map((row) => row.split(",").slice(0, 3).map(Number));
    const fromCsv = await runCli(["run", gate, "--hop", "20"], text);
    expect(fromCsv.stdout.split("\n")[0]).toBe("frame,class,confidence");
    expect(fromCsv.stdout.trim().split("\n")).toHaveLength(1 + Math.floor((3000 - 64) / 20) + 1);
    const swapped = `acc_z,acc_x,acc_y\n${rows.map(([x, y, z]) => `${z},${x},${y}`).join("\n")}`;
    expect((await runCli(["run", gate, "--hop", "20"], swapped)).stdout).toBe(fromCsv.stdout);
    const raw = new Uint8Array(Int16Array.from(rows.flat()).buffer);
    const fromRaw = await runCli(["run", gate, "--hop", "20", "--format", "int16", "--engine", "scalar"], raw);
    expect(fromRaw.stdout).toBe(fromCsv.stdout);
    const inG = rows.map((row) => row.map((count) => count / 2048).join(",")).join("\n");
    expect((await runCli(["run", gate, "--hop", "20", "--physical"], inG)).stdout).toBe(fromCsv.stdout);
  });

  it("writes json lines and changes only", async () => {
    const text = await readFile(recording, "utf8");
    const lines = (await runCli(["run", gate, "--json", "--changes"], text)).stdout.trim().split("\n");
    const decisions = lines.map((line) => JSON.parse(line) as { frame: number; class: string; outputs: number[] });
    for (const [i, { class: name, outputs }] of decisions.entries()) {
      expect(outputs.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
      if (i > 0) expect(name).not.toBe(decisions[i - 1]!.class);
    }
  });

  it("answers while the input is still open", async () => {
    const child = startCli(["run", streamGate]);
    const first = new Promise<string>((resolve) => child.stdout.once("data", (data: Buffer) => resolve(String(data))));
    child.stdin.write("1,2,2000\n");
    expect(await first).toMatch(/^frame,class,confidence\n0,\w+,0\.\d+\n$/);
    const closed = new Promise((resolve) => child.on("close", resolve));
    child.stdin.end();
    expect(await closed).toBe(0);
  });

  it("ends quietly when its reader has seen enough", async () => {
    const child = startCli(["run", streamGate]);
    let stderr = "";
    child.stderr.on("data", (data: Buffer) => (stderr += data));
    child.stdin.on("error", () => {});
    const closed = new Promise((resolve) => child.on("close", resolve));
    child.stdout.once("data", () => child.stdout.destroy());
    child.stdin.write("1,2,2000\n".repeat(200_000));
    expect(await closed).toBe(0);
    expect(stderr).toBe("");
  });

  it("leaves nothing behind when it is interrupted", async () => {
    const child = startCli(["run", streamGate]);
    const closed = new Promise((resolve) => child.on("close", (code) => resolve(code)));
    child.stdin.write("1,2,2000\n");
    await new Promise((resolve) => child.stdout.once("data", resolve));
    child.kill("SIGINT");
    expect(await closed).toBe(130);
  });
});

describe("regression", () => {
  it("scores a target column with RMSE and MAE", async () => {
    const rows = ["acc_x,acc_y,acc_z,load"];
    for (let t = 0; t < 200; t++) rows.push(`${t},${-t},2000,${(t / 10).toFixed(1)}`);
    await writeFile(folder.path("target.csv"), rows.join("\n"));
    // The example without its softmax: a network that gives values.
    const network = folder.path("values");
    await cp(EXAMPLE, network, { recursive: true });
    const topology = await readFile(join(EXAMPLE, "model.json"), "utf8");
    await writeFile(join(network, "model.json"), topology.replace('"activation": "softmax"', '"activation": "linear"'));
    const values = folder.path("values.gate");
    expect((await runCli(["convert", network, "-c", join(EXAMPLE, "calibration.csv"), "-o", values])).code).toBe(0);
    const report = await json("eval", values, "-d", folder.path("target.csv"), "--target", "load", "--hop", "10");
    expect(report).toMatchObject({ windows: { windows: 14, quantized: { kind: "regression", samples: 14 } } });
  });
});

describe.skipIf(missing("shared"))("recordings with gaps", () => {
  it("calibrate and score a network that forecasts, in the unit of its target", async () => {
    const air = join(sharedFolder()!, "models/air-lstm");
    const channels = ["--channels", "PM2.5,PM10,SO2,NO2,CO,O3,TEMP,PRES,DEWP,RAIN,WSPM"];
    const data = join(sharedFolder()!, "data/beijing_air");
    const output = folder.path("air.gate");
    const made = await runCli(["convert", air, "-c", data, ...channels, "-o", output]);
    expect([made.code, made.stderr]).toEqual([
      0,
      "warning: 5211 calibration windows with missing values are left out\n",
    ]);
    const target = ["--target", "PM2.5", "--ahead", "1"];
    const report = await json("eval", output, "-d", data, ...channels, ...target, "--limit", "300", "-f", air);
    const { windows } = report as unknown as { windows: Record<"quantized" | "float", { kind: string; rmse: number }> };
    expect(windows.quantized.kind).toBe("regression");
    // Persistence reaches 18.7 ug/m3 on the model's own test windows, the float model 17.2.
    expect(windows.float.rmse).toBeLessThan(22);
    expect(windows.quantized.rmse / windows.float.rmse).toBeLessThan(1.01);
  });
});
