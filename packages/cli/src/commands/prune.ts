import { join } from "node:path";
import {
  buildPreset,
  checkModelShape,
  commonMeta,
  GLOVE_FRAMES,
  generateGlove,
  type JobData,
  layerSensitivity,
  loadModelFiles,
  loadTf,
  type NetworkCost,
  type PruneGoal,
  type PruneRequest,
  type PruneRow,
  PUBLISHED_GRASP,
  prepareSamples,
  prunePipeline,
  readNetwork,
  readNormalization,
  samplesOf,
} from "@gatelet/train";
import { Command, Option } from "commander";
import { CliError } from "../cli-error.js";
import type { Terminal } from "../terminal.js";
import { grouped } from "../text/numbers.js";
import { renderTable } from "../text/table.js";
import { loadInteger, measureOnBoard } from "../training/engines.js";
import { trainStatus } from "../training/progress.js";
import { makeFolder } from "../write-file.js";
import { type BackendFlags, backendOption, jsonOption, recurrentOption, stripOption, wholeNumber } from "./options.js";
import { collect, numberOf, rateOf, shareOf, toJobData, type WindowFlags, windowOptions } from "./window-data.js";

interface PruneFlags extends Omit<WindowFlags, "data">, BackendFlags {
  readonly preset?: "grasp";
  readonly data?: string;
  readonly output: string;
  readonly share: string;
  readonly limit: readonly string[];
  readonly rounds: number;
  readonly epochs: number;
  readonly sparseEpochs: number;
  readonly tuneEpochs: number;
  readonly rate: string;
  readonly batch: number;
  readonly distill?: string;
  readonly lowRank?: string | true;
  readonly strip?: true;
  readonly sensitivity?: true;
  readonly seed: number;
  readonly board: boolean;
  readonly json?: true;
}

export function pruneCommand(terminal: Terminal): Command {
  const command = new Command("prune")
    .description("make a trained network smaller: weights, then whole units, fine-tuning, int8; every stage scored")
    .argument("[model]", "trained tfjs model (folder with model.json and meta.json)")
    .addOption(new Option("-p, --preset <name>", "repeat a published pipeline instead").choices(["grasp"]))
    .option("-d, --data <data>", "labelled recordings of counts: csv, npy, npz or a data set folder")
    .requiredOption("-o, --output <folder>", "folder for the stages, their models and prune.json");
  for (const option of windowOptions()) command.addOption(option);
  return command
    .option("--share <share>", "share of weights, and of units, to remove", "0.5")
    .option(
      "--limit <cost=most>",
      "remove units until macs, flops or parameters are at most this; repeatable",
      collect,
      [],
    )
    .addOption(new Option("--rounds <count>", "remove units in so many steps").argParser(wholeNumber(1)).default(1))
    .addOption(new Option("--epochs <count>", "train the whole network first").argParser(wholeNumber(0)).default(0))
    .addOption(new Option("--sparse-epochs <count>", "of removing weights").argParser(wholeNumber(2)).default(20))
    .addOption(
      new Option("--tune-epochs <count>", "of fine-tuning without the units").argParser(wholeNumber(1)).default(50),
    )
    .option("--rate <number>", "learning rate", "0.01")
    .addOption(new Option("--batch <count>", "windows in a step").argParser(wholeNumber(1)).default(64))
    .option("--distill <weight>", "learn also from the whole network's answers, 0 .. 1")
    .option(
      "--low-rank [error]",
      "then split matrices in two where bytes and MACs fall, with at most this part of their products lost (0.1)",
    )
    .addOption(stripOption())
    .option("--sensitivity", "print the accuracy when one layer alone loses units, and stop")
    .addOption(new Option("--seed <number>", "same seed, same result").argParser(wholeNumber(0)).default(1))
    .addOption(backendOption())
    .addOption(recurrentOption())
    .option("--no-board", "do not run a window on the simulated nRF52840")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nexample:\n  gatelet prune --preset grasp -o grasp\n  gatelet prune run/best --data recordings.csv -o small",
    )
    .action((model: string | undefined, flags: PruneFlags) => run(terminal, model, flags));
}

