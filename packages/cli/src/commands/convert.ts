import { join } from "node:path";
import { Command, Option } from "commander";
import { budgetOf } from "../budget.js";
import { convertModel } from "../conversion/convert-model.js";
import { type ConversionSummary, renderConversion } from "../conversion/render-conversion.js";
import { inspectModel } from "../inspect/model-report.js";
import type { Terminal } from "../terminal.js";
import { checkIsNoInput, checkWritable, writeFileWhole } from "../write-file.js";
import {
  type DataFlags,
  dataOptions,
  jsonOption,
  stripOption,
  toDataOptions,
  wholeNumber,
  windowLength,
} from "./options.js";

interface ConvertFlags extends DataFlags {
  readonly output: string;
  readonly calibrate?: string;
  readonly meta?: string;
  readonly bits: "8" | "4";
  readonly mixed?: true;
  readonly ram?: string;
  readonly flash?: string;
  readonly board?: string;
  readonly window?: number;
  readonly stream?: true;
  readonly calibrationWindows: number;
  readonly strip?: true;
  readonly json?: true;
}

const DEFAULT_CALIBRATION_WINDOWS = 500;

export function convertCommand(terminal: Terminal): Command {
  const command = new Command("convert")
    .description("quantize a trained tfjs or Keras model into one .gate file")
    .argument("<model>", "model.json, .keras or .h5 file, or a folder with one")
    .requiredOption("-o, --output <file>", ".gate file to write")
    .option("-c, --calibrate <data>", "representative recordings: csv, npy, npz or a data set folder")
    .option("--meta <file>", "json with mean, std, classes, inputScale (default: meta.json beside the model)")
    .addOption(new Option("--bits <bits>", "bits of a weight").choices(["8", "4"]).default("8"))
    .addOption(
      new Option("--mixed", "4 bits where they cost least, as many as the flash budget asks").conflicts("bits"),
    )
    .option("--ram <bytes>", "budget of RAM for one stream, e.g. 16K")
    .option("--flash <bytes>", "budget of flash for the file, e.g. 64K")
    .option("--board <name>", "budgets of a board, e.g. nrf52840")
    .addOption(new Option("--window <frames>", "frames in a window").argParser(windowLength).conflicts("stream"))
    .option("--stream", "make a stream model: an answer a frame, state kept for ever");
  for (const option of dataOptions()) command.addOption(option);
  return command
    .addOption(
      new Option("--calibration-windows <count>", "most windows to calibrate with")
        .argParser(wholeNumber(1))
        .default(DEFAULT_CALIBRATION_WINDOWS),
    )
    .addOption(stripOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nexample:\n  gatelet convert model.json --calibrate frames.csv -o har.gate --board nrf52840",
    )
    .action((model: string, flags: ConvertFlags) => run(terminal, model, flags));
}

async function run(terminal: Terminal, model: string, flags: ConvertFlags): Promise<void> {
  const budget = budgetOf(flags);
  checkIsNoInput(flags.output, [model, join(model, "model.json"), flags.calibrate, flags.meta]);
  await checkWritable(flags.output);
  const start = performance.now();
  const warnings: string[] = [];
  const progress = terminal.progress("reading");
  const result = await convertModel({
    model,
    data: toDataOptions(flags),
    budget,
    bits: flags.bits === "4" ? 4 : 8,
    mixed: flags.mixed === true,
    stream: flags.stream === true,
    strip: flags.strip === true,
    calibrationWindows: flags.calibrationWindows,
    ...(flags.calibrate === undefined ? {} : { calibrate: flags.calibrate }),
    ...(flags.meta === undefined ? {} : { facts: flags.meta }),
    ...(flags.window === undefined ? {} : { window: flags.window }),
    onProgress: (stage, done) => progress.update(stage, done),
    onWarning: (text) => warnings.push(text),
  }).finally(() => progress.end());
  await writeFileWhole(flags.output, result.bytes);
  const { report } = result;
  const summary: ConversionSummary = {
    output: flags.output,
    model: inspectModel(result.bytes),
    budget,
    rounding: report.rounding,
    calibrationWindows: report.calibrationWindows,
    outputSqnrDb: report.outputSqnrDb,
    seconds: (performance.now() - start) / 1000,
    warnings: [...warnings, ...report.warnings],
  };
  for (const warning of summary.warnings) terminal.warn(warning);
  terminal.print(flags.json ? JSON.stringify(summary, null, 2) : renderConversion(summary, terminal.style));
}
