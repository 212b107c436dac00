import { Command, InvalidArgumentError, Option } from "commander";
import { streamErrorSvg } from "../evaluation/error-plot.js";
import { evaluateModel } from "../evaluation/evaluate-model.js";
import type { EvaluationReport } from "../evaluation/evaluation-report.js";
import { renderEvaluation } from "../evaluation/render-evaluation.js";
import { readGateFile } from "../load-data.js";
import { ENGINES, type EngineName } from "../runtime.js";
import type { Terminal } from "../terminal.js";
import { checkWritable, writeFileWhole } from "../write-file.js";
import { type DataFlags, DependentOption, dataOptions, jsonOption, toDataOptions, wholeNumber } from "./options.js";

interface EvalFlags extends DataFlags {
  readonly data: string;
  readonly float?: string;
  readonly stream?: true;
  readonly limit?: number;
  readonly transition?: number;
  readonly longStream: number;
  readonly plot?: string;
  readonly engine: EngineName;
  readonly json?: true;
}

const DEFAULT_LONG_STREAM = 100_000;

export function evalCommand(terminal: Terminal): Command {
  const command = new Command("eval")
    .description("score a .gate file on recordings, against the float model it was made from")
    .argument("<file>", ".gate file")
    .requiredOption("-d, --data <data>", "recordings: csv, npy, npz or a data set folder")
    .option("-f, --float <model>", "trained model to compare with")
    .option("--stream", "score every frame of continuous recordings")
    .addOption(
      new DependentOption(["--stream", "--float"], "--plot <file>", "write the error by time step as svg").argParser(
        svgFile,
      ),
    )
    .addOption(new Option("--limit <windows>", "look at so many windows only, spread evenly").argParser(wholeNumber(1)))
    .addOption(
      new DependentOption(
        ["--stream"],
        "--transition <frames>",
        "frames behind a change of label that are counted apart (default: a second)",
      ).argParser(wholeNumber(0)),
    )
    .addOption(
      new DependentOption(
        ["--stream", "--float"],
        "--long-stream <frames>",
        "length of the stream with kept state, 0 for none",
      )
        .argParser(wholeNumber(0))
        .default(DEFAULT_LONG_STREAM),
    )
    .option("--with-unlabelled", "count frames without a label as a class of their own")
    .addOption(new Option("--engine <name>", "engine to run on").choices(ENGINES).default("auto"));
  for (const option of dataOptions()) command.addOption(option);
  return command
    .addOption(jsonOption())
    .addHelpText("after", "\nexample:\n  gatelet eval har.gate --data recordings.csv --float model.json")
    .action((file: string, flags: EvalFlags) => run(terminal, file, flags));
}

function svgFile(path: string): string {
  if (path.endsWith(".svg")) return path;
  throw new InvalidArgumentError("expected a name that ends in .svg");
}

async function run(terminal: Terminal, file: string, flags: EvalFlags): Promise<void> {
  if (flags.plot !== undefined) await checkWritable(flags.plot);
  const bytes = await readGateFile(file);
  const progress = terminal.progress("reading");
  const report = await evaluateModel({
    name: file,
    bytes,
    data: flags.data,
    options: toDataOptions(flags),
    stream: flags.stream === true,
    longFrames: flags.longStream,
    engine: flags.engine,
    ...(flags.float === undefined ? {} : { floatModel: flags.float }),
    ...(flags.limit === undefined ? {} : { limit: flags.limit }),
    ...(flags.transition === undefined ? {} : { transitionFrames: flags.transition }),
    onProgress: (stage, done) => progress.update(stage, done),
  }).finally(() => progress.end());
  await writePlot(terminal, flags.plot, report);
  terminal.print(
    flags.json ? JSON.stringify(report, null, 2) : renderEvaluation(report, terminal.width, terminal.style),
  );
}

async function writePlot(terminal: Terminal, path: string | undefined, report: EvaluationReport): Promise<void> {
  if (path === undefined) return;
  const svg = report.streams === null ? null : streamErrorSvg(report.model, report.streams, report.streams.unit);
  if (svg === null) terminal.warn(`no plot written to ${path}: it takes --stream and --float`);
  else await writeFileWhole(path, svg);
}
