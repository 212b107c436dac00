import { grouped, hexOffset } from "./numbers.js";
import type { Style } from "./style.js";
import { cut } from "./table.js";

/** A piece of memory to draw. */
export interface MapBlock {
  readonly label: string;
  readonly offset: number;
  readonly bytes: number;
  /** Drawn paler: memory that others use at other times. */
  readonly shared?: boolean;
}

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
const OFFSET_WIDTH = 8;
const BYTES_WIDTH = 10;
const LEAST_AXIS = 16;
const LONGEST_LABEL = 22;

/**
 * Memory as a map: one line a block, with a bar that stands where the block lies on an axis of `totalBytes`.
 * Blocks that share addresses at different times show as bars under each other.
 * @param width characters in a line
 */
export function renderAddressMap(blocks: readonly MapBlock[], totalBytes: number, width: number, style: Style): string {
  const labelWidth = Math.min(LONGEST_LABEL, Math.max(...blocks.map((block) => block.label.length)));
  const axisWidth = Math.max(LEAST_AXIS, width - OFFSET_WIDTH - BYTES_WIDTH - labelWidth - 4);
  const lines = blocks.map((block) => {
    const bar = drawBar(block.offset / totalBytes, (block.offset + block.bytes) / totalBytes, axisWidth);
    const paint = block.shared ? style.dim : style.cyan;
    const offset = hexOffset(block.offset).padEnd(OFFSET_WIDTH);
    const bytes = grouped(block.bytes).padStart(BYTES_WIDTH);
    return `${style.dim(offset)}${bytes}  ${cut(block.label, labelWidth).padEnd(labelWidth)}  ${paint(bar)}`.trimEnd();
  });
  return lines.join("\n");
}

/** A bar from `start` to `end` (shares of the axis) in eighths of a character; never invisible. */
function drawBar(start: number, end: number, cells: number): string {
  const first = Math.min(Math.floor(start * cells * 8), cells * 8 - 1);
  const last = Math.max(first + 1, Math.min(Math.round(end * cells * 8), cells * 8));
  const cell = Math.floor(first / 8);
  // Left edges are drawn at whole characters: there are no right-aligned eighths in every font.
  const eighths = Math.max(1, last - cell * 8);
  return " ".repeat(cell) + "█".repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8]!;
}

/** A gauge of use: `[████████░░░░░░] 52 %`; full and marked red where `used` exceeds `budget`. */
export function renderGauge(used: number, budget: number, width: number, style: Style): string {
  const share = budget === 0 ? (used === 0 ? 0 : Number.POSITIVE_INFINITY) : used / budget;
  const filled = Math.min(width, share > 0 ? Math.max(1, Math.round(share * width)) : 0);
  const paint = share > 1 ? style.red : share > 0.9 ? style.yellow : style.green;
  return `${paint("█".repeat(filled))}${style.dim("░".repeat(width - filled))}`;
}
