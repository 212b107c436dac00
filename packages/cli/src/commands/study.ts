import { availableParallelism } from "node:os";
import { haptStudy, PROTOCOL_NOTE, publishedTable, runStudy, type StudyTable, studyTable } from "@gatelet/train";
import { Command, Option } from "commander";
import type { Terminal } from "../terminal.js";
import { renderTable } from "../text/table.js";
import { loadInteger, measureOnBoard } from "../training/engines.js";
import { shownPool } from "../training/progress.js";
import { jsonOption, wholeNumber } from "./options.js";

interface StudyFlags {
  readonly preset: "hapt";
  readonly data: string;
  readonly models?: string;
  readonly output: string;
  readonly protocol: "honest" | "published";
  readonly seeds: number;
  readonly folds?: number;
  readonly epochs: number;
  readonly units: number;
  readonly limit?: number;
  readonly bits: "8" | "4" | "8,4";
  readonly board: boolean;
  readonly workers: number;
  readonly json?: true;
}

const HALF = Math.max(1, availableParallelism() >> 1);

export function studyCommand(terminal: Terminal): Command {
  return new Command("study")
    .description("train, convert and compare architectures; goes on where it was stopped")
    .addOption(new Option("-p, --preset <name>", "study to repeat").choices(["hapt"]).default("hapt"))
    .requiredOption("-d, --data <folder>", "data set folder with the HAPT recordings")
    .option("-m, --models <folder>", "folder with trained hapt-rnn, hapt-lstm, hapt-gru and hapt-windows.csv.gz")
    .requiredOption("-o, --output <folder>", "folder for trainings, study.json and study.md")
    .addOption(
      new Option("--protocol <name>", "people held out, or as the publication did: balanced frames, random split")
        .choices(["honest", "published"])
        .default("honest"),
    )
    .addOption(new Option("--seeds <count>", "small nets trained of each kind").argParser(wholeNumber(0)).default(3))
    .addOption(
      new Option("--folds <count>", "cross-validate the small nets by people instead of seeds").argParser(
        wholeNumber(2),
      ),
    )
    .addOption(new Option("--epochs <count>", "passes over the data").argParser(wholeNumber(1)).default(12))
    .addOption(new Option("--units <count>", "units of the small nets").argParser(wholeNumber(1)).default(32))
    .addOption(new Option("--limit <windows>", "train on so many windows only").argParser(wholeNumber(1)))
    .addOption(new Option("--bits <list>", "bits of a weight").choices(["8", "4", "8,4"]).default("8,4"))
    .option("--no-board", "do not run a window on the simulated nRF52840")
    .addOption(new Option("--workers <count>", "trainings at a time").argParser(wholeNumber(1)).default(HALF))
    .addOption(jsonOption())
    .addHelpText("after", "\nexample:\n  gatelet study --data hapt --models models -o study")
    .action((flags: StudyFlags) => run(terminal, flags));
}

async function run(terminal: Terminal, flags: StudyFlags): Promise<void> {
  const request = haptStudy({
    folder: flags.output,
    data: flags.data,
    protocol: flags.protocol,
    seeds: flags.seeds,
    epochs: flags.epochs,
    units: flags.units,
    bits: flags.bits.split(",").map((bits) => (bits === "4" ? 4 : 8)),
    ...(flags.models === undefined ? {} : { models: flags.models }),
    ...(flags.folds === undefined ? {} : { folds: flags.folds }),
    ...(flags.limit === undefined ? {} : { limit: flags.limit }),
  });
  const runs = request.architectures.reduce(
    (sum, { source }) => sum + (source.kind === "train" ? source.jobs.length : 0),
    0,
  );
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
  terminal.print(plain(terminal, studyTable(report)));
  const changes = Object.entries(report.meanChange).map(([bits, points]) => `${bits} ${points.toFixed(3)} points`);
  terminal.print(`\nmean change by quantization: ${changes.join(", ")}`);
  terminal.print(`recommended, ${report.recommendation}`);
  terminal.print(`cycles, ms and uJ: one window, simulated nRF52840 at 64 MHz\n`);
  terminal.print(plain(terminal, publishedTable(report)));
  terminal.print(`\n${PROTOCOL_NOTE}`);
}

/** Wide tables are not cut: their figures are what matters. */
function plain(terminal: Terminal, { head, lines }: StudyTable): string {
  const columns = head.map((text, i) => ({ head: text, align: i < 2 ? ("left" as const) : ("right" as const) }));
  return renderTable(columns, lines, Math.max(terminal.width, 200), terminal.style);
}
