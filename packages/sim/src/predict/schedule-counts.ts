import {
  FLAG,
  type GateModel,
  type GateRecord,
  historyRows,
  isDrainable,
  isRecurrent,
  isWindowed,
  POOL_MODE,
} from "@gatelet/converter/format";

/** How often each thing that costs time happens to one record, over all simulated steps. Nothing depends on data. */
export interface RecordCounts {
  /** Rows taken, and drained rows asked for; of both: how often a row was due, booked, and refused since all had left. */
  takes: number;
  drains: number;
  due: number;
  emits: number;
  refused: number;
  /** Ticks in which the record does nothing, by the test that says so. */
  idle: number;
  idleWaiting: number;
  idleDone: number;
  /** Windowed kernels: rows pushed into the history, and those of them that are padding behind the end. */
  pushes: number;
  padded: number;
  /** Average pooling: pushes that drop a row of padding in front, a real row. */
  dropsFront: number;
  dropsReal: number;
  /** FIFO: rows popped; RESHAPE: rows stored, delivered at an odd address of two bytes. */
  pops: number;
  oddStores: number;
  oddLoads: number;
  /** FIFO: times that the place to write, to read wraps round. */
  wrapsPush: number;
  wrapsPop: number;
}

export interface ScheduleCounts {
  readonly steps: number;
  readonly ticks: number;
  /** Windows that ended. */
  readonly resets: number;
  /** Ticks by what they are: with a frame or late, what comes behind them, whether they deliver a row. */
  readonly ticksOf: ReadonlyMap<string, number>;
  /** Rows of the last record delivered; of these, at an odd number of rows in their step. */
  readonly delivered: number;
  readonly deliveredOdd: number;
  readonly records: readonly RecordCounts[];
}

const zero = (): RecordCounts => ({
  takes: 0,
  drains: 0,
  due: 0,
  emits: 0,
  refused: 0,
  idle: 0,
  idleWaiting: 0,
  idleDone: 0,
  pushes: 0,
  padded: 0,
  dropsFront: 0,
  dropsReal: 0,
  pops: 0,
  oddStores: 0,
  oddLoads: 0,
  wrapsPush: 0,
  wrapsPop: 0,
});

interface State {
  seen: number;
  emitted: number;
  wait: number;
  front: number;
  real: number;
  fresh: boolean;
}

/** The executor of KERNELS.md 6 without data: counters only. Rows are taken to be unmasked. */
class Counter {
  readonly counts: RecordCounts[];
  private states: State[] = [];
  private readonly window: number;
  private readonly records: readonly GateRecord[];

  constructor(model: GateModel) {
    this.records = model.records;
    this.window = model.header.window;
    this.counts = model.records.map(zero);
    this.reset();
  }

  reset(): void {
    this.states = this.records.map(({ kernel, fields }) => ({
      seen: 0,
      emitted: 0,
      wait: isWindowed(kernel) ? historyRows(kernel, fields) - fields.padLeft : 0,
      front: kernel === "POOL" && fields.mode === POOL_MODE.AVERAGE ? fields.taps : 0,
      real: 0,
      fresh: false,
    }));
  }

  get lastFresh(): boolean {
    return this.states[this.states.length - 1].fresh;
  }

  get finished(): boolean {
    return this.isDone(this.records.length - 1);
  }

  private isDone(i: number): boolean {
    return this.states[i].emitted === this.records[i].fields.rowsOut;
  }

  /** One tick; whether anything was emitted. */
  tick(hasFrame: boolean): boolean {
    for (const state of this.states) state.fresh = false;
    for (let i = 0; i < this.records.length; i++) this.run(i, hasFrame);
    return this.states.some(({ fresh }) => fresh);
  }

  private run(i: number, hasFrame: boolean): void {
    const { kernel, fields } = this.records[i];
    const counts = this.counts[i];
    if (i === 0) {
      if (!hasFrame) counts.idle++;
      else {
        counts.takes++;
        this.states[0].seen++;
        this.emit(0);
      }
      return;
    }
    const fresh = this.states[fields.input0].fresh;
    if (kernel === "FIFO") {
      this.fifo(i, fresh, this.states[fields.input1].fresh);
      return;
    }
    if (fresh) {
      counts.takes++;
      this.states[i].seen++;
      if (this.takes(i)) this.emit(i);
    } else if (this.window === 0 || kernel === "MERGE" || !isDrainable(kernel)) {
      counts.idle++;
    } else if (!this.isDone(fields.input0)) {
      counts.idleWaiting++;
    } else if (this.isDone(i)) {
      counts.idleDone++;
    } else {
      counts.drains++;
      if (isWindowed(kernel)) while (!this.push(i, true));
      if (kernel === "RESHAPE") this.load(i);
      this.emit(i);
    }
  }

