import { readModel } from "@gatelet/converter/format";
import { BuiltinBoard } from "../../packages/sim/src/board/builtin.js";
import { variantOf } from "../../packages/sim/src/predict/basis.js";
import {
  ALWAYS,
  type LineTable,
  type LineUse,
  layerTouches,
  leaveTouches,
  ONCE,
  SEGMENTS,
  type SegmentLines,
} from "../../packages/sim/src/predict/cache-lines.js";
import { countSchedule, type TickTrace } from "../../packages/sim/src/predict/schedule-counts.js";
import { framesImage } from "../../packages/sim/src/runner/image.js";
import { RUNNER } from "../../packages/sim/src/runner/map.gen.js";
import type { sampleModel } from "./samples.js";

/** Lines that one segment touched: rank by first touch and by last touch, 0 to 1000, and whether more than once. */
interface Seen {
  readonly terms: ReadonlySet<string>;
  readonly lines: ReadonlyMap<number, readonly [first: number, last: number, again: boolean]>;
}

/** Watches which lines of the instruction cache every segment of a run touches. */
export class LineWatch {
  private readonly board = new BuiltinBoard({ waitStates: 3 });
  private readonly seen = new Map<string, Seen[]>();
  private log: number[] = [];

  constructor(elf: Uint8Array) {
    this.board.loadNow(elf);
    const { core } = this.board;
    core.setCache(true);
    const { fetch } = core;
    const { lookup } = fetch;
    // Before any code is translated: translated code calls what it finds now.
    Object.assign(fetch, {
      lookup: (line: number) => {
        this.log.push(line);
        return lookup(line);
      },
    });
  }

  run({ model: bytes, frames, frameSize, steps }: ReturnType<typeof sampleModel>): void {
    const model = readModel(bytes);
    const ticks: TickTrace[] = [];
    countSchedule(model, steps, (tick) => ticks.push(tick));
    const { core } = this.board;
    core.memory.poke(RUNNER.MODEL_ADDRESS, bytes);
    core.memory.poke(RUNNER.FRAMES_ADDRESS, framesImage(frames, frameSize, { quiet: true, noCache: true }));
    core.reset(RUNNER.FLASH_BASE);
    const symbols = ["bench_begin", "bench_end", "gatelet_profile"] as const;
    const [begin, end, hook] = symbols.map((name) => this.board.symbol(name)) as [number, number, number];
    let [tick, layer] = [0, -1];
    let outside = false;
    for (;;) {
      this.log = [];
      const stop = core.run({ addresses: new Set([begin, end, hook]), maxInstructions: 1e8 });
      if (stop.reason !== "address") return;
      const current = ticks[tick];
      if (core.pc === begin) {
        if (outside) this.book(SEGMENTS.BETWEEN, [ALWAYS]);
        layer = -1;
        continue;
      }
      if (layer < 0) this.book(SEGMENTS.ENTER, [ALWAYS]);
      else if (layer < model.records.length) {
        const counts = current!.records[layer]!;
        this.book(variantOf(model.records[layer]!), layerTouches(model, layer, counts));
      } else {
        this.book(SEGMENTS.LEAVE, leaveTouches(model, current!));
        tick++;
      }
      outside = core.pc === end;
      if (outside) continue;
      layer = core.state.words[0]! >>> 0;
      this.log = [];
      core.run({ addresses: new Set([(core.state.words[14]! & ~1) >>> 0]), maxInstructions: 10_000 });
      this.book(SEGMENTS.HOOK, [ALWAYS]);
    }
  }

  private book(segment: string, terms: readonly string[]): void {
    const first = [...new Set(this.log)];
    const last = [...new Set([...this.log].reverse())].reverse();
    const scale = 1000 / Math.max(1, first.length - 1);
    const lines = new Map<number, [number, number, boolean]>();
    first.forEach((line, i) => {
      lines.set(line, [i * scale, 0, this.log.indexOf(line) !== this.log.lastIndexOf(line)]);
    });
    last.forEach((line, i) => {
      lines.get(line)![1] = i * scale;
    });
    const list = this.seen.get(segment) ?? [];
    this.seen.set(segment, list);
    list.push({ terms: new Set(terms), lines });
  }

  /** Lines of every segment, each with a few terms of which any explains it. */
  table(): LineTable {
    return Object.fromEntries([...this.seen].map(([segment, list]) => [segment, explain(list)]));
  }
}

function explain(list: readonly Seen[]): SegmentLines {
  const used: string[] = [];
  const indexOf = (term: string): number => {
    if (!used.includes(term)) used.push(term);
    return used.indexOf(term);
  };
  const terms = [...new Set(list.flatMap((seen) => [...seen.terms]))];
  const withTerm = new Map(terms.map((term) => [term, list.flatMap((seen, i) => (seen.terms.has(term) ? [i] : []))]));
  const lines = [...new Set(list.flatMap((seen) => [...seen.lines.keys()]))].sort((a, b) => a - b);
  const uses = lines.flatMap((line): LineUse[] => {
    const touched = new Set(list.flatMap((seen, i) => (seen.lines.has(line) ? [i] : [])));
    const implying = terms.filter((term) => withTerm.get(term)!.every((i) => touched.has(i)));
    const chosen: string[] = [];
    const left = new Set(touched);
    while (left.size > 0) {
      const gain = (term: string) => withTerm.get(term)!.reduce((sum, i) => sum + (left.has(i) ? 1 : 0), 0);
      const best = implying.reduce<[string, number]>(
        (top, term) => {
          const value = gain(term);
          return value > top[1] ? [term, value] : top;
        },
        ["", 0],
      );
      if (best[1] === 0) break;
      chosen.push(best[0]);
      for (const i of withTerm.get(best[0])!) left.delete(i);
    }
    // What no term explains: taken as always there where it mostly is.
    if (left.size > touched.size / 2 && touched.size > list.length / 2) chosen.push(ALWAYS);
    if (chosen.length === 0) return [];
    const average = (which: 0 | 1) => {
      const sum = [...touched].reduce((total, i) => total + list[i]!.lines.get(line)![which], 0);
      return Math.round(sum / touched.size);
    };
    const again = [...touched].filter((i) => list[i]!.lines.get(line)![2]).length > touched.size / 2;
    return [[line, average(0), again ? average(1) : ONCE, chosen.map(indexOf)]];
  });
  return { terms: used, lines: uses };
}
