import { isDrainable, isRecurrent, isWindowed } from "./rules.js";
import { FLAG, type KernelName, NO_INPUT, type RecordField } from "./schema.js";
import { historyRows } from "./sizes.js";

/** What the schedule depends on: a `RecordSpec` or a record of the reader fits. Missing fields are 0, inputs NO_INPUT. */
export interface ScheduledRecord {
  readonly kernel: KernelName;
  readonly fields: Readonly<Partial<Record<RecordField, number>>>;
}

/** How the rows of a MERGE's two inputs meet in time. */
export interface MergeTiming {
  /** Index of the MERGE record. */
  readonly record: number;
  /** Which input has rows first; `both`: sometimes one, sometimes the other, which no FIFO can mend. */
  readonly ahead: "none" | "first" | "second" | "both";
  /** Capacity of a FIFO that holds back the input which is ahead (its input1: the other input); 0 where none is needed. */
  readonly capacity: number;
  /** Rows that never meet a partner: their counts differ. */
  readonly unmatched: number;
}

export interface ScheduleTick {
  /** False for the ticks that drain the end of a window. */
  readonly hasFrame: boolean;
  /** Records that emit a row, ascending. */
  readonly emitted: readonly number[];
}

export interface Schedule {
  /** Rows of the last record per step: of one window, or of the simulated beginning of a stream. */
  readonly rowsPerStep: readonly number[];
  /** The largest of them, at least 1 (header field). */
  readonly maxOutputRows: number;
  readonly merges: readonly MergeTiming[];
  /** Rows that each FIFO really has to hold, by record index. */
  readonly fifoRows: ReadonlyMap<number, number>;
  /** Why an engine would answer SCHEDULE; empty for a model that runs. */
  readonly problems: readonly string[];
  /** With `trace`: what happens in every tick. */
  readonly ticks: readonly ScheduleTick[];
}

interface Queue {
  first: number;
  second: number;
  mostFirst: number;
  mostSecond: number;
  firstLeads: boolean;
  secondLeads: boolean;
}

/** One run of KERNELS.md 6 without data: counters only. A MERGE is simulated with unbounded queues on both sides. */
class Simulation {
  readonly fresh: boolean[];
  readonly problems = new Set<string>();
  readonly queues: Queue[];
  private readonly wait: number[];
  private readonly seen: number[];
  private readonly emitted: number[];

  constructor(
    private readonly records: readonly ScheduledRecord[],
    private readonly window: number,
  ) {
    const zeros = () => records.map(() => 0);
    this.fresh = records.map(() => false);
    this.wait = records.map((_, i) => this.history(i) - this.field(i, "padLeft"));
    this.seen = zeros();
    this.emitted = zeros();
    this.queues = records.map(() => ({
      first: 0,
      second: 0,
      mostFirst: 0,
      mostSecond: 0,
      firstLeads: false,
      secondLeads: false,
    }));
  }

  field(i: number, name: RecordField): number {
    return this.records[i]!.fields[name] ?? (name === "input0" || name === "input1" ? NO_INPUT : 0);
  }

  history(i: number): number {
    return historyRows(this.records[i]!.kernel, { taps: this.field(i, "taps"), dilation: this.field(i, "dilation") });
  }

  done(i: number): boolean {
    return this.window > 0 && this.emitted[i] === this.field(i, "rowsOut");
  }

  private emit(i: number): void {
    if (this.window > 0) {
      if (this.done(i)) return;
      this.emitted[i]!++;
    }
    this.fresh[i] = true;
  }

  /** A window's push; true when a row leaves. */
  private push(i: number): boolean {
    this.wait[i]!--;
    if (this.wait[i]! > 0) return false;
    this.wait[i] = Math.max(1, this.field(i, "stride"));
    return true;
  }

  private meet(i: number, first: boolean, second: boolean): void {
    const queue = this.queues[i]!;
    if (first) queue.first++;
    if (second) queue.second++;
    queue.mostFirst = Math.max(queue.mostFirst, queue.first);
    queue.mostSecond = Math.max(queue.mostSecond, queue.second);
    if (this.records[i]!.kernel === "FIFO") {
      const capacity = this.field(i, "taps");
      if (queue.first > capacity) this.problems.add(`record ${i}: fifo of ${capacity} rows is too small`);
      if (!second) return;
      queue.second = 0;
      if (queue.first === 0) {
        this.problems.add(`record ${i}: fifo is empty when a row is wanted`);
        return;
      }
      queue.first--;
      this.emit(i);
      return;
    }
    if (queue.first > 0 && queue.second > 0) {
      queue.first--;
      queue.second--;
      this.emit(i);
    }
    if (queue.first > 0) queue.firstLeads = true;
    if (queue.second > 0) queue.secondLeads = true;
  }