  private emit(i: number): void {
    const state = this.states[i];
    const counts = this.counts[i];
    counts.due++;
    if (this.window > 0 && this.isDone(i)) {
      counts.refused++;
      return;
    }
    if (this.window > 0) state.emitted++;
    counts.emits++;
    state.fresh = true;
  }

  /** A row arrives; whether one leaves. */
  private takes(i: number): boolean {
    const { kernel, fields } = this.records[i];
    const { seen } = this.states[i];
    const complete = seen === fields.rowsIn;
    if (isRecurrent(kernel)) return (fields.flags & FLAG.LAST) === 0 || complete;
    if (isWindowed(kernel)) return this.push(i, false);
    if (kernel === "RESHAPE") {
      if (((seen - 1) * fields.inputSize) & 1) this.counts[i].oddStores++;
      if (complete) this.load(i);
    }
    return kernel === "GLOBAL_POOL" || kernel === "REVERSE" || kernel === "RESHAPE" ? complete : true;
  }

  private load(i: number): void {
    if ((this.states[i].emitted * this.records[i].fields.outputSize) & 1) this.counts[i].oddLoads++;
  }

  private push(i: number, padding: boolean): boolean {
    const state = this.states[i];
    const counts = this.counts[i];
    counts.pushes++;
    if (padding) counts.padded++;
    if (state.front > 0) {
      state.front--;
      counts.dropsFront++;
    } else if (state.real > 0) {
      state.real--;
      counts.dropsReal++;
    }
    if (!padding) state.real++;
    if (--state.wait > 0) return false;
    state.wait = this.records[i].fields.stride;
    return true;
  }

  /** `front` is the oldest slot, `real` the rows that wait. */
  private fifo(i: number, pushed: boolean, wanted: boolean): void {
    const state = this.states[i];
    const counts = this.counts[i];
    const capacity = this.records[i].fields.taps;
    if (pushed) {
      counts.takes++;
      if (state.front + state.real >= capacity) counts.wrapsPush++;
      state.real++;
    }
    if (!wanted) {
      counts.idle++;
      return;
    }
    counts.pops++;
    state.real--;
    if (++state.front === capacity) {
      state.front = 0;
      counts.wrapsPop++;
    }
    this.emit(i);
  }
}

/**
 * Counts over `steps` frames from a fresh stream on; windows that end on the way start anew.
 * Cost: records * ticks.
 */
export function countSchedule(model: GateModel, steps: number): ScheduleCounts {
  const { window } = model.header;
  const counter = new Counter(model);
  let [ticks, resets, delivered, deliveredOdd] = [0, 0, 0, 0];
  const ticksOf = new Map<string, number>();
  let rows = 0;
  const tick = (hasFrame: boolean, endsWindow: boolean): boolean => {
    ticks++;
    const emitted = counter.tick(hasFrame);
    if (counter.lastFresh) {
      delivered++;
      if (rows & 1) deliveredOdd++;
      rows++;
    }
    const next = !endsWindow ? "next frame" : counter.finished ? "reset" : "late tick";
    const key = `${hasFrame ? "tick" : "late tick"} before ${next}${counter.lastFresh ? ", row" : ""}`;
    ticksOf.set(key, (ticksOf.get(key) ?? 0) + 1);
    return emitted;
  };
  for (let step = 0; step < steps; step++) {
    rows = 0;
    const ends = window > 0 && (step + 1) % window === 0;
    tick(true, ends);
    if (!ends) continue;
    while (!counter.finished) if (!tick(false, true)) break;
    counter.reset();
    resets++;
  }
  return { steps, ticks, ticksOf, resets, delivered, deliveredOdd, records: counter.counts };
}

/** How many ticks of `steps` steps each record has in which it neither takes a row nor drains one. */
export function idleTicks(model: GateModel, steps: number): number[] {
  return countSchedule(model, steps).records.map(({ idle, idleWaiting, idleDone }) => idle + idleWaiting + idleDone);
}
