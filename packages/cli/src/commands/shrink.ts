import { join } from "node:path";
import {
  buildPreset,
  checkModelShape,
  commonMeta,
  loadModelFiles,
  loadTf,
  PRESETS,
  type PresetName,
  parseTarget,
  prepareSamples,
  readNormalization,
  type ShrinkPlan,
  type ShrinkReport,
  type ShrinkTarget,
  shrink,
} from "@gatelet/train";
import { Command, Option } from "commander";
import { CliError } from "../cli-error.js";
import type { Terminal } from "../terminal.js";
import { grouped } from "../text/numbers.js";
import { renderTable } from "../text/table.js";
import { loadInteger, measureOnBoard } from "../training/engines.js";
import { predictStep } from "../training/predict-step.js";
import { trainStatus } from "../training/progress.js";
import { makeFolder } from "../write-file.js";
import { type BackendFlags, backendOption, jsonOption, recurrentOption, stripOption, wholeNumber } from "./options.js";
import {
  collect,
  numberOf,
  rateOf,
  shareOf,
  sizesOf,
  toJobData,
  type WindowFlags,
  windowOptions,
} from "./window-data.js";

interface ShrinkFlags extends WindowFlags, BackendFlags {
  readonly output: string;
  readonly teacher: readonly string[];
  readonly preset: PresetName;
  readonly model?: string;
  readonly units?: string;
  readonly target: string;
  readonly minAccuracy: string;
  readonly limit?: number;
  readonly epochs: number;
  readonly tuneEpochs: number;
  readonly rate: string;
  readonly batch: number;
  readonly distill: string;
  readonly shares: string;
  readonly widths?: string;
  readonly bits: "8" | "4" | "8,4";
  readonly alone?: true;
  readonly strip?: true;
  readonly seed: number;
  readonly json?: true;
}

export function shrinkCommand(terminal: Terminal): Command {
  const command = new Command("shrink")
    .description("distil, prune and quantize by training until a file meets a target; report of every stage")
    .requiredOption("-d, --data <data>", "labelled recordings of counts: csv, npy, npz or a data set folder")
    .requiredOption("-o, --output <folder>", "folder for the stages, shrink.json and the file")
    .option("--teacher <model>", "trained tfjs model (folder with meta.json) to learn from; repeatable", collect, [])
    .addOption(new Option("-p, --preset <name>", "shape of the student").choices(PRESETS).default("gru"))
    .addOption(
      new Option(
        "-m, --model <model>",
        "begin with this trained model (folder with meta.json) instead of a preset",
      ).conflicts(["preset", "units", "widths"]),
    )
    .option("--units <sizes>", "sizes of its layers, e.g. 32")
    .option("--widths <list>", "choose the student's units: the largest of these that meets the target, e.g. 32,28,24")
    .option("--target <limits>", "e.g. flash<=16K,ram<=2K,ms<=5,step<=0.15@nrf52840; ms of a window, of a step", "")
    .option("--min-accuracy <share>", "least accuracy on the validation part, 0 .. 1", "0");
  for (const option of windowOptions()) command.addOption(option);
  return command
    .addOption(new Option("--limit <windows>", "train on so many windows only").argParser(wholeNumber(1)))
    .addOption(new Option("--epochs <count>", "of training the student").argParser(wholeNumber(1)).default(20))
    .addOption(new Option("--tune-epochs <count>", "behind each later stage").argParser(wholeNumber(1)).default(8))
    .option("--rate <number>", "learning rate", "0.004")
    .addOption(new Option("--batch <count>", "windows in a step").argParser(wholeNumber(1)).default(128))
    .option("--distill <weight>", "weight of the teachers' answers, 0 .. 1", "0.7")
    .option("--shares <list>", "shares of units to try without", "0,0.25,0.5")
    .addOption(new Option("--bits <list>", "bits of a weight to try").choices(["8", "4", "8,4"]).default("8,4"))
    .addOption(stripOption())
    .option("--alone", "also train the student without teachers")
    .addOption(new Option("--seed <number>", "same seed, same result").argParser(wholeNumber(0)).default(1))
    .addOption(backendOption())
    .addOption(recurrentOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      '\nexample:\n  gatelet shrink --data recordings.csv --teacher big/best --units 32 --target "flash<=8K,ms<=10" -o small',
    )
    .action((flags: ShrinkFlags) => run(terminal, flags));
}

/** What the flags say of the pipeline, whatever the model. Throws `USAGE` naming the option. */
function settingsOf(flags: ShrinkFlags) {
  return {
    folder: flags.output,
    ...(flags.widths === undefined || flags.model !== undefined
      ? {}
      : { widths: flags.widths.split(",").map((width) => numberOf("--widths", width)) }),
    epochs: flags.model === undefined ? flags.epochs : 0,
    tuneEpochs: flags.tuneEpochs,
    training: { batchSize: flags.batch, learningRate: rateOf(flags.rate), seed: flags.seed },
    distill: shareOf("--distill", flags.distill),
    shares: flags.shares.split(",").map((share) => shareOf("--shares", share)),
    alone: flags.alone === true && flags.model === undefined,
    target: targetOf(flags.target),
    bits: flags.bits.split(",").map((bits) => (bits === "4" ? 4 : 8) as 8 | 4),
    ...(flags.strip === undefined ? {} : { strip: true }),
    minAccuracy: shareOf("--min-accuracy", flags.minAccuracy),
  };
}

