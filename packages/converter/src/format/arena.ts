import { isStateOutput } from "./rules.js";
import { COUNTER_BYTES, type KernelName, NO_INPUT, pad16, STREAM_HEADER_BYTES } from "./schema.js";
import { ownOutputBytes, type RecordNeeds } from "./sizes.js";

export interface ArenaRecord {
  readonly kernel: KernelName;
  readonly input0: number;
  readonly input1: number;
  readonly needs: RecordNeeds;
}

export interface ArenaPlan {
  /** Per record: arena offsets. `state` and `scratch` are 0 where the record has none. */
  readonly records: readonly { readonly output: number; readonly state: number; readonly scratch: number }[];
  readonly stateBytes: number;
  readonly scratchBytes: number;
}

/** First byte behind tag, frame count and record counters. */
export const countersEnd = (recordCount: number): number => pad16(STREAM_HEADER_BYTES + COUNTER_BYTES * recordCount);

/** Index of the last record that reads each record's row; the record itself where nobody does. */
export function lastReaders(records: readonly { readonly input0: number; readonly input1: number }[]): number[] {
  const last = records.map((_, index) => index);
  records.forEach(({ input0, input1 }, index) => {
    for (const input of [input0, input1]) if (input !== NO_INPUT && input < index) last[input] = index;
  });
  return last;
}

interface Block {
  readonly record: number;
  readonly kind: "output" | "scratch";
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
}

/** Puts every block at the lowest address free of the blocks that live at the same time; returns addresses and height. */
function place(blocks: readonly Block[]): { at: Map<Block, number>; height: number } {
  const at = new Map<Block, number>();
  let height = 0;
  for (const block of blocks) {
    const neighbours = [...at.entries()]
      .filter(([other]) => other.from <= block.to && block.from <= other.to)
      .sort((a, b) => a[1] - b[1]);
    let address = 0;
    for (const [other, start] of neighbours) {
      if (address + block.bytes <= start) break;
      address = Math.max(address, start + other.bytes);
    }
    at.set(block, address);
    height = Math.max(height, address + block.bytes);
  }
  return { at, height };
}

/** Most bytes that live at one record: no plan can be smaller. */
function lowerBound(blocks: readonly Block[], count: number): number {
  let most = 0;
  for (let k = 0; k < count; k++) {
    const live = blocks.filter((b) => b.from <= k && k <= b.to);
    most = Math.max(
      most,
      live.reduce((sum, b) => sum + b.bytes, 0),
    );
  }
  return most;
}

const ORDERS: readonly ((a: Block, b: Block) => number)[] = [
  (a, b) => b.bytes - a.bytes || a.from - b.from,
  (a, b) => b.bytes * (b.to - b.from + 1) - a.bytes * (a.to - a.from + 1) || a.from - b.from,
  (a, b) => a.from - b.from || b.to - a.to,
  (a, b) => b.to - b.from - (a.to - a.from) || b.bytes - a.bytes,
];

/**
 * Arena of a model (FORMAT.md 3): states ascending in record order behind the counters; rows and scratch behind them,
 * placed first-fit by liveness in several orders, of which the smallest height wins (the first that meets the lower bound ends the search).
 */
export function planArena(records: readonly ArenaRecord[]): ArenaPlan {
  let stateBytes = countersEnd(records.length);
  const states = records.map(({ needs }) => {
    const at = needs.state === 0 ? 0 : stateBytes;
    stateBytes += needs.state;
    return at;
  });
  const last = lastReaders(records);
  const blocks: Block[] = [];
  records.forEach(({ kernel, needs }, record) => {
    const bytes = ownOutputBytes(kernel, needs);
    if (bytes > 0) blocks.push({ record, kind: "output", from: record, to: last[record]!, bytes });
    if (needs.scratch > 0) blocks.push({ record, kind: "scratch", from: record, to: record, bytes: needs.scratch });
  });
  const bound = lowerBound(blocks, records.length);
  let best: ReturnType<typeof place> | undefined;
  for (const order of ORDERS) {
    const plan = place([...blocks].sort(order));
    if (best === undefined || plan.height < best.height) best = plan;
    if (best.height === bound) break;
  }
  const plan = records.map(({ kernel }, k) => ({
    output: isStateOutput(kernel) ? states[k]! : 0,
    state: states[k]!,
    scratch: 0,
  }));
  for (const [block, address] of best!.at) plan[block.record]![block.kind] = stateBytes + address;
  return { records: plan, stateBytes, scratchBytes: best!.height };
}
