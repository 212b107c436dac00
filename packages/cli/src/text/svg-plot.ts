import { decades, linear, polyline, ticks } from "./axis.js";
import { compact, significant } from "./numbers.js";

/** One curve of a panel; `y` holds one value a bin of `xStep`. */
export interface PlotCurve {
  readonly label: string;
  readonly y: readonly number[];
  readonly color: string;
  /** Filled down to the axis instead of drawn as a line. */
  readonly filled?: boolean;
}

/** One panel of a plot, with axes of its own. */
export interface PlotPanel {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** x of bin i is i * xStep. */
  readonly xStep: number;
  readonly curves: readonly PlotCurve[];
}

const WIDTH = 860;
const PANEL_HEIGHT = 270;
const MARGIN = { left: 78, right: 24, top: 46, bottom: 48 };
const INK = "#1f2933";
const PALE = "#d9dee4";
const FONT = "font-family=\"system-ui, 'Segoe UI', Helvetica, Arial, sans-serif\"";

/**
 * Panels under each other as one SVG document; errors are drawn on a logarithmic axis, since they span decades.
 * Zeros lie on the lower edge.
 */
export function renderSvg(title: string, panels: readonly PlotPanel[]): string {
  const height = 40 + panels.length * PANEL_HEIGHT;
  const body = panels.map(
    (panel, i) => `<g transform="translate(0 ${40 + i * PANEL_HEIGHT})">${renderPanel(panel)}</g>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" ${FONT}>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="${MARGIN.left}" y="30" font-size="17" font-weight="600" fill="${INK}">${escapeXml(title)}</text>`,
    ...body,
    "</svg>\n",
  ].join("\n");
}

function renderPanel({ title, xLabel, yLabel, xStep, curves }: PlotPanel): string {
  const bins = Math.max(1, ...curves.map((curve) => curve.y.length));
  const end = bins * xStep;
  const x = linear([0, end], [MARGIN.left, WIDTH - MARGIN.right]);
  const floorY = PANEL_HEIGHT - MARGIN.bottom;
  const positive = curves.flatMap((curve) => curve.y.filter((value) => value > 0));
  const low = positive.length === 0 ? 1e-6 : positive.reduce((a, b) => Math.min(a, b));
  const high = positive.length === 0 ? 1 : positive.reduce((a, b) => Math.max(a, b));
  const lowDecade = Math.floor(Math.log10(low));
  const highDecade = Math.ceil(Math.log10(high) + 1e-9);
  const exponentToY = linear([lowDecade, highDecade], [floorY, MARGIN.top]);
  const position = (value: number) => (value > 0 ? exponentToY(Math.log10(value)) : floorY);
  const parts = [
    `<text x="${MARGIN.left}" y="22" font-size="13" font-weight="600" fill="${INK}">${escapeXml(title)}</text>`,
  ];
  for (const tick of decades(lowDecade, highDecade, 6)) {
    const at = position(tick).toFixed(1);
    parts.push(`<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${at}" y2="${at}" stroke="${PALE}"/>`);
    parts.push(
      `<text x="${MARGIN.left - 8}" y="${at}" dy="4" font-size="11" text-anchor="end" fill="${INK}">${significant(tick, 2)}</text>`,
    );
  }
  for (const tick of ticks(0, end, 8)) {
    const at = x(tick).toFixed(1);
    parts.push(`<line x1="${at}" x2="${at}" y1="${floorY}" y2="${floorY + 5}" stroke="${INK}"/>`);
    parts.push(
      `<text x="${at}" y="${floorY + 18}" font-size="11" text-anchor="middle" fill="${INK}">${compact(tick)}</text>`,
    );
  }
  for (const curve of curves) parts.push(renderCurve(curve, xStep, x, position, floorY));
  parts.push(`<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${floorY}" y2="${floorY}" stroke="${INK}"/>`);
  const middle = (MARGIN.left + WIDTH - MARGIN.right) / 2;
  parts.push(
    `<text x="${middle}" y="${floorY + 38}" font-size="12" text-anchor="middle" fill="${INK}">${escapeXml(xLabel)}</text>`,
  );
  const centre = (MARGIN.top + floorY) / 2;
  parts.push(
    `<text transform="translate(18 ${centre}) rotate(-90)" font-size="12" text-anchor="middle" fill="${INK}">${escapeXml(yLabel)}</text>`,
  );
  parts.push(renderLegend(curves));
  return parts.join("\n");
}

function renderCurve(
  { y, color, filled }: PlotCurve,
  xStep: number,
  toX: (value: number) => number,
  toY: (value: number) => number,
  floorY: number,
): string {
  const points = y.map((value, i): [number, number] => [toX((i + 0.5) * xStep), toY(value)]);
  if (filled) {
    const ends = [points.at(-1), points[0]].flatMap((point): [number, number][] => (point ? [[point[0], floorY]] : []));
    return `<path d="${polyline([...points, ...ends])}Z" fill="${color}" fill-opacity="0.35"/>`;
  }
  return `<path d="${polyline(points)}" fill="none" stroke="${color}" stroke-width="1.6" stroke-linejoin="round"/>`;
}

/** Right-aligned above the axes: a swatch and a label for each curve. */
function renderLegend(curves: readonly PlotCurve[]): string {
  let right = WIDTH - MARGIN.right;
  const parts: string[] = [];
  for (const { label, color, filled } of [...curves].reverse()) {
    parts.push(`<text x="${right}" y="22" font-size="12" text-anchor="end" fill="${INK}">${escapeXml(label)}</text>`);
    right -= label.length * 7.4 + 24;
    const swatch = filled ? `height="10" y="13" fill-opacity="0.35"` : `height="3" y="17"`;
    parts.push(`<rect x="${right}" width="16" ${swatch} fill="${color}"/>`);
    right -= 18;
  }
  return parts.join("\n");
}

const escapeXml = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
