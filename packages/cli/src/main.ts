import { createRequire } from "node:module";
import { removeUnfinished } from "@gatelet/train";
import { Command, CommanderError } from "commander";
import { EXIT, exitCodeOf } from "./cli-error.js";
import { buildCommand } from "./commands/build.js";
import { checkCommand } from "./commands/check.js";
import { convertCommand } from "./commands/convert.js";
import { evalCommand } from "./commands/eval.js";
import { flashCommand } from "./commands/flash.js";
import { inspectCommand } from "./commands/inspect.js";
import { checkDependencies } from "./commands/options.js";
import { pruneCommand } from "./commands/prune.js";
import { runCommand } from "./commands/run.js";
import { shrinkCommand } from "./commands/shrink.js";
import { studyCommand } from "./commands/study.js";
import { trainCommand } from "./commands/train.js";
import { processTerminal } from "./terminal.js";
import { describeOption } from "./text/help.js";

const { version } = createRequire(import.meta.url)("../package.json") as { version: string };

/** Builds the command; errors of commander are thrown, not printed twice. */
export function createProgram(terminal = processTerminal()): Command {
  const program = new Command("gatelet")
    .description("run trained recurrent models bit-exactly, from the browser to a Cortex-M4")
    .version(version)
    .addHelpText(
      "after",
      [
        "",
        "example:",
        "  gatelet convert model.json --calibrate frames.csv -o har.gate",
        "  gatelet run har.gate < frames.csv",
        "",
        "exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 over budget, 130 interrupted",
      ].join("\n"),
    );
  const groups = {
    "A model:": [convertCommand(terminal), inspectCommand(terminal), evalCommand(terminal), runCommand(terminal)],
    "On a board, and to ship:": [checkCommand(terminal), flashCommand(terminal), buildCommand(terminal)],
    "Training (npm i @tensorflow/tfjs):": [
      trainCommand(terminal),
      studyCommand(terminal),
      pruneCommand(terminal),
      shrinkCommand(terminal),
    ],
  };
  for (const [heading, commands] of Object.entries(groups)) {
    for (const command of commands) program.addCommand(command.helpGroup(heading));
  }
  program.hook("preAction", (_, command) => checkDependencies(command));
  for (const command of [program, ...program.commands]) {
    command.exitOverride();
    command.configureHelp({ helpWidth: Math.min(terminal.width, 100), optionDescription: describeOption });
    command.configureOutput({ outputError: () => {} });
  }
  return program;
}

/** Runs the command line; resolves to the exit code. Errors are printed here, once. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync(args as string[], { from: "user" });
    return EXIT.OK;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.OK;
      // Without a command commander has shown the help already.
      if (error.code !== "commander.help") process.stderr.write(`error: ${usageMessage(error, args[0])}\n`);
      return EXIT.USAGE;
    }
    process.stderr.write(`error: ${messageOf(error)}\n`);
    return exitCodeOf(error);
  }
}

/** Commander's message on one line: `unknown command 'convrt' (did you mean convert?)`; else where the help is. */
function usageMessage({ message, code }: CommanderError, command: string | undefined): string {
  const text = message
    .replace(/^error: /, "")
    .replace(/\n\(Did you/, " (did you")
    .replace("is invalid. A", "is invalid: a")
    .replace("is invalid. ", "is invalid: ")
    .replace(/\.? Expected /, ", expected ")
    .replace(/\.$/, "")
    .replaceAll("\n", " ");
  if (text.includes("did you mean") || code === "commander.invalidArgument") return text;
  const known = command !== undefined && /^[a-z]+$/.test(command) && code !== "commander.unknownCommand";
  return `${text}: see gatelet ${known ? `${command} ` : ""}--help`;
}

/** The message alone for errors that are meant for users; the stack too for those that are not. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error ? error.message : (error.stack ?? error.message);
}

process.once("SIGINT", () => {
  removeUnfinished();
  process.stderr.write("\n");
  process.exit(EXIT.INTERRUPTED);
});

// A reader that has seen enough (`head`) closes the pipe: the command goes on to its end, and its exit code stays its own.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

process.exitCode = await main(process.argv.slice(2));
