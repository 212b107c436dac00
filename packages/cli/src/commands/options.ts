import { LIMITS } from "@gatelet/converter/format";
import { BACKEND_NAMES, type BackendName, RECURRENT_PATHS, type RecurrentPath } from "@gatelet/train";
import { type Command, InvalidArgumentError, Option } from "commander";
import { CliError } from "../cli-error.js";
import type { DataOptions } from "../load-data.js";

/** A whole number from `least` to `most`, for commander. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  const limits = most === Number.MAX_SAFE_INTEGER ? `at least ${least}` : `${least} .. ${most}`;
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`expected a whole number, ${limits}`);
  };
}

/** Frames in a window, as many as a file can say, for commander. */
export const windowLength = wholeNumber(1, LIMITS.rows);

/** An option that says nothing unless others are given too. */
export class DependentOption extends Option {
  constructor(
    /** Long names of the others, `--target`. */
    readonly needs: readonly string[],
    flags: string,
    description: string,
  ) {
    super(flags, `${description} (with ${needs.join(" and ")})`);
  }
}

/** Throws `USAGE` for an option that is given without what it depends on: it would do nothing. */
export function checkDependencies(command: Command): void {
  const given = command.options.filter((option) => command.getOptionValueSource(option.attributeName()) === "cli");
  for (const option of given) {
    if (!(option instanceof DependentOption)) continue;
    const absent = option.needs.filter((name) => !given.some(({ long }) => long === name));
    if (absent.length > 0) throw new CliError("USAGE", `${option.long} does nothing without ${absent.join(" and ")}`);
  }
}

/** Options that say how recordings are read, as commander parses them. */
export interface DataFlags {
  readonly label?: string;
  readonly target?: string;
  readonly ahead?: number;
  readonly session?: string;
  readonly channels?: string;
  readonly windows?: string;
  readonly splitColumn?: string;
  readonly hop?: number;
  readonly counts?: true;
  readonly physical?: true;
  readonly withUnlabelled?: true;
}

export const aheadOption = (): Option =>
  new DependentOption(["--target"], "--ahead <frames>", "frames between a window's end and its target").argParser(
    wholeNumber(0),
  );

export const splitColumnOption = (): Option =>
  new DependentOption(["--windows"], "--split-column <name>", "column of that table with train and test").default(
    "split",
  );

export const dataOptions = (): Option[] => [
  new Option("--label <column>", "csv column with the label (default: label, class or activity)"),
  new Option("--session <column>", "csv column whose change starts a new recording (default: session, recording)"),
  new Option("--target <column>", "column or channel to predict: scores a regression model"),
  aheadOption(),
  new Option("--channels <names>", "channels to feed, in order, separated by commas"),
  new Option("--windows <file>", "table of windows: columns start, label and a split column"),
  splitColumnOption(),
  new Option("--hop <frames>", "frames between the starts of windows").argParser(wholeNumber(1)),
  new Option("--counts", "numbers of a csv file are raw counts").conflicts("physical"),
  new Option("--physical", "numbers of a csv file are physical values"),
];

export function toDataOptions(flags: DataFlags): DataOptions {
  const { label, target, ahead, session, channels, windows, splitColumn, hop, counts, physical, withUnlabelled } =
    flags;
  const values = counts ? "counts" : physical ? "physical" : undefined;
  const entries = Object.entries({
    label,
    target,
    ahead,
    session,
    channels: channels?.split(",").map((name) => name.trim()),
    windows,
    splitColumn,
    hop,
    values,
    withUnlabelled,
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as DataOptions;
}

/** What computes a training, as commander parses it. */
export interface BackendFlags {
  readonly backend: BackendName;
  readonly recurrent?: RecurrentPath;
}

export const backendOption = (): Option =>
  new Option("--backend <name>", "tfjs back end").choices(BACKEND_NAMES).default("auto");

export const recurrentOption = (): Option =>
  new Option(
    "--recurrent <path>",
    "recurrent layers in kernels for whole sequences, on wasm and cpu, or step by step in tfjs (default: fused)",
  ).choices(RECURRENT_PATHS);

export const stripOption = (): Option =>
  new Option("--strip", "leave names, classes and scales (META) out of the file: no engine needs them");

export const jsonOption = (what = "print one json document instead of text"): Option => new Option("--json", what);
