import { basename } from "node:path";
import { ElfError, type ElfFile, type EngineName, parseElf, runnerElfPath } from "@gatelet/sim";
import { Command, Option } from "commander";
import { budgetOf } from "../budget.js";
import { CheckFailed } from "../check/check-failed.js";
import { checkJunit, checkMarkdown } from "../check/check-files.js";
import { checkModel, STREAM_BLOCK } from "../check/check-model.js";
import { compareWithFloat } from "../check/float-baseline.js";
import { firmwareBoard, isRunner, renderFirmware, runFirmware } from "../check/own-firmware.js";
import { overBudget } from "../check/problems.js";
import { renderBaseline } from "../check/render-baseline.js";
import { renderCheck } from "../check/render-check.js";
import type { CheckReport } from "../check/report.js";
import { type BoardMaker, runnerBoards, serveGdb, writeWatched } from "../check/watch-run.js";
import { CliError } from "../cli-error.js";
import { type DataOptions, readBytes, readGateFile } from "../load-data.js";
import type { Terminal } from "../terminal.js";
import { checkWritable, writeFileWhole } from "../write-file.js";
import { DependentOption, jsonOption, wholeNumber } from "./options.js";

interface CheckFlags {
  readonly board: string;
  readonly frames?: string;
  readonly counts?: true;
  readonly physical?: true;
  readonly windows: number;
  readonly waitStates: "0" | "2" | "3";
  readonly engine: EngineName;
  readonly allEngines?: true;
  readonly firmware?: string;
  readonly ram?: string;
  readonly flash?: string;
  readonly baseline?: "float";
  readonly floatModel?: string;
  readonly profile?: string;
  readonly trace?: string;
  readonly traceLines: number;
  readonly gdb?: number;
  readonly junit?: string;
  readonly markdown?: string;
  readonly json?: true;
}

const TRACE_LINES = 100_000;
const ENGINES: readonly EngineName[] = ["builtin", "renode", "qemu"];

export function checkCommand(terminal: Terminal): Command {
  return new Command("check")
    .description("run a .gate file in the C firmware on an emulated board, compare with WebAssembly")
    .argument("<file>", ".gate file")
    .option("--board <name>", "board to emulate", "nrf52840")
    .option("--frames <data>", "recordings: csv, npy, npz or a data set folder (default: pseudo-random frames)")
    .addOption(new Option("--counts", "csv numbers are raw counts").conflicts("physical"))
    .option("--physical", "csv numbers are physical values")
    .addOption(
      new Option("--windows <count>", `windows to run; stream models: blocks of ${STREAM_BLOCK} frames`)
        .argParser(wholeNumber(1))
        .default(1),
    )
    .addOption(
      new Option("--wait-states <count>", "of flash: 0 none, 2 cache off, 3 cache on")
        .choices(["0", "2", "3"])
        .default("0"),
    )
    .addOption(new Option("--engine <name>", "emulator to run on").choices(ENGINES).default("builtin"))
    .addOption(new Option("--all-engines", "run on every emulator and compare their counts").conflicts("engine"))
    .option("--firmware <elf>", "your own build of the runner, or any firmware of yours, run to its end")
    .option("--ram <bytes>", "RAM budget, e.g. 16K: beyond it the emulated board has none")
    .option("--flash <bytes>", "flash budget for library and file, e.g. 64K")
    .addOption(new Option("--baseline <kind>", "also run the trained model as float32 C").choices(["float"]))
    .option("--float-model <model>", "with --baseline float: the trained model the file was made from")
    .option("--profile <file>", "write cycles by function: speedscope .json, other names: collapsed stacks")
    .option("--trace <file>", "write the instructions of the first step")
    .addOption(
      new DependentOption(["--trace"], "--trace-lines <count>", "how many at most")
        .argParser(wholeNumber(1))
        .default(TRACE_LINES),
    )
    .addOption(
      new Option("--gdb <port>", "wait for gdb on loopback instead of checking").argParser(wholeNumber(0, 65_535)),
    )
    .option("--junit <file>", "write the verdict as JUnit XML")
    .option("--markdown <file>", "write a summary for a pull request")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nexample:\n  gatelet check har.gate --board nrf52840 --ram 16K\n\nexit codes: 0 passed, 1 failed, 2 wrong usage, 3 over budget",
    )
    .action((file: string, flags: CheckFlags) => run(terminal, file, flags));
}

