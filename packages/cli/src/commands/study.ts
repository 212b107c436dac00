import { availableParallelism } from "node:os";
import {
  averagesTable,
  haptStudy,
  PROTOCOL_GUESSES,
  PROTOCOL_NOTE,
  publishedTable,
  runStudy,
  STUDY_CELLS,
  type StudyCell,
  type StudyReport,
  type StudyRequest,
  type StudyTable,
  studyTable,
  uea5Study,
} from "@gatelet/train";
import { Command, InvalidArgumentError, Option } from "commander";
import { CliError } from "../cli-error.js";
import type { Terminal } from "../terminal.js";
import { renderTable } from "../text/table.js";
import { loadInteger, measureOnBoard } from "../training/engines.js";
import { shownPool } from "../training/progress.js";
import { makeFolder } from "../write-file.js";
import { type BackendFlags, jsonOption, recurrentOption, wholeNumber } from "./options.js";

interface StudyFlags extends Pick<BackendFlags, "recurrent"> {
  readonly preset: "hapt" | "uea5";
  readonly data: string;
  readonly models?: string;
  readonly output: string;
  readonly protocol: "honest" | "published" | "both";
  readonly seeds?: number;
  readonly folds?: number;
  readonly epochs?: number;
  readonly units: number;
  readonly cells?: readonly StudyCell[];
  readonly limit?: number;
  readonly testLimit?: number;
  readonly only?: string;
  readonly quick?: true;
  readonly bits: "8" | "4" | "8,4";
  readonly board: boolean;
  readonly workers: number;
  readonly json?: true;
}

const HALF = Math.max(1, availableParallelism() >> 1);

export function studyCommand(terminal: Terminal): Command {
  return new Command("study")
    .description("train, convert and compare architectures; goes on where it was stopped")
    .addOption(new Option("-p, --preset <name>", "study to repeat").choices(["hapt", "uea5"]).default("hapt"))
    .requiredOption(
      "-d, --data <folder>",
      "hapt: folder with the recordings; uea5: folder with the five data set folders",
    )
    .option("-m, --models <folder>", "folder with trained hapt-rnn, hapt-lstm, hapt-gru and hapt-windows.csv.gz")
    .requiredOption("-o, --output <folder>", "folder for trainings, study.json and study.md")
    .addOption(
      new Option(
        "--protocol <name>",
        "people held out, as the publication did (balanced frames, random split), or both",
      )
        .choices(["honest", "published", "both"])
        .default("honest"),
    )
    .addOption(new Option("--seeds <count>", "nets trained of each kind (default: 3)").argParser(wholeNumber(0)))
    .addOption(
      new Option("--folds <count>", "cross-validate the small nets by people instead of seeds").argParser(
        wholeNumber(2),
      ),
    )
    .addOption(
      new Option("--epochs <count>", "passes over the data (default: hapt 12, uea5 6 to 60)").argParser(wholeNumber(1)),
    )
    .addOption(new Option("--units <count>", "units of the small nets").argParser(wholeNumber(1)).default(32))
    .addOption(
      new Option("--cells <list>", "hapt: cells of the small nets (default: rnn,lstm,gru)").argParser(cellList),
    )
    .addOption(
      new Option("--limit <windows>", "train on so many windows at most, every class keeps its share").argParser(
        wholeNumber(1),
      ),
    )
    .addOption(
      new Option("--test-limit <windows>", "hapt: score so many test windows at most").argParser(wholeNumber(1)),
    )
    .option("--only <names>", "these networks of the preset alone, separated by commas, e.g. lstm32,gru32")
    .option("--quick", "to try it: one seed, 2 epochs, 400 windows, unless said otherwise")
    .addOption(new Option("--bits <list>", "bits of a weight").choices(["8", "4", "8,4"]).default("8,4"))
    .option("--no-board", "do not run a window on the simulated nRF52840")
    .addOption(new Option("--workers <count>", "trainings at a time").argParser(wholeNumber(1)).default(HALF))
    .addOption(recurrentOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nexamples:\n  gatelet study --data hapt --models models -o study\n  gatelet study --preset uea5 --data sets -o baseline",
    )
    .action((flags: StudyFlags) => run(terminal, flags));
}

