import { join } from "node:path";
import { type Balance, type PlacedJob, PRESETS, type PresetName, runTrainJobs, type TrainJob } from "@gatelet/train";
import { Command, Option } from "commander";
import { CliError } from "../cli-error.js";
import type { Terminal } from "../terminal.js";
import { shownPool } from "../training/progress.js";
import { foldLines, renderRuns, scoreOf, type TrainedRun } from "../training/runs.js";
import { renderStreams, scoreStreams } from "../training/streams.js";
import { makeFolder } from "../write-file.js";
import {
  aheadOption,
  type BackendFlags,
  backendOption,
  DependentOption,
  jsonOption,
  recurrentOption,
  wholeNumber,
} from "./options.js";
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

interface TrainFlags extends WindowFlags, BackendFlags {
  readonly output: string;
  readonly preset: PresetName;
  readonly model?: string;
  readonly units?: string;
  readonly dense?: string;
  readonly dropout?: string;
  readonly channels?: string;
  readonly target?: string;
  readonly ahead?: number;
  readonly folds?: number;
  readonly fold?: number;
  readonly allowLeaks?: true;
  readonly withUnlabelled?: true;
  readonly stream?: true;
  readonly margin?: number;
  readonly change: "ignore" | "soft";
  readonly balance: Balance;
  readonly augment: readonly string[];
  readonly epochs: number;
  readonly batch: number;
  readonly rate: string;
  readonly patience?: number;
  readonly seed: number;
  readonly grid: readonly string[];
  readonly workers: number;
  readonly json?: true;
}

export function trainCommand(terminal: Terminal): Command {
  const command = new Command("train")
    .description("train a small network on recordings; a run that was stopped goes on when it is called again")
    .requiredOption("-d, --data <data>", "labelled recordings: csv, npy, npz or a data set folder")
    .requiredOption("-o, --output <folder>", "folder of the run: configuration, metrics, plots, best model")
    .addOption(new Option("-p, --preset <name>", "shape of the network").choices(PRESETS).default("gru"))
    .addOption(
      new Option("-m, --model <topology>", "tfjs model.json to train instead of a preset").conflicts([
        "preset",
        "units",
        "dense",
        "dropout",
      ]),
    )
    .option("--units <sizes>", "sizes of the preset's layers, e.g. 128-64-32")
    .option("--dense <sizes>", "sizes of ReLU layers behind them")
    .option("--dropout <share>", "share of values dropped in front of the last layers");
  for (const option of windowOptions()) command.addOption(option);
  return command
    .option("--channels <names>", "channels to feed, in order, separated by commas")
    .option("--target <channel>", "predict this channel: regression")
    .addOption(aheadOption())
    .addOption(
      new Option("--folds <count>", "cross-validate: so many trainings, each window tested once").argParser(
        wholeNumber(2),
      ),
    )
    .option("--allow-leaks", "let training and test windows share frames: flatters the score")
    .option("--with-unlabelled", "frames without a label are a class of their own")
    .option("--stream", "learn an answer a frame with the state kept over whole recordings; --window frames in a piece")
    .addOption(
      new DependentOption(["--stream"], "--margin <frames>", "frames round a change of label").argParser(
        wholeNumber(0),
      ),
    )
    .addOption(
      new DependentOption(["--margin"], "--change <how>", "they do not count, or their target passes over slowly")
        .choices(["ignore", "soft"])
        .default("ignore"),
    )
    .addOption(
      new Option("--balance <how>", "evens out rare classes")
        .choices(["none", "weights", "oversample", "smote"])
        .default("none"),
    )
    .option(
      "--augment <kind=amount>",
      "jitter, scale, rotate, shift, warp, crop, background, mixup; repeatable",
      collect,
      [],
    )
    .addOption(new Option("--epochs <count>", "passes over the data").argParser(wholeNumber(1)).default(30))
    .addOption(new Option("--batch <count>", "windows in a step").argParser(wholeNumber(1)).default(64))
    .option("--rate <number>", "learning rate", "0.002")
    .addOption(new Option("--patience <epochs>", "stop after so many without progress").argParser(wholeNumber(1)))
    .addOption(new Option("--seed <number>", "same seed, same weights").argParser(wholeNumber(0)).default(1))
    .addOption(backendOption())
    .addOption(recurrentOption())
    .option("--grid <key=a,b>", "try all combinations: units, rate, batch, seed, dropout; repeatable", collect, [])
    .addOption(new Option("--workers <count>", "trainings at a time").argParser(wholeNumber(1)).default(1))
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nexample:\n  gatelet train --data recordings.csv --preset gru --units 32 -o run\n  gatelet convert run/best --calibrate recordings.csv -o model.gate",
    )
    .action((flags: TrainFlags) => run(terminal, flags));
}

