/** 1234567 -> "1,234,567". */
export function grouped(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** Short form for wide ranges: 950, 12.3k, 4.56M. */
export function compact(value: number): string {
  for (const [unit, size] of [
    ["G", 1e9],
    ["M", 1e6],
    ["k", 1e3],
  ] as const) {
    if (value >= size * 0.99995) return `${Number((value / size).toPrecision(3))}${unit}`;
  }
  return `${Number(value.toPrecision(3))}`;
}

/** 0.93136 -> "93.14 %"; NaN -> "-". */
export function percent(share: number, digits = 2): string {
  return Number.isNaN(share) ? "-" : `${(share * 100).toFixed(digits)} %`;
}

/** A change of shares in percentage points, with its sign. */
export function points(change: number): string {
  const text = (change * 100).toFixed(2);
  return `${change > 0 ? "+" : ""}${text === "-0.00" ? "0.00" : text} points`;
}

/** A scale: powers of two as such (files keep five digits of a scale), others with three digits. */
export function scaleText(scale: number | undefined): string {
  if (scale === undefined || !(scale > 0)) return "-";
  const exponent = Math.round(Math.log2(scale));
  return Math.abs(scale / 2 ** exponent - 1) < 2e-5 ? `2^${exponent}` : significant(scale, 3);
}

/** A number with so many significant digits, without trailing zeros. */
export function significant(value: number, digits: number): string {
  if (!Number.isFinite(value)) return `${value}`;
  return `${Number(value.toPrecision(digits))}`;
}

/** Seconds in the unit that reads best: 812 ns, 3.1 us, 1.25 ms, 2.4 s. */
export function duration(seconds: number): string {
  for (const [unit, size] of [
    ["s", 1],
    ["ms", 1e-3],
    ["us", 1e-6],
  ] as const) {
    if (seconds >= size) return `${significant(seconds / size, 3)} ${unit}`;
  }
  return `${significant(seconds * 1e9, 3)} ns`;
}

/** Byte offset as hexadecimal with at least four digits. */
export function hexOffset(offset: number): string {
  return `0x${offset.toString(16).padStart(4, "0")}`;
}

/** "1 window", "12 windows". */
export function counted(count: number, thing: string): string {
  return `${grouped(count)} ${thing}${count === 1 ? "" : "s"}`;
}