async function run(terminal: Terminal, flags: StudyFlags): Promise<void> {
  const { recurrent } = flags;
  const request = { ...onlySome(requestOf(flags), flags.only), ...(recurrent === undefined ? {} : { recurrent }) };
  const runs = request.architectures.reduce(
    (sum, { source }) => sum + (source.kind === "train" ? source.jobs.length : 0),
    0,
  );
  await makeFolder(flags.output);
  const progress = terminal.progress("reading");
  const report = await runStudy(request, {
    tools: {
      engine: loadInteger,
      ...(flags.board ? { meter: measureOnBoard } : {}),
      onProgress: (text) => progress.update(text),
    },
    pool: shownPool(terminal, progress, { workers: flags.workers, quiet: flags.json === true, runs }),
  }).finally(() => progress.end());
  if (flags.json) return terminal.print(JSON.stringify(report, null, 2));
  printReport(terminal, report);
}

/** `rnn,mgu`, for commander. */
function cellList(text: string): StudyCell[] {
  return text.split(",").map((part) => {
    const cell = STUDY_CELLS.find((name) => name === part.trim());
    if (cell === undefined) throw new InvalidArgumentError(`${part.trim()} is none of ${STUDY_CELLS.join(", ")}`);
    return cell;
  });
}

function requestOf(flags: StudyFlags): StudyRequest {
  const limit = flags.limit ?? (flags.quick ? 400 : undefined);
  const epochs = flags.epochs ?? (flags.quick ? 2 : undefined);
  const common = {
    folder: flags.output,
    data: flags.data,
    seeds: flags.seeds ?? (flags.quick ? 1 : 3),
    bits: flags.bits.split(",").map((bits) => (bits === "4" ? 4 : 8) as 4 | 8),
    ...(epochs === undefined ? {} : { epochs }),
    ...(limit === undefined ? {} : { limit }),
  };
  if (flags.preset === "uea5") {
    for (const option of ["models", "folds", "testLimit", "cells"] as const) {
      if (flags[option] !== undefined)
        throw new CliError("USAGE", `--${option === "testLimit" ? "test-limit" : option} is for the preset hapt only`);
    }
    if (flags.protocol !== "honest")
      throw new CliError("USAGE", `--protocol ${flags.protocol} is for the preset hapt only`);
    if (common.seeds === 0) throw new CliError("USAGE", "--seeds is 0, the preset uea5 needs 1 at least");
    return uea5Study(common);
  }
  return haptStudy({
    ...common,
    protocol: flags.protocol,
    units: flags.units,
    ...(flags.models === undefined ? {} : { models: flags.models }),
    ...(flags.folds === undefined ? {} : { folds: flags.folds }),
    ...(flags.cells === undefined ? {} : { cells: flags.cells }),
    ...(flags.testLimit === undefined ? {} : { testLimit: flags.testLimit }),
  });
}

/** The networks named, of every data set and protocol. Throws `USAGE` for one that the preset has not. */
function onlySome(request: StudyRequest, only: string | undefined): StudyRequest {
  if (only === undefined) return request;
  const wanted = only.split(",").map((name) => name.trim());
  const names = [...new Set(request.architectures.map(({ name }) => name))];
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new CliError("USAGE", `--only is "${unknown}", expected ${names.join(", ")}`);
  return { ...request, architectures: request.architectures.filter(({ name }) => wanted.includes(name)) };
}

function printReport(terminal: Terminal, report: StudyReport): void {
  terminal.print(plain(terminal, studyTable(report)));
  const changes = Object.entries(report.meanChange).map(([bits, points]) => `${bits} ${points.toFixed(3)} points`);
  terminal.print(`\nmean change by quantization: ${changes.join(", ")}`);
  terminal.print("cycles, ms and uJ: one window, simulated nRF52840 at 64 MHz\n");
  if (report.averages !== undefined) terminal.print(`${plain(terminal, averagesTable(report))}\n`);
  terminal.print(`recommended, ${report.recommendation}`);
  for (const note of report.notes ?? []) terminal.print(note);
  const published = publishedTable(report);
  if (published.lines.length === 0) return;
  terminal.print(`\n${plain(terminal, published)}`);
  terminal.print(`\n${PROTOCOL_NOTE}`);
  if (report.rows.some(({ protocol }) => protocol === "published")) {
    terminal.print(`\nguessed: ${PROTOCOL_GUESSES.join("; ")}`);
  }
}

/** Wide tables are not cut: their figures are what matters. */
function plain(terminal: Terminal, { head, lines }: StudyTable): string {
  const columns = head.map((text, i) => ({ head: text, align: i < 2 ? ("left" as const) : ("right" as const) }));
  return renderTable(columns, lines, Math.max(terminal.width, 200), terminal.style);
}
