import type { FieldTable, FieldType } from "./schema.js";

const SIZES: Readonly<Record<FieldType, number>> = { u8: 1, u16: 2, i16: 2, u32: 4, i32: 4, u64: 8, f64: 8 };
const RANGES: Readonly<Record<Exclude<FieldType, "f64">, readonly [number, number]>> = {
  u8: [0, 0xff],
  u16: [0, 0xffff],
  i16: [-0x8000, 0x7fff],
  u32: [0, 0xffffffff],
  i32: [-0x80000000, 0x7fffffff],
  u64: [0, Number.MAX_SAFE_INTEGER],
};

export const fieldBytes = (type: FieldType): number => SIZES[type];

/** Whether `value` can be stored in a field of this type. */
export function fitsField(type: FieldType, value: number): boolean {
  if (type === "f64") return true;
  const [min, max] = RANGES[type];
  return Number.isInteger(value) && value >= min && value <= max;
}

/** u64 fields are reserved ones only: their value comes as a number, exact where it matters (zero or not). */
export function readField(view: DataView, at: number, type: FieldType): number {
  switch (type) {
    case "u8":
      return view.getUint8(at);
    case "u16":
      return view.getUint16(at, true);
    case "i16":
      return view.getInt16(at, true);
    case "u32":
      return view.getUint32(at, true);
    case "i32":
      return view.getInt32(at, true);
    case "u64":
      return Number(view.getBigUint64(at, true));
    case "f64":
      return view.getFloat64(at, true);
  }
}

/** The value must fit the type (see `fitsField`). */
export function writeField(view: DataView, at: number, type: FieldType, value: number): void {
  switch (type) {
    case "u8":
      view.setUint8(at, value);
      break;
    case "u16":
      view.setUint16(at, value, true);
      break;
    case "i16":
      view.setInt16(at, value, true);
      break;
    case "u32":
      view.setUint32(at, value, true);
      break;
    case "i32":
      view.setInt32(at, value, true);
      break;
    case "u64":
      view.setBigUint64(at, BigInt(value), true);
      break;
    case "f64":
      view.setFloat64(at, value, true);
      break;
  }
}

const entriesOf = new WeakMap<FieldTable, (readonly [name: string, offset: number, type: FieldType])[]>();

/** All fields of a table, by name. */
export function readFields<T extends FieldTable>(view: DataView, base: number, table: T): Record<keyof T, number> {
  let entries = entriesOf.get(table);
  if (entries === undefined) {
    entries = Object.entries(table).map(([name, [offset, type]]) => [name, offset, type] as const);
    entriesOf.set(table, entries);
  }
  const values: Record<string, number> = {};
  for (const [name, offset, type] of entries) values[name] = readField(view, base + offset, type);
  return values as Record<keyof T, number>;
}
