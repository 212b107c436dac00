import type { GateRecord } from "@gatelet/converter/format";
import { act, mulh, sat16 } from "./arithmetic.js";
import {
  activationOf,
  FLAG_LAST,
  FLAG_MASK_OBEY,
  gateActivationOf,
  hasFlag,
  type Kernel,
  pad8,
  type Slot,
} from "./kernel.js";
import { QuadReader, requantizeOne, requantizeTwo, type WeightRow } from "./rows.js";

/** New h (and c, in place) from x and h: one timestep of one cell. */
type Cell = (x: Int16Array, h: Int16Array, c: Int16Array) => number[];

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Sizes of the two parts in file order and how the sums join. */
function partsOf(record: GateRecord) {
  const { inputSize, outputSize, recurrentFirst, alignShift, bits } = record.fields;
  const [first, second] = recurrentFirst ? [outputSize, inputSize] : [inputSize, outputSize];
  return {
    read: (quads: QuadReader): WeightRow[] => quads.next(first, second),
    /** q over [x; h] with (13), (14), (15). */
    q: (row: WeightRow, x: Int16Array, h: Int16Array): number =>
      recurrentFirst ? requantizeTwo(row, h, x, alignShift, bits) : requantizeTwo(row, x, h, alignShift, bits),
  };
}

function rnn(record: GateRecord): Cell {
  const quads = new QuadReader(record);
  const { read, q } = partsOf(record);
  const units = record.fields.outputSize;
  const rows = upTo(Math.ceil(units / 4)).flatMap(() => read(quads));
  const activation = activationOf(record);
  return (x, h) => upTo(units).map((r) => act(activation, sat16(q(rows[r]!, x, h)))); // (16), (17)
}

function lstm(record: GateRecord): Cell {
  const quads = new QuadReader(record);
  const { read, q } = partsOf(record);
  const units = record.fields.outputSize;
  const rows = upTo(units).map(() => read(quads));
  const gate = gateActivationOf(record);
  const activation = activationOf(record);
  const { shift: cellShift, multiplier } = record.fields;
  return (x, h, c) =>
    upTo(units).map((u) => {
      const [pi, pf, pc, po] = rows[u]!.map((row) => sat16(q(row, x, h)));
      const i = act(gate, pi!); // (18)
      const f = act(gate, pf!);
      const g = act(activation, pc!);
      const o = act(gate, po!);
      const sum = (Math.imul(f, c[u]!) + (Math.imul(i, g) >> cellShift) + 2 ** 14) | 0;
      c[u] = sat16(sum >> 15); // (19)
      const t = act(activation, sat16(mulh(c[u]! << 16, multiplier))); // (20)
      return sat16((Math.imul(o, t) + 2 ** 14) >> 15); // (21)
    });
}

/** (24) */
const update = (z: number, h: number, g: number): number => sat16(g + (((Math.imul(z, h - g) + 2 ** 14) | 0) >> 15));

function gru(record: GateRecord): Cell {
  const quads = new QuadReader(record);
  const { read, q } = partsOf(record);
  const units = record.fields.outputSize;
  const groups = upTo(Math.ceil(units / 4));
  const resetRows = groups.flatMap(() => read(quads));
  const updateRows: WeightRow[] = [];
  const candidateRows: WeightRow[] = [];
  for (const _ of groups) {
    updateRows.push(...read(quads));
    candidateRows.push(...read(quads));
  }
  const gate = gateActivationOf(record);
  const activation = activationOf(record);
  return (x, h) => {
    const rh = new Int16Array(units);
    for (let u = 0; u < units; u++) {
      const r = act(gate, sat16(q(resetRows[u]!, x, h)));
      rh[u] = sat16(((Math.imul(r, h[u]!) + 2 ** 14) | 0) >> 15); // (22)
    }
    return upTo(units).map((u) => {
      const z = act(gate, sat16(q(updateRows[u]!, x, h))); // (23)
      const g = act(activation, sat16(q(candidateRows[u]!, x, rh)));
      return update(z, h[u]!, g);
    });
  };
}

