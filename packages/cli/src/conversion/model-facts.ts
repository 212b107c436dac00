import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { CliError } from "../cli-error.js";

/**
 * What stands in the `meta.json` beside a trained model: facts that the model file itself does not hold.
 * Network input = (physical - mean) / std; physical = count * inputScale.
 */
export interface ModelFacts {
  readonly name?: string;
  readonly features?: readonly string[];
  readonly units?: readonly string[];
  readonly classes?: readonly string[];
  readonly outputs?: readonly string[];
  readonly inputScale?: readonly number[];
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  readonly frameRate?: number;
  /** Physical target = network output * targetStd + targetMean. */
  readonly targetMean?: number;
  readonly targetStd?: number;
}

const isText = (value: unknown) => typeof value === "string";
const isNumber = (value: unknown) => typeof value === "number" && Number.isFinite(value);
const listOf = (check: (value: unknown) => boolean) => (value: unknown) => Array.isArray(value) && value.every(check);

/** Key of meta.json, what it must be, and the name of the fact. */
const KEYS: readonly (readonly [
  key: string,
  fact: keyof ModelFacts,
  expected: string,
  check: (value: unknown) => boolean,
])[] = [
  ["name", "name", "a text", isText],
  ["features", "features", "a list of names", listOf(isText)],
  ["units", "units", "a list of units", listOf(isText)],
  ["classes", "classes", "a list of names", listOf(isText)],
  ["target", "outputs", "a list of names", listOf(isText)],
  ["inputScale", "inputScale", "a list of numbers", listOf(isNumber)],
  ["mean", "mean", "a list of numbers", listOf(isNumber)],
  ["std", "std", "a list of numbers", listOf(isNumber)],
  ["frameRate", "frameRate", "a number", isNumber],
  ["target_mean", "targetMean", "a number", isNumber],
  ["target_std", "targetStd", "a number", isNumber],
];

/**
 * Reads the facts beside a model.
 * @param model  path of the model file or its folder
 * @param chosen path of another facts file; absent: `meta.json` beside the model, and no facts where there is none
 * Throws `FILE_UNREADABLE` for a file that is not what it should be, naming the key; `MODEL_MISMATCH` for a std of 0.
 */
export async function readModelFacts(model: string, chosen?: string): Promise<ModelFacts> {
  const isFolder = (await stat(model).catch(() => undefined))?.isDirectory() === true;
  const path = chosen ?? join(isFolder ? model : dirname(model), "meta.json");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    if (chosen === undefined) return {};
    throw new CliError("FILE_UNREADABLE", `no file ${path}`, { cause });
  }
  const facts = parseModelFacts(text, path);
  if (chosen !== undefined && Object.keys(facts).length === 0) {
    const keys = KEYS.map(([key]) => key).join(", ");
    throw new CliError("FILE_UNREADABLE", `${path} holds no facts of a model, expected some of ${keys}`);
  }
  return facts;
}

/** See {@link readModelFacts}. */
export function parseModelFacts(text: string, path: string): ModelFacts {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (cause) {
    throw new CliError("FILE_UNREADABLE", `${path}: not valid json`, { cause });
  }
  const source = (typeof found === "object" && found !== null ? found : {}) as Record<string, unknown>;
  const facts: Record<string, unknown> = {};
  for (const [key, fact, expected, check] of KEYS) {
    const value = source[key];
    if (value === undefined || value === null) continue;
    if (!check(value)) {
      const shown = JSON.stringify(value).slice(0, 60);
      throw new CliError("FILE_UNREADABLE", `${basename(path)}: "${key}" is ${shown}, expected ${expected}`);
    }
    facts[fact] = value;
  }
  checkSpread(facts as ModelFacts, basename(path));
  return facts as ModelFacts;
}

function checkSpread({ mean, std, features }: ModelFacts, file: string): void {
  if ((mean === undefined) !== (std === undefined) || mean?.length !== std?.length) {
    const message = `${file}: ${mean?.length ?? 0} means and ${std?.length ?? 0} standard deviations, expected as many of each`;
    throw new CliError("MODEL_MISMATCH", message);
  }
  const flat = std?.findIndex((value) => !(value > 0)) ?? -1;
  if (flat < 0) return;
  const feature = features?.[flat] ?? `feature ${flat}`;
  const message = `${file}: std of ${feature} is ${std![flat]}, expected > 0 (a feature without variance: use 1, as it was trained)`;
  throw new CliError("MODEL_MISMATCH", message);
}