function targetOf(text: string): ShrinkTarget {
  try {
    return parseTarget(text);
  } catch (cause) {
    throw new CliError("USAGE", `--target: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

async function run(terminal: Terminal, flags: ShrinkFlags): Promise<void> {
  const settings = settingsOf(flags);
  const units = flags.units === undefined ? {} : { units: sizesOf("--units", flags.units) };
  const models = flags.model === undefined ? flags.teacher : [...flags.teacher, flags.model];
  const data = toJobData(flags, await commonMeta(models));
  const limit = flags.limit === undefined ? {} : { limit: flags.limit };
  await makeFolder(flags.output);
  const { tf, choice } = await loadTf(flags.backend, { recurrent: flags.recurrent });
  if (!flags.json) terminal.print(choice);
  const progress = terminal.progress("reading");
  try {
    const { model } = flags;
    const known = model === undefined ? undefined : await readNormalization(model);
    const samples = await prepareSamples({ data, seed: flags.seed, ...limit }, known);
    const load = async (path: string) => {
      const loaded = await loadModelFiles(tf, join(path, "model.json"));
      checkModelShape(loaded, path, samples.train);
      return loaded;
    };
    const trained = model === undefined ? undefined : await load(model);
    const [steps, channels] = samples.train.shape;
    const shape = { steps, channels, outputs: samples.train.outputs, seed: flags.seed, ...units };
    const teachers = [];
    for (const path of flags.teacher) {
      teachers.push({ model: await load(path), normalization: await readNormalization(path) });
    }
    const report = await shrink(
      {
        ...settings,
        name: trained?.name ?? `${flags.preset}${flags.units ?? ""}`,
        samples,
        teachers,
        student: (width) =>
          trained ?? buildPreset(tf, flags.preset, width === undefined ? shape : { ...shape, units: [width] }),
      },
      {
        tf,
        engine: loadInteger,
        meter: measureOnBoard,
        predictStep,
        onProgress: (stage, at) => progress.update(at === undefined ? stage : `${stage}: ${trainStatus(at)}`),
      },
    );
    progress.end();
    if (flags.json) terminal.print(JSON.stringify(report, null, 2));
    else printReport(terminal, report, flags.output);
    if (report.nearest === undefined) return;
    const { stage, misses } = report.nearest;
    throw new CliError("BUDGET", `nothing meets the target; ${stage} comes nearest, but: ${misses.join("; ")}`);
  } finally {
    progress.end();
  }
}

function printReport(terminal: Terminal, report: ShrinkReport, folder: string): void {
  for (const { units, ...plan } of report.widths) terminal.print(planLine(`${units} units`, plan, "taken"));
  const dropped = report.plans.filter(({ misses }) => misses.length > 0);
  for (const { stage, ...plan } of dropped) terminal.print(`${planLine(stage, plan, "")}: not trained`);
  if (report.stages.length > 0) printStages(terminal, report);
  if (report.chosen === undefined) return;
  terminal.print(`\nchosen: ${report.chosen}, written to ${join(folder, `${report.name}.gate`)}`);
}

/** What a file will cost, known before anything is trained. */
function planLine(what: string, { gateBytes, stepMilliseconds, misses }: ShrinkPlan, met: string): string {
  const step = stepMilliseconds === undefined ? "" : `, ${stepMilliseconds.toFixed(3)} ms a step predicted`;
  return `${what}: ${grouped(gateBytes)} bytes${step}: ${misses.join("; ") || met}`;
}

function printStages(terminal: Terminal, { stages }: ShrinkReport): void {
  const heads = ["parameters", "validation %", "test %", "bytes", "RAM", "ms", "ms a step"];
  const columns = [{ head: "stage" }, ...heads.map((head) => ({ head, align: "right" as const })), { head: "misses" }];
  const lines = stages.map((stage) => [
    stage.stage,
    grouped(stage.parameters),
    (100 * stage.validationAccuracy).toFixed(2),
    (100 * stage.testAccuracy).toFixed(2),
    stage.gateBytes === undefined ? "-" : grouped(stage.gateBytes),
    stage.ramBytes === undefined ? "-" : grouped(stage.ramBytes),
    stage.board === undefined ? "-" : stage.board.milliseconds.toFixed(2),
    stage.stepMilliseconds === undefined ? "-" : stage.stepMilliseconds.toFixed(3),
    stage.misses?.join("; ") ?? "",
  ]);
  terminal.print(renderTable(columns, lines, Math.max(terminal.width, 110), terminal.style));
  terminal.print(
    "\nms: one window on the simulated nRF52840; ms a step: predicted at 0 wait states; stages with bytes are scored in the integer engine",
  );
}
