import { Command } from "commander";
import { budgetOf } from "../budget.js";
import { inspectModel } from "../inspect/model-report.js";
import { renderModelReport } from "../inspect/render-report.js";
import { readGateFile } from "../load-data.js";
import type { Terminal } from "../terminal.js";
import { jsonOption } from "./options.js";

interface InspectFlags {
  readonly ram?: string;
  readonly flash?: string;
  readonly board?: string;
  readonly json?: true;
}

export function inspectCommand(terminal: Terminal): Command {
  return new Command("inspect")
    .description("show the layers of a .gate file, its memory map and the budget left")
    .argument("<file>", ".gate file")
    .option("--ram <bytes>", "budget of RAM to compare with, e.g. 16K")
    .option("--flash <bytes>", "budget of flash to compare with, e.g. 64K")
    .option("--board <name>", "budgets of a board, e.g. nrf52840")
    .addOption(jsonOption())
    .addHelpText("after", "\nexample:\n  gatelet inspect har.gate --board nrf52840")
    .action(async (file: string, flags: InspectFlags) => {
      const budget = budgetOf(flags);
      const report = inspectModel(await readGateFile(file));
      if (flags.json) terminal.print(JSON.stringify({ ...report, budget }, null, 2));
      else terminal.print(renderModelReport(report, budget, terminal.width, terminal.style));
    });
}
