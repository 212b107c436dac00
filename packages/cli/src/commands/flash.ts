import { BOOT_TARGETS } from "@gatelet/sim";
import { Command, Option } from "commander";
import { CheckFailed } from "../check/check-failed.js";
import { flashModel } from "../flash/flash-model.js";
import { renderFlash } from "../flash/render-flash.js";
import { readBytes, readGateFile } from "../load-data.js";
import type { Terminal } from "../terminal.js";
import { checkWritable, writeFileWhole } from "../write-file.js";
import { jsonOption, wholeNumber } from "./options.js";

interface FlashFlags {
  readonly output: string;
  readonly boot?: string;
  readonly uartPin?: string;
  readonly frames?: string;
  readonly counts?: true;
  readonly physical?: true;
  readonly windows: number;
  readonly log?: string;
  readonly json?: true;
}

export function flashCommand(terminal: Terminal): Command {
  return new Command("flash")
    .description("write a flash image for an nRF52840 that times the model by itself and prints its counts")
    .argument("<file>", ".gate file")
    .requiredOption("-o, --output <image>", "image: .hex for a debug probe, .uf2, or .bin for the Arduino Nano 33 BLE")
    .addOption(
      new Option("--boot <name>", "what starts the image (default: as the ending of the output says)").choices(
        BOOT_TARGETS.map(({ name }) => name),
      ),
    )
    .option("--uart-pin <pin>", "pin of the text, e.g. P0.25 (default: P1.03, with .hex always P0.06)")
    .option("--frames <data>", "recordings: csv, npy, npz or a data set folder (default: pseudo-random frames)")
    .addOption(new Option("--counts", "csv numbers are raw counts").conflicts("physical"))
    .option("--physical", "csv numbers are physical values")
    .addOption(
      new Option("--windows <count>", "windows to run; stream models: blocks of 32 frames")
        .argParser(wholeNumber(1))
        .default(8),
    )
    .option("--log <file>", "what a real board printed: its counts beside the simulated ones")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nexample:\n  gatelet flash har.gate -o har.bin\n  gatelet flash har.gate -o har.bin --log uart.txt",
    )
    .action((file: string, flags: FlashFlags) => run(terminal, file, flags));
}

async function run(terminal: Terminal, file: string, flags: FlashFlags): Promise<void> {
  await checkWritable(flags.output);
  const bytes = await readGateFile(file);
  const progress = terminal.progress("reading");
  const { image, report } = await flashModel({
    name: file,
    bytes,
    output: flags.output,
    windows: flags.windows,
    options: flags.counts ? { values: "counts" } : flags.physical ? { values: "physical" } : {},
    ...(flags.boot === undefined ? {} : { boot: flags.boot }),
    ...(flags.uartPin === undefined ? {} : { uartPin: flags.uartPin }),
    ...(flags.frames === undefined ? {} : { frames: flags.frames }),
    ...(flags.log === undefined ? {} : { log: Buffer.from(await readBytes(flags.log)).toString("latin1") }),
    onProgress: (stage) => progress.update(stage),
  }).finally(() => progress.end());
  await writeFileWhole(flags.output, image);
  terminal.print(flags.json ? JSON.stringify(report, null, 2) : renderFlash(report, terminal.width, terminal.style));
  if (report.sameAnswers === false) {
    throw new CheckFailed(
      "CHECK_FAILED",
      `the board's outputs or state in ${flags.log} differ from the emulated board's`,
    );
  }
}
