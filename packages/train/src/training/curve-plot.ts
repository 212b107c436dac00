import type { EpochMetrics } from "./run-folder.js";

const WIDTH = 760;
const PANEL = 240;
const LEFT = 64;
const RIGHT = 150;
const TOP = 30;
const BOTTOM = 34;
const COLORS = ["#2563eb", "#d97706", "#059669"];

interface Curve {
  readonly label: string;
  readonly values: readonly (number | undefined)[];
}

/** Loss and accuracy over the epochs of a run, as an SVG document. */
export function curvePlot(history: readonly EpochMetrics[]): string {
  const losses = [
    { label: "training", values: history.map((epoch) => epoch.loss) },
    { label: "validation", values: history.map((epoch) => epoch.validationLoss) },
  ];
  const accuracies = [
    { label: "training", values: history.map((epoch) => epoch.accuracy) },
    { label: "validation", values: history.map((epoch) => epoch.validationAccuracy) },
    { label: "validation f1", values: history.map((epoch) => epoch.validationF1) },
  ];
  const panels = [panel("loss", losses, 0), panel("accuracy", accuracies, PANEL)].filter((text) => text !== "");
  const height = panels.length * PANEL;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    ...panels,
    "</svg>\n",
  ].join("\n");
}

function panel(title: string, curves: readonly Curve[], top: number): string {
  const shown = curves.filter((curve) => curve.values.some((value) => value !== undefined));
  const all = shown.flatMap((curve) => curve.values.filter((value) => value !== undefined));
  if (all.length === 0) return "";
  const low = Math.min(...all);
  const high = Math.max(...all, low + 1e-9);
  const epochs = Math.max(2, ...shown.map((curve) => curve.values.length));
  const x = (epoch: number) => LEFT + (epoch / (epochs - 1)) * (WIDTH - LEFT - RIGHT);
  const y = (value: number) => top + TOP + ((high - value) / (high - low)) * (PANEL - TOP - BOTTOM);
  const parts = [`<text x="${LEFT}" y="${top + 18}" font-weight="600">${title}</text>`];
  for (const share of [0, 0.5, 1]) {
    const value = low + share * (high - low);
    const at = y(value).toFixed(1);
    parts.push(`<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}" stroke="#d9dee4"/>`);
    parts.push(`<text x="${LEFT - 6}" y="${at}" dy="4" text-anchor="end">${Number(value.toPrecision(3))}</text>`);
  }
  for (const epoch of new Set([0, Math.round((epochs - 1) / 2), epochs - 1])) {
    parts.push(`<text x="${x(epoch).toFixed(1)}" y="${top + PANEL - 12}" text-anchor="middle">${epoch + 1}</text>`);
  }
  shown.forEach(({ label, values }, index) => {
    const points = values.flatMap((value, i) =>
      value === undefined ? [] : [`${x(i).toFixed(1)},${y(value).toFixed(1)}`],
    );
    const color = COLORS[index];
    parts.push(`<polyline points="${points.join(" ")}" fill="none" stroke="${color}" stroke-width="1.6"/>`);
    parts.push(`<text x="${WIDTH - RIGHT + 10}" y="${top + TOP + 16 * index + 10}" fill="${color}">${label}</text>`);
  });
  return parts.join("\n");
}
