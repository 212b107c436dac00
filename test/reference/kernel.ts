import type { GateRecord } from "@gatelet/converter/format";
import type { Activation } from "./arithmetic.js";

/** The counters of one record in a state region (FORMAT.md 3). */
export class Counters {
  constructor(
    private readonly view: DataView,
    private readonly at: number,
  ) {}
  get seen(): number {
    return this.view.getUint32(this.at, true);
  }
  set seen(value: number) {
    this.view.setUint32(this.at, value, true);
  }
  get emitted(): number {
    return this.view.getUint32(this.at + 4, true);
  }
  set emitted(value: number) {
    this.view.setUint32(this.at + 4, value, true);
  }
  get wait(): number {
    return this.view.getUint16(this.at + 8, true);
  }
  set wait(value: number) {
    this.view.setUint16(this.at + 8, value, true);
  }
  get fresh(): boolean {
    return this.view.getUint8(this.at + 10) === 1;
  }
  set fresh(value: boolean) {
    this.view.setUint8(this.at + 10, value ? 1 : 0);
  }
  get masked(): boolean {
    return this.view.getUint8(this.at + 11) === 1;
  }
  set masked(value: boolean) {
    this.view.setUint8(this.at + 11, value ? 1 : 0);
  }
  get front(): number {
    return this.view.getUint16(this.at + 12, true);
  }
  set front(value: number) {
    this.view.setUint16(this.at + 12, value, true);
  }
  get real(): number {
    return this.view.getUint16(this.at + 14, true);
  }
  set real(value: number) {
    this.view.setUint16(this.at + 14, value, true);
  }
}

/** One record's memory in one stream. Rows are held outside the arena: an arena that overlays live rows shows as a difference. */
export interface Slot {
  readonly counters: Counters;
  /** The record's state, three views of the same bytes. */
  readonly int16: Int16Array;
  readonly int32: Int32Array;
  readonly bytes: Uint8Array;
  /** The row it emits: outputSize values without padding; int32 with OUT32. */
  readonly row: Int16Array | Int32Array;
  /** m of KERNELS.md 6, rule 5: mask of the row just taken, or stored with the row. */
  inputMasked: boolean;
  /** What INPUT, EMBEDDING and MASK find. */
  found: boolean;
}

/** What a record does with its row; made once per model, used by all its streams. */
export interface Kernel {
  /** Special starts of section 5 in a zeroed state. */
  start?(slot: Slot): void;
  /** Takes a row of input0; true: its rule says emit and `slot.row` is written. */
  take(slot: Slot, x: Int16Array): boolean;
  /** One drained row into `slot.row`. */
  drain?(slot: Slot): void;
}

export const activationOf = (record: GateRecord): Activation => ({
  kind: record.fields.activation,
  param: record.fields.activationParam,
  table: record.int16("table"),
});
export const gateActivationOf = (record: GateRecord): Activation => ({
  kind: record.fields.gateActivation,
  param: 0,
  table: record.int16("gateTable"),
});

export const FLAG_LAST = 1;
export const FLAG_MASK_OBEY = 2;
export const hasFlag = (record: GateRecord, flag: number): boolean => (record.fields.flags & flag) !== 0;
export const pad8 = (n: number): number => Math.ceil(n / 8) * 8;