function gruResetAfter(record: GateRecord): Cell {
  const quads = new QuadReader(record);
  const { read, q } = partsOf(record);
  const { inputSize, outputSize: units, bits } = record.fields;
  const rows = { z: [] as WeightRow[], r: [] as WeightRow[], x: [] as WeightRow[], h: [] as WeightRow[] };
  for (const _ of upTo(Math.ceil(units / 4))) {
    rows.z.push(...read(quads));
    rows.r.push(...read(quads));
    rows.x.push(...quads.next(inputSize));
    rows.h.push(...quads.next(units));
  }
  const gate = gateActivationOf(record);
  const activation = activationOf(record);
  return (x, h) =>
    upTo(units).map((u) => {
      const z = act(gate, sat16(q(rows.z[u]!, x, h)));
      const r = act(gate, sat16(q(rows.r[u]!, x, h)));
      const qx = requantizeOne(rows.x[u]!, x, bits);
      const qh = requantizeOne(rows.h[u]!, h, bits);
      const reset = ((Math.imul(r, qh) + 2 ** 13) | 0) >> 14;
      const p = sat16((2 * qx + reset) | 0); // (25)
      return update(z, h[u]!, act(activation, p));
    });
}

function minimalGru(record: GateRecord): Cell {
  const quads = new QuadReader(record);
  const { read, q } = partsOf(record);
  const units = record.fields.outputSize;
  const groups = upTo(Math.ceil(units / 4));
  const forgetRows = groups.flatMap(() => read(quads));
  const candidateRows = groups.flatMap(() => read(quads));
  const gate = gateActivationOf(record);
  const activation = activationOf(record);
  return (x, h) => {
    const pf = upTo(units).map((u) => sat16(q(forgetRows[u]!, x, h)));
    const fh = Int16Array.from(pf, (p, u) => sat16(((Math.imul(act(gate, p), h[u]!) + 2 ** 14) | 0) >> 15)); // (46)
    return upTo(units).map((u) => {
      const z = act(gate, sat16(-pf[u]!)); // (47)
      return update(z, h[u]!, act(activation, sat16(q(candidateRows[u]!, x, fh))));
    });
  };
}

function fastGrnn(record: GateRecord): Cell {
  const quads = new QuadReader(record);
  const { read, q } = partsOf(record);
  const { outputSize: units, multiplier, multiplierA, multiplierB } = record.fields;
  const rows = upTo(Math.ceil(units / 4)).flatMap(() => read(quads));
  const difference = record.int16("aux")!;
  const gate = gateActivationOf(record);
  const activation = activationOf(record);
  return (x, h) =>
    upTo(units).map((u) => {
      const p = sat16(q(rows[u]!, x, h));
      const g = act(activation, p); // (48)
      const z = act(gate, sat16(sat16(mulh(p << 16, multiplier)) + difference[u]!)); // (49)
      const k = multiplierB + ((multiplierA * (32768 - z) + 2 ** 14) >> 15); // (50)
      return sat16((Math.imul(k, g) + Math.imul(z, h[u]!) + 2 ** 14) >> 15); // (51), the sum modulo 2^32
    });
}

const CELLS = {
  RNN: rnn,
  LSTM: lstm,
  GRU: gru,
  GRU_RESET_AFTER: gruResetAfter,
  MINIMAL_GRU: minimalGru,
  FASTGRNN: fastGrnn,
} as const;

/** The recurrent kernels: KERNELS.md 4. */
export function recurrentKernel(record: GateRecord): Kernel {
  const { outputSize: units, rowsIn } = record.fields;
  const cell = CELLS[record.kernel as keyof typeof CELLS](record);
  const obey = hasFlag(record, FLAG_MASK_OBEY);
  const last = hasFlag(record, FLAG_LAST);
  return {
    take(slot: Slot, x: Int16Array): boolean {
      const h = slot.int16.subarray(0, units);
      if (!(obey && slot.inputMasked)) {
        const c = slot.int16.subarray(pad8(units), pad8(units) + units);
        h.set(cell(x, h, c));
      }
      slot.row.set(h);
      return !last || slot.counters.seen === rowsIn;
    },
  };
}