async function run(terminal: Terminal, model: string | undefined, flags: PruneFlags): Promise<void> {
  const settings = common(flags);
  const source = sourceOf(model, flags);
  await makeFolder(flags.output);
  const { tf, choice } = await loadTf(flags.backend, { recurrent: flags.recurrent });
  if (!flags.json) terminal.print(choice);
  const progress = terminal.progress("reading");
  try {
    const found = source === undefined ? await graspRequest(tf, flags) : await modelRequest(tf, source, flags);
    const request = { ...settings, ...found };
    if (flags.sensitivity) return await printSensitivity(terminal, tf, request, flags.json === true);
    const rows = await prunePipeline(request, {
      tf,
      engine: loadInteger,
      ...(flags.board ? { meter: measureOnBoard } : {}),
      onProgress: (stage, at) => progress.update(at === undefined ? stage : `${stage}: ${trainStatus(at)}`),
    });
    progress.end();
    if (flags.json) return terminal.print(JSON.stringify({ name: request.name, rows }, null, 2));
    printRows(terminal, rows, flags.preset === "grasp");
    if (flags.lowRank !== undefined) printMatrices(terminal, rows);
  } finally {
    progress.end();
  }
}

type Tf = Awaited<ReturnType<typeof loadTf>>["tf"];

function common(flags: PruneFlags) {
  const share = shareOf("--share", flags.share);
  const limit = Object.fromEntries(flags.limit.map(limitOf)) as Partial<NetworkCost>;
  const goal: PruneGoal = flags.limit.length > 0 ? { limit } : { share };
  return {
    folder: flags.output,
    share,
    goal,
    rounds: flags.rounds,
    sparseEpochs: flags.sparseEpochs,
    tuneEpochs: flags.tuneEpochs,
    learningRate: rateOf(flags.rate),
    batchSize: flags.batch,
    seed: flags.seed,
    ...(flags.distill === undefined ? {} : { distill: shareOf("--distill", flags.distill) }),
    ...(flags.strip === undefined ? {} : { strip: true }),
    ...(flags.lowRank === undefined ? {} : { lowRank: lowRankError(flags.lowRank) }),
  };
}

/** People whose gloves are made up, and how often each does each grasp. */
const GLOVE = { seed: 11, people: 40, repetitions: 8 };
const GRASP_EPOCHS = 60;

/** What is pruned, and what it learns from. */
type Subject = Pick<PruneRequest, "name" | "samples" | "data" | "model" | "epochs">;

async function graspRequest(tf: Tf, flags: PruneFlags): Promise<Subject> {
  const data: JobData = { path: "grasp", window: GLOVE_FRAMES, split: "subject" };
  const samples = await samplesOf(generateGlove(GLOVE), { data, seed: flags.seed });
  const [steps, channels] = samples.train.shape;
  const model = buildPreset(tf, "cnn", { steps, channels, outputs: samples.train.outputs, seed: flags.seed });
  return { name: "grasp", samples, data, model, epochs: flags.epochs || GRASP_EPOCHS };
}

/** The model and its recordings; undefined for a preset. Throws `USAGE` for neither and for both. */
function sourceOf(model: string | undefined, flags: PruneFlags): { path: string; recordings: string } | undefined {
  if (flags.preset !== undefined) {
    const extra = model ?? flags.data;
    if (extra === undefined) return undefined;
    throw new CliError("USAGE", `--preset ${flags.preset} brings its own network and recordings: leave out ${extra}`);
  }
  if (model !== undefined && flags.data !== undefined) return { path: model, recordings: flags.data };
  throw new CliError("USAGE", "give a trained model and --data, or --preset grasp");
}

async function modelRequest(
  tf: Tf,
  { path, recordings }: { readonly path: string; readonly recordings: string },
  flags: PruneFlags,
): Promise<Subject> {
  const data = toJobData({ ...flags, data: recordings }, await commonMeta([path]));
  const samples = await prepareSamples({ data, seed: flags.seed }, await readNormalization(path));
  const model = await loadModelFiles(tf, join(path, "model.json"));
  checkModelShape(model, path, samples.train);
  return { name: model.name, samples, data, model, epochs: flags.epochs };
}

const LOW_RANK_ERROR = 0.1;

function lowRankError(flag: string | true): number {
  const error = flag === true ? LOW_RANK_ERROR : numberOf("--low-rank", flag);
  if (error >= 0 && error < 1) return error;
  throw new CliError("USAGE", `--low-rank is ${error}, expected 0 or more and below 1`);
}

function limitOf(text: string): [string, number] {
  const [key, most = ""] = text.split("=");
  if (["macs", "flops", "parameters"].includes(key)) return [key, numberOf(`--limit ${key}`, most)];
  throw new CliError("USAGE", `--limit is "${text}", expected macs, flops or parameters: macs=20000`);
}

