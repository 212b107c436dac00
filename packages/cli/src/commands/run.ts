import { Command, Option } from "commander";
import { runModel } from "../frames/run-model.js";
import { readGateFile } from "../load-data.js";
import { ENGINES, type EngineName } from "../runtime.js";
import type { Terminal } from "../terminal.js";
import { counted } from "../text/numbers.js";
import { jsonOption, wholeNumber } from "./options.js";

interface RunFlags {
  readonly format: "csv" | "int16";
  readonly hop?: number;
  readonly changes?: true;
  readonly counts?: true;
  readonly physical?: true;
  readonly engine: EngineName;
  readonly json?: true;
}

export function runCommand(terminal: Terminal): Command {
  return new Command("run")
    .description("read frames from standard input, write decisions as they fall")
    .argument("<file>", ".gate file")
    .addOption(
      new Option("--format <format>", "frames: csv lines, or raw little-endian int16")
        .choices(["csv", "int16"])
        .default("csv"),
    )
    .addOption(
      new Option(
        "--hop <frames>",
        "start a window every so many frames; windows overlap (default: the window)",
      ).argParser(wholeNumber(1)),
    )
    .option("--changes", "write a decision only where the class changes")
    .addOption(new Option("--counts", "csv numbers are raw counts").conflicts("physical"))
    .option("--physical", "csv numbers are physical values")
    .addOption(new Option("--engine <name>", "engine to run on").choices(ENGINES).default("auto"))
    .addOption(jsonOption("write decisions as json, an object a line"))
    .addHelpText("after", "\nexample:\n  gatelet run har.gate --hop 25 < frames.csv")
    .action((file: string, flags: RunFlags) => run(terminal, file, flags));
}

async function run(terminal: Terminal, file: string, flags: RunFlags): Promise<void> {
  const bytes = await readGateFile(file);
  const { stdin, stdout } = process;
  let closed = false;
  // A reader that has seen enough (`head`) closes the pipe: that ends the run and is no failure.
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    closed = true;
    stdin.destroy();
    process.exit(0);
  });
  const { frames, window } = await runModel({
    bytes,
    input: stdin,
    output: stdout,
    format: flags.format,
    json: flags.json === true,
    changesOnly: flags.changes === true,
    engine: flags.engine,
    stopped: () => closed,
    ...(flags.hop === undefined ? {} : { hop: flags.hop }),
    ...(flags.counts ? { values: "counts" as const } : flags.physical ? { values: "physical" as const } : {}),
  });
  if (frames === 0) terminal.warn("no frames came on standard input");
  else if (window !== null && frames < window) {
    terminal.warn(`${counted(frames, "frame")} came, a decision takes a window of ${window}`);
  }
}
