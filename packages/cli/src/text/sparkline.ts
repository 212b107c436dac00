const LEVELS = "▁▂▃▄▅▆▇█";

/**
 * A row of small bars. Values are put into `width` equal parts, each shown by its largest value, scaled to the largest
 * of all; zero and less show as the lowest bar.
 */
export function sparkline(values: ArrayLike<number>, width: number): string {
  const bins = Math.min(width, values.length);
  if (bins === 0) return "";
  const peaks = new Float64Array(bins);
  for (let i = 0; i < values.length; i++) {
    const bin = Math.floor((i * bins) / values.length);
    if (values[i]! > peaks[bin]!) peaks[bin] = values[i]!;
  }
  const top = peaks.reduce((a, b) => Math.max(a, b), 0);
  return Array.from(peaks, (peak) => LEVELS[top > 0 ? Math.min(7, Math.floor((peak / top) * 8)) : 0]).join("");
}
