import {
  COUNTER_BYTES,
  decodeState,
  encodeState,
  FLAG,
  type GateModel,
  type GateRecord,
  type KernelName,
  readModel,
  STATUS,
  STREAM_HEADER_BYTES,
} from "@gatelet/converter/format";
import { Counters, hasFlag, type Kernel, type Slot } from "./kernel.js";
import {
  activationKernel,
  affineKernel,
  denseKernel,
  embeddingKernel,
  inputKernel,
  layerNormKernel,
  maskKernel,
  merge,
  preluKernel,
  softmaxKernel,
} from "./pointwise.js";
import { recurrentKernel } from "./recurrent.js";
import { fifo, repeatKernel, reshapeKernel, reverseKernel } from "./routing.js";
import { conv1dKernel, depthwiseKernel, globalPoolKernel, poolKernel } from "./windowed.js";

const MAKERS: Readonly<Record<Exclude<KernelName, "MERGE" | "FIFO">, (record: GateRecord) => Kernel>> = {
  INPUT: inputKernel,
  EMBEDDING: embeddingKernel,
  RNN: recurrentKernel,
  LSTM: recurrentKernel,
  GRU: recurrentKernel,
  GRU_RESET_AFTER: recurrentKernel,
  MINIMAL_GRU: recurrentKernel,
  FASTGRNN: recurrentKernel,
  DENSE: denseKernel,
  CONV1D: conv1dKernel,
  DEPTHWISE_CONV1D: depthwiseKernel,
  POOL: poolKernel,
  GLOBAL_POOL: globalPoolKernel,
  AFFINE: affineKernel,
  ACTIVATION: activationKernel,
  PRELU: preluKernel,
  LAYER_NORM: layerNormKernel,
  SOFTMAX: softmaxKernel,
  REVERSE: reverseKernel,
  RESHAPE: reshapeKernel,
  REPEAT: repeatKernel,
  MASK: maskKernel,
};

export type OutputRow = Int16Array | Int32Array;

export interface StepResult {
  /** STATUS.OK or the negative status of every engine. */
  readonly status: number;
  /** Rows of this step; empty where the status is not OK. */
  readonly rows: readonly OutputRow[];
}

/** The integer reference: KERNELS.md equation by equation. Shares no code with any engine but the reader of the format. */
export class ReferenceModel {
  readonly gate: GateModel;
  /** By record; MERGE and FIFO have none. */
  readonly kernels: readonly (Kernel | undefined)[];

  /** @throws FormatError where the file is refused */
  constructor(bytes: Uint8Array) {
    this.gate = readModel(bytes);
    this.kernels = this.gate.records.map((record) =>
      record.kernel === "MERGE" || record.kernel === "FIFO" ? undefined : MAKERS[record.kernel](record),
    );
  }

  createStream(): ReferenceStream {
    return new ReferenceStream(this);
  }
}

/** Thrown inside a step, turned into a status at its end. */
class ScheduleError extends Error {}

/** One stream: the executor of KERNELS.md 6 over a state region that has exactly the bytes of every engine's. */
export class ReferenceStream {
  /** The arena's state region: the bytes between two steps. */
  readonly state: Uint8Array;
  private readonly view: DataView;
  private readonly slots: readonly Slot[];

  constructor(private readonly model: ReferenceModel) {
    const { gate } = model;
    this.state = new Uint8Array(gate.header.stateBytes);
    const { buffer } = this.state;
    this.view = new DataView(buffer);
    this.slots = gate.records.map(({ fields, needs }, i) => ({
      counters: new Counters(this.view, STREAM_HEADER_BYTES + COUNTER_BYTES * i),
      int16: new Int16Array(buffer, fields.state, needs.state / 2),
      int32: new Int32Array(buffer, fields.state, needs.state / 4),
      bytes: new Uint8Array(buffer, fields.state, needs.state),
      row: fields.flags & FLAG.OUT32 ? new Int32Array(fields.outputSize) : new Int16Array(fields.outputSize),
      inputMasked: false,
      found: false,
    }));
    this.reset();
  }

  get frames(): number {
    return this.view.getUint32(4, true);
  }

  reset(): void {
    this.state.fill(0);
    this.view.setUint32(0, this.model.gate.header.crc32, true);
    for (const [i, slot] of this.slots.entries()) this.model.kernels[i]?.start?.(slot);
  }

  saveState(): Uint8Array {
    return encodeState(this.model.gate, this.state);
  }

  /** @throws FormatError BAD_STATE; nothing is written then */
  restoreState(blob: Uint8Array): void {
    this.state.set(decodeState(this.model.gate, blob));
  }

