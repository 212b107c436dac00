import { TrainError } from "../training/errors.js";
import { derivedRandom } from "../training/seeded-random.js";
import { type Random, shuffledIndices } from "./random.js";
import type { Recordings } from "./recordings.js";
import { type WindowSet, windowSamples } from "./windows.js";

/** Indices into `WindowSet.windows`. */
export interface DataSplit {
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
  readonly test: Uint32Array;
}

export type SplitKind = "given" | "subject" | "random";

export interface SplitOptions {
  /** `given`: as the data say (and by subject for the validation part); `subject`: nobody on two sides; `random`: by window. */
  readonly by: SplitKind;
  /** Shares of the whole, 0 .. 1; `test` does not count where the split is given. */
  readonly test?: number;
  readonly validation?: number;
  readonly seed?: number;
}

/** Divides windows into parts. Throws `TRAIN_OPTION` where a part would be empty or the data say no groups. */
export function splitWindows(set: WindowSet, options: SplitOptions): DataSplit {
  const { by, test = 0.25, validation = 0.15, seed = 1 } = options;
  const random = derivedRandom(seed, 2);
  const all = Uint32Array.from(set.windows, (_, i) => i);
  let split: DataSplit;
  if (by === "random") {
    const [testPart, rest] = takeStratified(set, all, test, random);
    const [validationPart, train] = takeStratified(set, rest, validation / (1 - test), random);
    split = { train, validation: validationPart, test: testPart };
  } else if (by === "subject") {
    const [testPart, rest] = takeGroups(set, all, test, random);
    const [validationPart, train] = takeGroups(set, rest, validation / (1 - test), random);
    split = { train, validation: validationPart, test: testPart };
  } else {
    const of = (part: string) => all.filter((index) => set.windows[index].split === part);
    const learn = of("train");
    const groups = new Set(Array.from(learn, (index) => groupOf(set, index)));
    const take = groups.size >= 3 ? takeGroups : takeStratified;
    const [validationPart, train] = take(set, learn, validation, random);
    split = { train, validation: validationPart, test: of("test") };
  }
  for (const [name, part] of Object.entries(split) as [keyof DataSplit, Uint32Array][]) {
    if (part.length > 0 || (name === "validation" && validation === 0) || (name === "test" && test === 0)) continue;
    const message = `${set.recordings.name}: the ${name} part of the split by ${by} is empty (${set.windows.length} windows)`;
    throw new TrainError("TRAIN_OPTION", message);
  }
  return split;
}

/** The same recordings with those of the named people as test part. Throws `TRAIN_OPTION` for somebody who is not there. */
export function splitByGroups(recordings: Recordings, testGroups: readonly string[]): Recordings {
  const unknown = testGroups.find((name) => recordings.sequences.every(({ group }) => group !== name));
  if (unknown !== undefined) {
    throw new TrainError("TRAIN_OPTION", `${recordings.name}: nobody is called "${unknown}", who shall be tested`);
  }
  const sequences = recordings.sequences.map((sequence) => ({
    ...sequence,
    split: sequence.group !== undefined && testGroups.includes(sequence.group) ? ("test" as const) : ("train" as const),
  }));
  return { ...recordings, sequences };
}

/** Who a window belongs to: the group of its sequence, else the sequence itself. */
function groupOf(set: WindowSet, index: number): string {
  const { sequence } = set.windows[index];
  return set.recordings.sequences[sequence].group ?? `sequence ${sequence}`;
}

/** Takes whole groups until they hold the share; returns [taken, rest]. */
function takeGroups(set: WindowSet, indices: Uint32Array, share: number, random: Random): [Uint32Array, Uint32Array] {
  const groups = [...new Set(Array.from(indices, (index) => groupOf(set, index)))];
  if (share > 0 && groups.length < 2) {
    const message = `${set.recordings.name}: ${groups.length} person or session cannot be divided: split at random`;
    throw new TrainError("TRAIN_OPTION", message);
  }
  const order = shuffledIndices(groups.length, random);
  const taken = new Set<string>();
  const wanted = Math.min(groups.length - 1, Math.max(share > 0 ? 1 : 0, Math.round(share * groups.length)));
  for (let i = 0; i < wanted; i++) taken.add(groups[order[i]]);
  return [
    indices.filter((index) => taken.has(groupOf(set, index))),
    indices.filter((index) => !taken.has(groupOf(set, index))),
  ];
}

/** Takes the share of every class at random; returns [taken, rest]. */
function takeStratified(set: WindowSet, indices: Uint32Array, share: number, random: Random) {
  const taken = new Set<number>();
  for (const members of byClass(set, indices).values()) {
    const order = shuffledIndices(members.length, random);
    const wanted = Math.round(share * members.length);
    for (let i = 0; i < wanted; i++) taken.add(members[order[i]]);
  }
  return [indices.filter((index) => taken.has(index)), indices.filter((index) => !taken.has(index))] as [
    Uint32Array,
    Uint32Array,
  ];
}

function byClass(set: WindowSet, indices: Uint32Array): Map<number, number[]> {
  const classes = new Map<number, number[]>();
  for (const index of indices) {
    const label = set.windows[index].label ?? -1;
    const members = classes.get(label);
    if (members === undefined) classes.set(label, [index]);
    else members.push(index);
  }
  return classes;
}

/**
 * Parts for cross-validation: each window is in the test part of one fold.
 * @param by `random`: every class is spread evenly over the folds; `subject`: whole people or sessions, the largest first
 *           to the fold that has least
 * @param options.validation share of the whole that is taken from each fold's training part; empty where one person only is left
 */