async function printSensitivity(terminal: Terminal, tf: Tf, request: PruneRequest, json: boolean): Promise<void> {
  const found = await layerSensitivity(
    tf,
    readNetwork(request.model),
    request.samples.validation ?? request.samples.test,
  );
  if (json) return terminal.print(JSON.stringify(found, null, 2));
  const columns = [
    { head: "layer" },
    ...["removed", "accuracy %", "MACs"].map((head) => ({ head, align: "right" as const })),
  ];
  const lines = found.map(({ layer, share, accuracy, macs }) => [
    layer,
    `${100 * share} %`,
    (100 * accuracy).toFixed(2),
    grouped(macs),
  ]);
  terminal.print(renderTable(columns, lines, terminal.width, terminal.style));
}

function printRows(terminal: Terminal, rows: readonly PruneRow[], published: boolean): void {
  const heads = ["accuracy %", "parameters", "bytes", "with names", "zipped", "MACs", "FLOPs", "ms", "RAM", "cycles"];
  const columns = [{ head: "stage" }, ...heads.map((head) => ({ head, align: "right" as const }))];
  const lines = rows.map((row) => [
    row.stage,
    (100 * row.accuracy).toFixed(2),
    grouped(row.parameters),
    grouped(row.bytes),
    grouped(row.describedBytes),
    grouped(row.zippedBytes),
    grouped(row.macs),
    grouped(row.flops),
    row.board === undefined ? "-" : row.board.milliseconds.toFixed(2),
    row.ramBytes === undefined ? "-" : grouped(row.ramBytes),
    row.board === undefined ? "-" : grouped(row.board.cycles),
  ]);
  terminal.print(renderTable(columns, lines, Math.max(terminal.width, 110), terminal.style));
  terminal.print(
    "\nbytes: model.json and weights; int8: the .gate file without META (--strip), scored in the integer engine;",
  );
  terminal.print("with names: with meta.json, with META; ms and cycles: one window on the simulated nRF52840");
  printRatios(terminal, rows);
  if (!published) return;
  const others = ["accuracy %", "bytes", "zipped", "FLOPs", "ms", "RAM KB", "flash KB"];
  terminal.print("\npublished (recordings not public, ours are generated; nRF52840):");
  const theirs = [{ head: "stage" }, ...others.map((head) => ({ head, align: "right" as const }))];
  const texts = PUBLISHED_GRASP.map((row) =>
    row.map((cell) => (typeof cell === "number" ? cell.toLocaleString("en-US") : cell)),
  );
  terminal.print(renderTable(theirs, texts, Math.max(terminal.width, 90), terminal.style));
}

/** What the last stage is of the first. */
function printRatios(terminal: Terminal, rows: readonly PruneRow[]): void {
  const [first, last] = [rows[0], rows[rows.length - 1]];
  const ratio = (key: "bytes" | "describedBytes" | "macs") => (last[key] / first[key]).toFixed(3);
  const points = 100 * (last.accuracy - first.accuracy);
  terminal.print(
    `\n${last.stage} to ${first.stage}: bytes ${ratio("bytes")}, with names ${ratio("describedBytes")}, MACs ${ratio("macs")}, accuracy ${points < 0 ? "" : "+"}${points.toFixed(2)} points`,
  );
}

function printMatrices(terminal: Terminal, rows: readonly PruneRow[]): void {
  const matrices = rows.flatMap((row) => row.matrices ?? []);
  if (matrices.length === 0) {
    terminal.print("\nlow rank: no matrix gets smaller at this error, the stage is left out");
    return;
  }
  const heads = ["shape", "rank", "lost %", "bytes", "MACs a step"];
  const columns = [{ head: "split layer" }, ...heads.map((head) => ({ head, align: "right" as const }))];
  const lines = matrices.map((matrix) => [
    matrix.layer,
    `${matrix.rows} x ${matrix.cols}`,
    String(matrix.rank),
    (100 * matrix.error).toFixed(1),
    `${grouped(matrix.bytesBefore)} > ${grouped(matrix.bytes)}`,
    `${grouped(matrix.macsBefore)} > ${grouped(matrix.macs)}`,
  ]);
  terminal.print(`\n${renderTable(columns, lines, terminal.width, terminal.style)}`);
}