  /**
   * One frame through the model.
   * @param frame int16 [frameSize]; for tokens one value, read as uint16
   * @throws RangeError for a frame of the wrong width
   */
  step(frame: Int16Array): StepResult {
    const { header } = this.model.gate;
    if (frame.length !== header.frameSize) {
      throw new RangeError(`frame has ${frame.length} values, must be ${header.frameSize}`);
    }
    if (header.inputKind === 1 && (frame[0]! & 0xffff) >= header.vocabularySize) {
      return { status: STATUS.BAD_TOKEN, rows: [] };
    }
    const rows: OutputRow[] = [];
    try {
      this.tick(frame, rows);
      this.view.setUint32(4, this.frames + 1, true);
      if (header.window > 0 && this.frames === header.window) {
        while (!this.done(this.slots.length - 1)) {
          if (!this.tick(undefined, rows)) throw new ScheduleError("a drain that yields nothing");
        }
        this.reset();
      }
    } catch (error) {
      if (!(error instanceof ScheduleError)) throw error;
      this.reset();
      return { status: STATUS.SCHEDULE, rows: [] };
    }
    for (const { counters } of this.slots) {
      counters.fresh = false;
      counters.masked = false;
    }
    return { status: STATUS.OK, rows };
  }

  private done(i: number): boolean {
    const { header, records } = this.model.gate;
    return header.window > 0 && this.slots[i]!.counters.emitted === records[i]!.fields.rowsOut;
  }

  /** Returns whether any record emitted. */
  private tick(frame: Int16Array | undefined, rows: OutputRow[]): boolean {
    const { header, records } = this.model.gate;
    for (const { counters } of this.slots) {
      counters.fresh = false;
      counters.masked = false;
    }
    for (const record of records) this.visit(record, frame);
    const last = this.slots[this.slots.length - 1]!;
    if (last.counters.fresh) {
      if (rows.length === header.maxOutputRows) throw new ScheduleError("more rows than maxOutputRows");
      rows.push(last.row.slice());
    }
    return this.slots.some(({ counters }) => counters.fresh);
  }

  private visit(record: GateRecord, frame: Int16Array | undefined): void {
    const { index, kernel, fields } = record;
    const slot = this.slots[index]!;
    slot.found = false;
    slot.inputMasked = false;
    if (index === 0) {
      if (frame !== undefined) this.take(record, frame);
      return;
    }
    const input = this.slots[fields.input0]!;
    const x = input.row as Int16Array;
    slot.inputMasked = input.counters.masked;
    if (kernel === "FIFO") {
      this.visitFifo(record, slot, input);
    } else if (kernel === "MERGE") {
      const other = this.slots[fields.input1]!;
      if (input.counters.fresh !== other.counters.fresh) throw new ScheduleError("only one input has a row");
      if (!input.counters.fresh) return;
      this.count(slot);
      slot.inputMasked ||= other.counters.masked;
      merge(record, slot.row, x, other.row as Int16Array);
      this.emit(record, slot);
    } else if (input.counters.fresh) {
      this.take(record, x);
    } else if (this.done(fields.input0) && slot.counters.emitted < fields.rowsOut) {
      const drain = this.model.kernels[index]!.drain;
      if (drain === undefined) return;
      slot.inputMasked = false;
      drain(slot);
      this.emit(record, slot);
    }
  }

  private visitFifo(record: GateRecord, slot: Slot, input: Slot): void {
    if (input.counters.fresh) {
      this.count(slot);
      if (!fifo.enqueue(record, slot, input.row as Int16Array)) throw new ScheduleError("fifo is full");
    }
    if (!this.slots[record.fields.input1]!.counters.fresh) return;
    if (!fifo.dequeue(record, slot)) throw new ScheduleError("fifo is empty");
    this.emit(record, slot);
  }

  private count(slot: Slot): void {
    if (this.model.gate.header.window > 0) slot.counters.seen++;
  }

  private take(record: GateRecord, x: Int16Array): void {
    const slot = this.slots[record.index]!;
    this.count(slot);
    if (this.model.kernels[record.index]!.take(slot, x)) this.emit(record, slot);
  }

  /** Rule 5. */
  private emit(record: GateRecord, slot: Slot): void {
    const { counters } = slot;
    if (this.model.gate.header.window > 0) {
      if (counters.emitted === record.fields.rowsOut) return;
      counters.emitted++;
    }
    counters.fresh = true;
    counters.masked = slot.found || (hasFlag(record, FLAG.MASK_PASS) && slot.inputMasked);
  }
}