async function run(terminal: Terminal, file: string, flags: CheckFlags): Promise<void> {
  const budget = budgetOf(flags);
  if ((flags.baseline === undefined) !== (flags.floatModel === undefined)) {
    throw new CliError("USAGE", "--baseline float needs --float-model with the trained model, and the other way round");
  }
  for (const path of [flags.junit, flags.markdown, flags.profile, flags.trace])
    if (path !== undefined) await checkWritable(path);
  const firmware = flags.firmware === undefined ? undefined : await readFirmware(flags.firmware);
  if (firmware !== undefined && !isRunner(firmware.file)) {
    await runOwn(terminal, firmware, flags, budget.ramBytes);
    return;
  }
  const bytes = await readGateFile(file);
  const progress = terminal.progress("reading");
  const waitStates = Number(flags.waitStates) as 0 | 2 | 3;
  let boards: BoardMaker | undefined;
  const report = await checkModel({
    name: file,
    bytes,
    budget,
    waitStates,
    engines: flags.gdb !== undefined ? [] : flags.allEngines ? ENGINES : [flags.engine],
    windows: flags.windows,
    options: dataOptionsOf(flags),
    ...(flags.frames === undefined ? {} : { frames: flags.frames }),
    ...(firmware === undefined ? {} : { firmware }),
    onProgress: (stage) => progress.update(stage),
    onPrepared: (request, plan) => {
      boards = runnerBoards(request, plan, waitStates);
    },
  }).finally(() => progress.end());
  if (boards !== undefined && flags.gdb !== undefined)
    return serveGdb(terminal, boards, flags.firmware ?? runnerElfPath(), flags.gdb);
  if (boards !== undefined) await writeWatched(boards, report.model, flags);
  const baseline = await baselineOf(report, bytes, flags);
  if (flags.junit !== undefined) await writeFileWhole(flags.junit, checkJunit(report, baseline));
  if (flags.markdown !== undefined) await writeFileWhole(flags.markdown, checkMarkdown(report, baseline));
  const { width, style } = terminal;
  if (flags.json) terminal.print(JSON.stringify(baseline === undefined ? report : { ...report, baseline }, null, 2));
  else terminal.print(renderCheck(report, width, style));
  if (!flags.json && baseline !== undefined) terminal.print(`\n${renderBaseline(baseline, width, style)}`);
  const [problem] = report.problems;
  if (problem === undefined) return;
  const code = overBudget(report.engines, report.memory).length > 0 ? "BUDGET" : "CHECK_FAILED";
  throw new CheckFailed(code, `check of ${file} failed: ${problem}`);
}

interface Firmware {
  readonly name: string;
  readonly elf: Uint8Array;
  readonly file: ElfFile;
}

/** A firmware with everything in it already: it runs to its end, the `.gate` file is not looked at. */
async function runOwn(
  terminal: Terminal,
  firmware: Firmware,
  flags: CheckFlags,
  ramBytes: number | undefined,
): Promise<void> {
  const waitStates = Number(flags.waitStates) as 0 | 2 | 3;
  const boards = () => firmwareBoard(firmware.elf, waitStates, ramBytes);
  if (flags.gdb !== undefined) return serveGdb(terminal, boards, flags.firmware ?? firmware.name, flags.gdb);
  await writeWatched(boards, firmware.name, flags);
  const report = runFirmware(firmware, firmware.file, waitStates, ramBytes);
  const { width, style } = terminal;
  terminal.print(flags.json ? JSON.stringify(report, null, 2) : renderFirmware(report, width, style));
  const [problem] = report.problems;
  if (problem !== undefined) throw new CheckFailed("CHECK_FAILED", `check of ${firmware.name} failed: ${problem}`);
}

const dataOptionsOf = (flags: CheckFlags): DataOptions =>
  flags.counts ? { values: "counts" } : flags.physical ? { values: "physical" } : {};

/** The float side of `--baseline float`; undefined without it, and where the check itself failed. */
async function baselineOf(report: CheckReport, bytes: Uint8Array, flags: CheckFlags) {
  if (flags.floatModel === undefined || report.problems.length > 0) return undefined;
  return compareWithFloat(report, bytes, flags.floatModel, {
    options: dataOptionsOf(flags),
    ...(flags.frames === undefined ? {} : { frames: flags.frames }),
  });
}

/** Throws `FILE_UNREADABLE`; ElfError for a file that is none. */
async function readFirmware(path: string): Promise<Firmware> {
  const elf = await readBytes(path);
  try {
    return { name: basename(path), elf, file: parseElf(elf) };
  } catch (cause) {
    if (!(cause instanceof ElfError)) throw cause;
    throw new CliError("FILE_UNREADABLE", `${path}: ${cause.message}`, { cause });
  }
}