  /** A fresh input row arrives at record i. */
  private take(i: number): void {
    const { kernel } = this.records[i]!;
    this.seen[i]!++;
    const complete = this.seen[i] === this.field(i, "rowsIn");
    const flags = this.field(i, "flags");
    let emits = true;
    if (isRecurrent(kernel) && flags & FLAG.LAST) emits = complete;
    else if (kernel === "GLOBAL_POOL" || kernel === "REVERSE" || kernel === "RESHAPE") emits = complete;
    else if (isWindowed(kernel)) emits = this.push(i);
    if (emits) this.emit(i);
  }

  private drain(i: number): void {
    if (isWindowed(this.records[i]!.kernel)) while (!this.push(i));
    this.emit(i);
  }

  /** One tick; returns whether anything was emitted. */
  tick(hasFrame: boolean): boolean {
    this.fresh.fill(false);
    if (hasFrame) this.emit(0);
    for (let i = 1; i < this.records.length; i++) {
      const { kernel } = this.records[i]!;
      const input = this.field(i, "input0");
      const first = this.fresh[input] ?? false;
      if (kernel === "MERGE" || kernel === "FIFO") {
        this.meet(i, first, this.fresh[this.field(i, "input1")] ?? false);
      } else if (first) {
        this.take(i);
      } else if (this.done(input) && !this.done(i) && isDrainable(kernel)) {
        this.drain(i);
      }
    }
    return this.fresh.includes(true);
  }
}

/** Steps after which the pattern of a stream model has shown itself: latencies, then several periods of all strides. */
function streamHorizon(records: readonly ScheduledRecord[]): number {
  let period = 1;
  let latency = 1;
  for (const { kernel, fields } of records) {
    if (!isWindowed(kernel)) continue;
    latency += historyRows(kernel, { taps: fields.taps ?? 1, dilation: fields.dilation ?? 1 }) * period;
    period *= Math.max(1, fields.stride ?? 1);
  }
  return Math.min(65535, 4 * (latency + period));
}

/**
 * Runs the schedule of KERNELS.md 6 over one window (or the beginning of a stream) with counters instead of data.
 * A MERGE whose inputs come at different times is shown in `merges` as if both sides had queues: put a FIFO of
 * `capacity` rows on the side that is ahead, with the other side as its input1. It stays a problem until that is done.
 * Cost: records * ticks.
 */
export function simulateSchedule(
  records: readonly ScheduledRecord[],
  window: number,
  options: { readonly trace?: boolean } = {},
): Schedule {
  const simulation = new Simulation(records, window);
  const last = records.length - 1;
  const rowsPerStep: number[] = [];
  const ticks: ScheduleTick[] = [];
  const run = (hasFrame: boolean): boolean => {
    const emits = simulation.tick(hasFrame);
    if (simulation.fresh[last]) rowsPerStep[rowsPerStep.length - 1]!++;
    if (options.trace)
      ticks.push({ hasFrame, emitted: [...simulation.fresh.keys()].filter((i) => simulation.fresh[i]) });
    return emits;
  };
  const steps = window > 0 ? window : streamHorizon(records);
  let halfway: Queue[] = [];
  for (let step = 0; step < steps; step++) {
    if (step === steps >> 1) halfway = simulation.queues.map((queue) => ({ ...queue }));
    rowsPerStep.push(0);
    run(true);
  }
  if (window > 0) {
    while (!simulation.done(last)) {
      if (run(false)) continue;
      simulation.problems.add(`record ${last}: the window ends before all its rows are there`);
      break;
    }
  }
  const merges: MergeTiming[] = [];
  const fifoRows = new Map<number, number>();
  records.forEach(({ kernel }, record) => {
    const queue = simulation.queues[record]!;
    if (kernel === "FIFO") fifoRows.set(record, queue.mostFirst);
    if (kernel !== "MERGE") return;
    const { firstLeads, secondLeads } = queue;
    const ahead = firstLeads ? (secondLeads ? "both" : "first") : secondLeads ? "second" : "none";
    const capacity = ahead === "none" ? 0 : Math.max(queue.mostFirst, queue.mostSecond);
    const before = window > 0 ? 0 : Math.max(halfway[record]!.mostFirst, halfway[record]!.mostSecond);
    const unmatched = Math.max(0, Math.max(queue.first, queue.second) - before);
    merges.push({ record, ahead, capacity, unmatched });
    if (ahead !== "none") simulation.problems.add(`record ${record}: rows of the two inputs do not come together`);
  });
  return {
    rowsPerStep,
    maxOutputRows: rowsPerStep.reduce((most, rows) => Math.max(most, rows), 1),
    merges,
    fifoRows,
    problems: [...simulation.problems],
    ticks,
  };
}
