import type { GateModel } from "@gatelet/converter/format";
import { InstructionFetch } from "../cycles/fetch.js";
import { NRF52840_MEMORY_TIMING } from "../cycles/parameters.js";
import { recordTerms, variantOf } from "./basis.js";
import { countSchedule, type RecordCounts, type TickTrace } from "./schedule-counts.js";

/**
 * One line of code that a segment (a layer in one tick, a piece of the executor) may touch: its number, its rank among the
 * lines by first and by last touch (0 to 1000; ONCE where it is met once), and the terms of which any brings it in.
 */
export type LineUse = readonly [line: number, first: number, last: number, terms: readonly number[]];

/** Lines of one segment; their terms are indices into `terms`. */
export interface SegmentLines {
  readonly terms: readonly string[];
  readonly lines: readonly LineUse[];
}

/** By segment: a kernel variant, or a name of SEGMENTS. */
export type LineTable = Readonly<Record<string, SegmentLines>>;

/** Segments that are no layer: from the step's begin to its first layer, from the last layer on, hook, between steps. */
export const SEGMENTS = { ENTER: "ENTER", LEAVE: "LEAVE", HOOK: "HOOK", BETWEEN: "BETWEEN" } as const;

/** Every term of a segment is also in it. */
export const ALWAYS = "always";

/** Terms of one layer in one tick. */
export function layerTouches(model: GateModel, record: number, counts: RecordCounts): string[] {
  const terms = recordTerms(model, model.records[record], counts);
  const { bits } = model.records[record].fields;
  const runs = counts.takes + counts.drains > 0;
  const due = counts.due > 0;
  const main = [...(runs ? ["runs", `runs ${bits}`] : []), ...(due ? ["due", `due ${bits}`] : [])];
  return [ALWAYS, ...main, ...terms.values.keys(), ...terms.touches];
}

/** Terms of what lies behind the last layer of a tick. */
export function leaveTouches(model: GateModel, { kind }: TickTrace): string[] {
  const { header, records } = model;
  const bytes = header.outputSize * (header.outputType === 0 ? 2 : 4);
  const touches = [ALWAYS, kind];
  if (kind.endsWith("row"))
    touches.push(`row of ${bytes >> 2 > 0 ? "words" : ""}${(bytes & 3) > 0 ? " and bytes" : ""}`);
  if (kind.includes("before reset"))
    for (const { kernel, fields } of records) touches.push(`reset ${kernel} ${fields.mode}`);
  return touches;
}

/** Lines of a segment in the order of their first touch, then again those that are touched later, by their last touch. */
function sequence(segment: SegmentLines | undefined, touches: readonly string[]): number[] {
  if (segment === undefined) return [];
  const present = new Set(touches);
  const isPresent = segment.terms.map((term) => present.has(term));
  const used = segment.lines.filter(([, , , terms]) => terms.some((term) => isPresent[term]));
  const first = [...used].sort((a, b) => a[1] - b[1]).map(([line]) => line);
  const again = used.filter((use) => use[2] !== ONCE).sort((a, b) => a[2] - b[2]);
  return [...first, ...again.map(([line]) => line)];
}

/** Rank of a last touch that is the first as well. */
export const ONCE = -1;

/** Ticks that are simulated one by one; the rest of a long run goes on like the last half of them. */
const MOST_TICKS = 400;

/**
 * Misses of the instruction cache: of each record, then of the executor, over `steps` steps from a cold cache on. The cache
 * is that of the board's cycle model; what is simulated are the lines of each segment, not every instruction.
 */
export function estimateMisses(table: LineTable, model: GateModel, steps: number): number[] {
  const fetch = new InstructionFetch(NRF52840_MEMORY_TIMING, {
    flashBase: 0,
    flashBytes: 1 << 20,
    ramBytes: 0,
    waitStates: 1,
    cacheOn: true,
  });
  const run = (lines: readonly number[]): number => {
    let misses = 0;
    for (const line of lines) misses += fetch.lookup(line);
    return misses;
  };
  const { records } = model;
  const executor = records.length;
  const sums = new Array<number>(executor + 1).fill(0);
  const late = new Array<number>(executor + 1).fill(0);
  const known = new Map<string, number[]>();
  const lines = (segment: string, key: string, touches: () => readonly string[]): number[] => {
    const name = `${segment} ${key}`;
    const found = known.get(name) ?? sequence(table[segment], touches());
    known.set(name, found);
    return found;
  };
  const hook = sequence(table[SEGMENTS.HOOK], [ALWAYS]);
  const between = sequence(table[SEGMENTS.BETWEEN], [ALWAYS]);
  const enter = sequence(table[SEGMENTS.ENTER], [ALWAYS]);
  let ticks = 0;
  countSchedule(model, steps, (tick) => {
    if (++ticks > MOST_TICKS) return;
    const add = (index: number, misses: number): void => {
      sums[index] += misses;
      if (ticks > MOST_TICKS / 2) late[index] += misses;
    };
    if (tick.hasFrame) {
      run(between);
      add(executor, run(enter));
    }
    tick.records.forEach((counts, i) => {
      run(hook);
      const key = `${i} ${Object.values(counts).join()}`;
      add(i, run(lines(variantOf(records[i]), key, () => layerTouches(model, i, counts))));
    });
    run(hook);
    add(executor, run(lines(SEGMENTS.LEAVE, tick.kind, () => leaveTouches(model, tick))));
  });
  const more = Math.max(0, ticks - MOST_TICKS) / (MOST_TICKS / 2);
  return sums.map((sum, i) => sum + more * late[i]);
}
