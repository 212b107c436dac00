import type { EpochMetrics } from "./run-folder.js";

const WIDTH = 760;
const PANEL = 250;
const LEFT = 64;
const RIGHT = 176;
const TOP = 34;
const BOTTOM = 44;
const COLORS = ["#2563eb", "#d97706", "#059669"];
/** A label wants so many pixels. */
const TICK_WIDTH = 60;
/** Up to so many epochs each has a dot. */
const DOTTED = 30;

interface Curve {
  readonly label: string;
  readonly values: readonly (number | undefined)[];
}

/**
 * Loss and accuracy over the epochs of a run, as an SVG document.
 * @param bestEpoch from 1: marked, and its values stand beside the names of the curves
 */
export function curvePlot(history: readonly EpochMetrics[], bestEpoch: number): string {
  const losses = [
    { label: "training", values: history.map((epoch) => epoch.loss) },
    { label: "validation", values: history.map((epoch) => epoch.validationLoss) },
  ];
  const accuracies = [
    { label: "training", values: history.map((epoch) => epoch.accuracy) },
    { label: "validation", values: history.map((epoch) => epoch.validationAccuracy) },
    { label: "validation F1", values: history.map((epoch) => epoch.validationF1) },
  ];
  const panels = [panel("loss", losses, bestEpoch, 0), panel("accuracy", accuracies, bestEpoch, PANEL)];
  const shown = panels.filter((text) => text !== "");
  const height = shown.length * PANEL;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="DejaVu Sans, system-ui, sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    ...shown,
    "</svg>\n",
  ].join("\n");
}

/** Round values (1, 2 or 5 times a power of ten) that enclose low .. high, about `count` of them. */
export function roundTicks(low: number, high: number, count: number): number[] {
  const span = Math.max(high - low, 1e-6 * Math.max(1, Math.abs(high)));
  const raw = span / Math.max(1, count - 1);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= raw * (1 - 1e-9)) ?? 10);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Whole epochs, the first and the last among them. */
function epochTicks(epochs: number): number[] {
  const most = Math.floor((WIDTH - LEFT - RIGHT) / TICK_WIDTH);
  const step = roundTicks(0, epochs, most)[1];
  const every = Math.max(1, Math.round(step));
  const inner = Array.from({ length: Math.floor(epochs / every) }, (_, i) => (i + 1) * every);
  return [...new Set([1, ...inner.filter((epoch) => epochs - epoch >= every / 2), epochs])];
}

function panel(title: string, curves: readonly Curve[], bestEpoch: number, top: number): string {
  const shown = curves.filter((curve) => curve.values.some((value) => value !== undefined));
  const all = shown.flatMap((curve) => curve.values.filter((value) => value !== undefined));
  if (all.length === 0) return "";
  const ticks = roundTicks(Math.min(...all), Math.max(...all), 5);
  const [low, high] = [ticks[0], ticks[ticks.length - 1]];
  const epochs = Math.max(...shown.map((curve) => curve.values.length));
  const right = WIDTH - RIGHT;
  const bottom = top + PANEL - BOTTOM;
  const x = (epoch: number) => (LEFT + (epochs === 1 ? 0.5 : (epoch - 1) / (epochs - 1)) * (right - LEFT)).toFixed(1);
  const y = (value: number) => (bottom - ((value - low) / (high - low)) * (bottom - top - TOP)).toFixed(1);
  const parts = [`<text x="${LEFT}" y="${top + 18}" font-weight="600">${title}</text>`];
  for (const value of ticks) {
    parts.push(`<line x1="${LEFT}" x2="${right}" y1="${y(value)}" y2="${y(value)}" stroke="#e2e6ea"/>`);
    parts.push(`<text x="${LEFT - 8}" y="${y(value)}" dy="4" text-anchor="end" fill="#4b5563">${value}</text>`);
  }
  for (const epoch of epochTicks(epochs)) {
    parts.push(`<line x1="${x(epoch)}" x2="${x(epoch)}" y1="${bottom}" y2="${bottom + 4}" stroke="#9aa3ad"/>`);
    parts.push(`<text x="${x(epoch)}" y="${bottom + 17}" text-anchor="middle" fill="#4b5563">${epoch}</text>`);
  }
  parts.push(`<text x="${(LEFT + right) / 2}" y="${bottom + 33}" text-anchor="middle" fill="#4b5563">epoch</text>`);
  parts.push(
    `<line x1="${x(bestEpoch)}" x2="${x(bestEpoch)}" y1="${top + TOP - 6}" y2="${bottom}" stroke="#6b7280" stroke-dasharray="3 3"/>`,
    `<text x="${right + 12}" y="${top + TOP + 4}" fill="#6b7280">at epoch ${bestEpoch} (best)</text>`,
  );
  shown.forEach((curve, index) => {
    parts.push(...drawn(curve, COLORS[index], x, y));
    const best = curve.values[bestEpoch - 1];
    const value = best === undefined ? "" : ` ${best.toPrecision(4)}`;
    parts.push(
      `<text x="${right + 12}" y="${top + TOP + 20 * (index + 1) + 6}" fill="${COLORS[index]}">${curve.label}${value}</text>`,
    );
  });
  return parts.join("\n");
}

type Place = (value: number) => string;

function drawn({ values }: Curve, color: string, x: Place, y: Place): string[] {
  const points = values.flatMap((value, i) => (value === undefined ? [] : [[x(i + 1), y(value)]]));
  const line = `<polyline points="${points.map((point) => point.join(",")).join(" ")}" fill="none" stroke="${color}" stroke-width="1.8" stroke-linejoin="round"/>`;
  const dots = points.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="2.4" fill="${color}"/>`);
  return [line, ...(points.length <= DOTTED ? dots : [])];
}
