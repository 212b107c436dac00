import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Normalization } from "../data/prepare.js";
import { TrainError } from "../training/errors.js";

/** What stands beside a trained model in `meta.json`; `mean` and `std` in physical units. */
export interface ModelMeta extends Normalization {
  /** In the order of the model's outputs. */
  readonly classes?: readonly string[];
  /** Physical value of a raw count, where the model was trained on counts. */
  readonly inputScale?: readonly number[];
}

/** Reads the `meta.json` of a model's folder. Throws `MODEL_META` naming the file and what it lacks. */
export async function readModelMeta(folder: string): Promise<ModelMeta> {
  const file = join(folder, "meta.json");
  const fail = (why: string, cause?: unknown) => new TrainError("MODEL_META", `${file}: ${why}`, { cause });
  const text = await readFile(file, "utf8").catch((cause) => {
    throw fail("cannot be read, expected mean and std of the trained model's inputs", cause);
  });
  let found: Partial<ModelMeta> | null;
  try {
    found = JSON.parse(text) as Partial<ModelMeta> | null;
  } catch (cause) {
    throw fail("not valid json", cause);
  }
  const { mean, std, classes, inputScale } = found ?? {};
  if (!isNumbers(mean) || !isNumbers(std) || mean.length !== std.length) {
    throw fail("expected mean and std, a number a channel");
  }
  return {
    mean,
    std,
    ...(Array.isArray(classes) ? { classes: classes.map(String) } : {}),
    ...(isNumbers(inputScale) ? { inputScale } : {}),
  };
}

const isNumbers = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length > 0 && value.every((each) => Number.isFinite(each));

/** Mean and deviation from the `meta.json` beside a model, in physical units. */
export async function readNormalization(folder: string): Promise<Normalization> {
  const { mean, std } = await readModelMeta(folder);
  return { mean, std };
}

/**
 * Classes and scale of counts that several models have in common: answers are mixed class by class, and inputs come from
 * the same counts. Models that do not say agree with all. Throws `MODELS_DIFFER` naming both models and the difference.
 */
export async function commonMeta(folders: readonly string[]): Promise<Pick<ModelMeta, "classes" | "inputScale">> {
  const metas = await Promise.all(folders.map(async (folder) => ({ folder, meta: await readModelMeta(folder) })));
  const same = <Key extends "classes" | "inputScale">(key: Key, what: string): ModelMeta[Key] => {
    const [first, ...others] = metas.filter(({ meta }) => meta[key] !== undefined);
    const wanted = first?.meta[key];
    for (const { folder, meta } of others) {
      const difference = firstDifference(wanted as readonly unknown[], meta[key] as readonly unknown[]);
      if (difference === undefined) continue;
      throw new TrainError("MODELS_DIFFER", `${what} of ${folder} and ${first.folder} differ: ${difference}`);
    }
    return wanted;
  };
  const classes = same("classes", "classes");
  const inputScale = same("inputScale", "input scales");
  return { ...(classes === undefined ? {} : { classes }), ...(inputScale === undefined ? {} : { inputScale }) };
}

/** `the 2nd list has "b" at place 3, the first "a"` in short; undefined for equal lists. */
function firstDifference(first: readonly unknown[], other: readonly unknown[]): string | undefined {
  if (first.length !== other.length) return `${other.length} against ${first.length}`;
  const place = first.findIndex((value, i) => !isSame(value, other[i]));
  return place < 0 ? undefined : `${other[place]} against ${first[place]} at place ${place + 1} of ${first.length}`;
}

/** Scales may have been rounded when they were written. */
const isSame = (a: unknown, b: unknown) =>
  typeof a === "number" && typeof b === "number" ? Math.abs(a - b) <= 1e-6 * Math.abs(a) : a === b;