export function stratifiedFolds(
  set: WindowSet,
  folds: number,
  by: "random" | "subject",
  options: { readonly seed?: number; readonly validation?: number } = {},
): DataSplit[] {
  const { seed = 1, validation = 0.15 } = options;
  if (!Number.isInteger(folds) || folds < 2) {
    throw new TrainError("TRAIN_OPTION", `folds is ${folds}, expected a whole number, at least 2`);
  }
  const all = Uint32Array.from(set.windows, (_, i) => i);
  const foldOf = by === "random" ? foldsByClass(set, all, folds, seed) : foldsByGroup(set, all, folds);
  return Array.from({ length: folds }, (_, fold) => {
    const rest = all.filter((index) => foldOf[index] !== fold);
    const alone = by === "subject" && new Set(Array.from(rest, (index) => groupOf(set, index))).size < 2;
    const take = by === "subject" ? takeGroups : takeStratified;
    const share = alone ? 0 : validation / (1 - 1 / folds);
    const [checked, train] =
      share === 0 ? [new Uint32Array(0), rest] : take(set, rest, share, derivedRandom(seed, 7, fold));
    return { train, validation: checked, test: all.filter((index) => foldOf[index] === fold) };
  });
}

function foldsByClass(set: WindowSet, all: Uint32Array, folds: number, seed: number): Uint16Array {
  const foldOf = new Uint16Array(all.length);
  const random = derivedRandom(seed, 3);
  let next = 0;
  for (const members of byClass(set, all).values()) {
    for (const place of shuffledIndices(members.length, random)) foldOf[members[place]] = next++ % folds;
  }
  return foldOf;
}

function foldsByGroup(set: WindowSet, all: Uint32Array, folds: number): Uint16Array {
  const sizes = new Map<string, number>();
  for (const index of all) sizes.set(groupOf(set, index), (sizes.get(groupOf(set, index)) ?? 0) + 1);
  if (sizes.size < folds) {
    throw new TrainError("TRAIN_OPTION", `${folds} folds of ${sizes.size} people or sessions: at most ${sizes.size}`);
  }
  const filled = new Array<number>(folds).fill(0);
  const foldOfGroup = new Map<string, number>();
  for (const [group, size] of [...sizes].sort((a, b) => b[1] - a[1])) {
    const fold = filled.indexOf(Math.min(...filled));
    filled[fold] += size;
    foldOfGroup.set(group, fold);
  }
  return Uint16Array.from(all, (index) => foldOfGroup.get(groupOf(set, index)) as number);
}

/** What two parts of a split have in common though they should not. */
export interface Leak {
  readonly parts: readonly [keyof DataSplit, keyof DataSplit];
  /** Windows of the second part that share frames with windows of the first. */
  readonly overlapping: number;
  /** Windows of the second part that equal one of the first, frame by frame. */
  readonly identical: number;
  /** People or sessions on both sides. */
  readonly groups: readonly string[];
}

/** Looks for frames, equal windows and people that stand on both sides of a split. */
export function findLeaks(set: WindowSet, split: DataSplit): Leak[] {
  const pairs = [
    ["train", "test"],
    ["train", "validation"],
    ["validation", "test"],
  ] as const;
  return pairs
    .map((parts) => comparePair(set, split, parts))
    .filter(({ overlapping, identical, groups }) => overlapping > 0 || identical > 0 || groups.length > 0);
}

function comparePair(set: WindowSet, split: DataSplit, parts: Leak["parts"]): Leak {
  const [first, second] = parts.map((part) => split[part]);
  const used = set.recordings.sequences.map((sequence) => new Uint8Array(sequence.length));
  const seen = new Set<string>();
  const groups = new Set<string>();
  for (const index of first) {
    const { sequence, start } = set.windows[index];
    used[sequence].fill(1, Math.max(0, start), start + set.length);
    seen.add(contents(set, index));
    groups.add(groupOf(set, index));
  }
  let overlapping = 0;
  let identical = 0;
  const shared = new Set<string>();
  for (const index of second) {
    const { sequence, start } = set.windows[index];
    if (used[sequence].subarray(Math.max(0, start), start + set.length).includes(1)) overlapping++;
    if (seen.has(contents(set, index))) identical++;
    if (groups.has(groupOf(set, index))) shared.add(groupOf(set, index));
  }
  return { parts, overlapping, identical, groups: [...shared] };
}

/** Samples of a window as a key. */
function contents(set: WindowSet, index: number): string {
  const samples = windowSamples(set, set.windows[index]);
  let a = 0x811c9dc5;
  let b = 0x1000193;
  for (let i = 0; i < samples.length; i++) {
    const value = Math.fround(samples[i]) * 1048576;
    a = Math.imul(a ^ value, 0x01000193);
    b = Math.imul(b + value, 0x85ebca6b) ^ (b >>> 15);
  }
  return `${a}:${b}`;
}

/**
 * Refuses a split whose score would flatter: `SPLIT_LEAK` names what is on both sides.
 * @param by people may be on both sides of a split that does not claim to be by subject; shared frames never
 */
export function refuseLeaks(set: WindowSet, split: DataSplit, by: SplitKind): void {
  for (const leak of findLeaks(set, split)) {
    const [a, b] = leak.parts;
    if (leak.overlapping > 0) {
      const message = `${leak.overlapping} of ${split[b].length} ${b} windows share frames with ${a} windows`;
      throw new TrainError("SPLIT_LEAK", `${message}: split by subject, or set the hop to the window's length`);
    }
    if (leak.identical > 0 && by === "subject") {
      throw new TrainError("SPLIT_LEAK", `${leak.identical} ${b} windows equal ${a} windows frame by frame`);
    }
    if (leak.groups.length > 0 && by === "subject") {
      const names = leak.groups.slice(0, 5).join(", ");
      throw new TrainError("SPLIT_LEAK", `${leak.groups.length} people or sessions are in ${a} and ${b}: ${names}`);
    }
  }
}
