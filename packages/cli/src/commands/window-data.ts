import { LIMITS } from "@gatelet/converter/format";
import type { JobData, ModelMeta } from "@gatelet/train";
import { Option } from "commander";
import { CliError } from "../cli-error.js";
import { splitColumnOption, wholeNumber, windowLength } from "./options.js";

/** How recordings become windows to train with, as commander parses it. */
export interface WindowFlags {
  readonly data: string;
  readonly window: number;
  readonly hop?: number;
  readonly windows?: string;
  readonly splitColumn: string;
  readonly split: "given" | "subject" | "random";
  readonly label?: string;
  readonly session?: string;
}

/** Options of every command that trains on labelled windows. */
export const windowOptions = (): Option[] => [
  new Option("--window <frames>", "frames in a window").argParser(windowLength).default(50),
  new Option("--hop <frames>", "frames between the starts of windows").argParser(wholeNumber(1)),
  new Option("--windows <file>", "table of windows: columns start, label and a split column"),
  splitColumnOption(),
  new Option("--split <how>", "who is tested").choices(["given", "subject", "random"]).default("subject"),
  new Option("--label <column>", "csv column with the label"),
  new Option("--session <column>", "csv column whose change starts a new recording"),
];

/**
 * The samples that flags describe. Windows overlap by half, but for a random split, which would share frames.
 * @param known what trained models say about their classes and counts
 */
export function toJobData(flags: WindowFlags, known: Pick<ModelMeta, "classes" | "inputScale"> = {}): JobData {
  const { data, window, windows, splitColumn, split, label, session } = flags;
  const hop = flags.hop ?? (split === "subject" ? Math.max(1, window >> 1) : undefined);
  return {
    path: data,
    window,
    split: windows === undefined ? split : "given",
    ...known,
    ...(hop === undefined ? {} : { hop }),
    ...(label === undefined ? {} : { labelColumn: label }),
    ...(session === undefined ? {} : { sessionColumn: session }),
    ...(windows === undefined ? {} : { windowTable: { path: windows, column: splitColumn } }),
  };
}

/** Gathers a repeatable option, for commander. */
export const collect = (text: string, before: readonly string[]): string[] => [...before, text];

/** The number that an option was given. Throws `USAGE` naming the option and its text. */
export function numberOf(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value)) return value;
  throw new CliError("USAGE", `${option} is "${text}", expected a number`);
}

const MOST_RATE = 10;

/** A learning rate. Throws `USAGE` for what no training can use. */
export function rateOf(text: string): number {
  const rate = numberOf("--rate", text);
  if (rate > 0 && rate < MOST_RATE) return rate;
  throw new CliError("USAGE", `--rate is ${rate}, expected above 0 and below ${MOST_RATE}`);
}

/** A share of the whole. Throws `USAGE` outside 0 .. 1. */
export function shareOf(option: string, text: string): number {
  const value = numberOf(option, text);
  if (value >= 0 && value <= 1) return value;
  throw new CliError("USAGE", `${option} is ${value}, expected 0 .. 1`);
}

/** Sizes of layers, `64-32`. Throws `USAGE` for what is no size that a file can hold. */
export function sizesOf(option: string, text: string): number[] {
  const sizes = text.split("-").map(Number);
  if (sizes.every((size) => Number.isInteger(size) && size >= 1 && size <= LIMITS.rowSize)) return sizes;
  throw new CliError("USAGE", `${option} is "${text}", expected sizes of 1 .. ${LIMITS.rowSize} such as 64-32`);
}