async function run(terminal: Terminal, flags: TrainFlags): Promise<void> {
  const folds: { fold?: number }[] =
    flags.folds === undefined ? [{}] : [...Array(flags.folds).keys()].map((fold) => ({ fold }));
  const variants = gridVariants(flags.grid).flatMap((variant) => folds.map((fold) => ({ ...variant, ...fold })));
  const placed = variants.map((variant): PlacedJob & { name: string } => {
    const name = Object.entries(variant)
      .map(([key, value]) => (key === "fold" ? `fold=${Number(value) + 1}of${flags.folds}` : `${key}=${value}`))
      .join(" ");
    const folder = name === "" ? flags.output : join(flags.output, name.replaceAll(/[^\w.=-]+/g, "_"));
    return { name, folder, job: jobOf({ ...flags, ...variant }) };
  });
  await makeFolder(flags.output);
  const progress = terminal.progress("reading");
  const shown = { workers: flags.workers, quiet: flags.json === true, runs: placed.length };
  const results = await runTrainJobs(placed, shownPool(terminal, progress, shown)).finally(() => progress.end());
  const runs = placed.map(({ name, folder }, i) => ({ name, folder, ...results[i] }));
  if (flags.stream) return printStreams(terminal, await scoreStreams(placed), runs, flags);
  if (flags.json) return terminal.print(JSON.stringify({ runs }, null, 2));
  terminal.print(renderRuns(terminal, runs));
  if (flags.folds !== undefined) for (const line of foldLines(runs, flags.folds)) terminal.print(line);
  const best = runs.reduce((a, b) => (scoreOf(b) > scoreOf(a) ? b : a));
  terminal.print(
    `\nbest model: ${join(best.folder, "best")}, next: gatelet convert ${join(best.folder, "best")} --calibrate ${flags.data} -o model.gate`,
  );
}

/** Scores of streams come from the integer engine, over whole recordings. */
function printStreams(
  terminal: Terminal,
  streams: Awaited<ReturnType<typeof scoreStreams>>,
  trained: readonly TrainedRun[],
  { json, folds }: TrainFlags,
): void {
  const runs = trained.map((run, i) => ({ ...run, stream: streams[i] }));
  if (json) {
    terminal.print(JSON.stringify({ runs }, null, 2));
    return;
  }
  terminal.print(renderRuns(terminal, runs));
  terminal.print(`\n${renderStreams(terminal, runs)}`);
  if (folds !== undefined) for (const line of foldLines(runs, folds)) terminal.print(line);
  terminal.print("\none decision a frame over whole test recordings; stream.gate stands in the folder of each run");
}

/** The training that flags describe. Throws `USAGE` for what is not a number. */
function jobOf(flags: TrainFlags): TrainJob {
  const optional = <Key extends string, Value>(key: Key, value: Value | undefined) =>
    value === undefined ? {} : ({ [key]: value } as Record<Key, Value>);
  const dropout = flags.dropout === undefined ? undefined : dropoutOf(flags.dropout);
  return {
    data: {
      ...toJobData(flags),
      ...optional("channels", flags.channels?.split(",")),
      ...optional("target", flags.target),
      ...optional("ahead", flags.ahead),
      ...(flags.folds === undefined || flags.fold === undefined
        ? {}
        : { fold: { index: flags.fold, count: flags.folds } }),
      ...optional("keepUnlabelled", flags.withUnlabelled),
      ...optional("allowLeaks", flags.allowLeaks),
    },
    model:
      flags.model === undefined
        ? {
            preset: flags.preset,
            ...optional("units", flags.units === undefined ? undefined : sizesOf("--units", flags.units)),
            ...optional("dense", flags.dense === undefined ? undefined : sizesOf("--dense", flags.dense)),
            ...optional("dropout", dropout),
          }
        : { topology: flags.model },
    ...(flags.stream
      ? {
          stream: {
            stateful: true,
            change: flags.change,
            margin: flags.margin ?? 0,
            warmUp: flags.window >> 2,
            ...(flags.withUnlabelled ? { rejection: 0 } : {}),
          },
        }
      : {}),
    balance: flags.balance,
    ...(flags.augment.length === 0 ? {} : { augment: Object.fromEntries(flags.augment.map(amountOf)) }),
    training: {
      epochs: flags.epochs,
      batchSize: Number(flags.batch),
      learningRate: rateOf(flags.rate),
      ...optional("patience", flags.patience),
    },
    seed: Number(flags.seed),
    backend: flags.backend,
    ...optional("recurrent", flags.recurrent),
  };
}

function dropoutOf(text: string): number {
  const share = shareOf("--dropout", text);
  if (share < 1) return share;
  throw new CliError("USAGE", "--dropout is 1, expected below 1: nothing would be left to learn from");
}

const AUGMENTATIONS = ["jitter", "scale", "rotate", "shift", "warp", "crop", "background", "mixup"];

function amountOf(text: string): [string, number] {
  const [kind, amount = ""] = text.split("=");
  if (AUGMENTATIONS.includes(kind)) return [kind, numberOf(`--augment ${kind}`, amount)];
  throw new CliError(
    "USAGE",
    `--augment is "${text}", expected ${AUGMENTATIONS.join(", ")} with an amount: jitter=0.05`,
  );
}

const GRID_KEYS = ["units", "rate", "batch", "seed", "dropout"];

/** All combinations of `key=a,b` texts; one empty variant without any. */
function gridVariants(grid: readonly string[]): Record<string, string>[] {
  let variants: Record<string, string>[] = [{}];
  for (const text of grid) {
    const [key, values = ""] = text.split("=");
    if (!GRID_KEYS.includes(key) || values === "") {
      throw new CliError("USAGE", `--grid is "${text}", expected ${GRID_KEYS.join(", ")} with values: units=16,32`);
    }
    variants = variants.flatMap((variant) => values.split(",").map((value) => ({ ...variant, [key]: value })));
  }
  return variants;
}
