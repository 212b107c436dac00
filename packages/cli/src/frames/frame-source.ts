import { CliError } from "../cli-error.js";

/** Frames that came together: row-major values, as read. */
export type FrameBatch = Int16Array | Float64Array;

export interface FrameFormat {
  /** Values in a frame. */
  readonly width: number;
  /** Names of the model's features; with them a CSV header may name more columns, in any order. */
  readonly features: readonly string[];
  /** Values must be raw counts: integers of 16 bits. */
  readonly counts?: boolean;
}

/** A line longer than this is no line of numbers: it would have to be kept in memory. */
const LONGEST_LINE = 1 << 20;
const NEWLINE = 10;

/**
 * Raw little-endian int16 frames. Throws `FRAME_WIDTH` where the input ends inside a frame.
 * Memory: one chunk.
 */
export async function* rawFrames(input: AsyncIterable<Uint8Array>, { width }: FrameFormat): AsyncGenerator<Int16Array> {
  const frameBytes = 2 * width;
  let kept = new Uint8Array(0);
  for await (const chunk of input) {
    const bytes = kept.length === 0 ? chunk : concatenate(kept, chunk);
    const whole = bytes.length - (bytes.length % frameBytes);
    if (whole > 0) {
      // A copy of its own: int16 views need even addresses.
      const copy = bytes.slice(0, whole);
      yield new Int16Array(copy.buffer, copy.byteOffset, whole / 2);
    }
    kept = bytes.slice(whole);
  }
  if (kept.length > 0) {
    throw new CliError("FRAME_WIDTH", `the input ends inside a frame: ${kept.length} of ${frameBytes} bytes`);
  }
}

/**
 * Frames of CSV lines (comma, semicolon, tab or blank), one a line. A first line without numbers is a header; it may
 * name more columns than the frame has, if it names all features.
 * Lines are split here and not by a CSV library: that keeps memory and time small. Quotes go; no cell may hold a delimiter.
 * Throws `FRAME_WIDTH`, `FRAME_VALUE` or `LINE_TOO_LONG` naming the line. Memory: one chunk and one line.
 */
export async function* csvFrames(input: AsyncIterable<Uint8Array>, format: FrameFormat): AsyncGenerator<Float64Array> {
  const reader = new CsvReader(format);
  const decoder = new TextDecoder();
  let kept = new Uint8Array(0);
  for await (const chunk of input) {
    const bytes = kept.length === 0 ? chunk : concatenate(kept, chunk);
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    if (bytes.length - end > LONGEST_LINE) {
      throw new CliError("LINE_TOO_LONG", `line ${reader.line + 1} is longer than ${LONGEST_LINE} bytes`);
    }
    if (end > 0) {
      const batch = reader.read(decoder.decode(bytes.subarray(0, end)));
      if (batch.length > 0) yield batch;
    }
    kept = bytes.slice(end);
  }
  const rest = reader.read(decoder.decode(kept));
  if (rest.length > 0) yield rest;
}

class CsvReader {
  line = 0;
  private columns: readonly number[] | undefined;
  /** Values that a line must have. */
  private expected = 0;

  constructor(private readonly format: FrameFormat) {}

  read(text: string): Float64Array {
    const lines = text.split("\n");
    const values = new Float64Array(lines.length * this.format.width);
    let at = 0;
    for (const [i, raw] of lines.entries()) {
      if (i === lines.length - 1 && raw === "") break;
      this.line++;
      const line = raw.trim();
      if (line === "") continue;
      const cells = line.replaceAll('"', "").split(/\s*[,;\t]\s*|\s+/);
      if (this.columns === undefined && this.isHeader(cells)) continue;
      if (cells.length !== this.expected) {
        const message = `line ${this.line}: frame has ${cells.length} values, expected ${this.expected}`;
        throw new CliError("FRAME_WIDTH", message);
      }
      for (const column of this.columns!) values[at++] = this.number(cells[column]!);
    }
    return values.subarray(0, at);
  }

  /** Decides from the first line which columns are the frame; true where that line is a header. */
  private isHeader(cells: readonly string[]): boolean {
    const { width, features } = this.format;
    const names = cells.map((cell) => cell.replace(/^\ufeff/, ""));
    const header = names.every((cell) => Number.isNaN(Number(cell)) && !/^[+-]?nan$/i.test(cell));
    this.columns = Array.from({ length: width }, (_, i) => i);
    this.expected = width;
    if (!header) return false;
    if (names.length === width && !features.every((feature) => names.includes(feature))) return true;
    const found = features.map((feature) => names.indexOf(feature));
    if (features.length !== width || found.includes(-1)) {
      const wanted = features.length === width ? features.join(", ") : `${width} columns`;
      throw new CliError(
        "FRAME_WIDTH",
        `line 1: header has ${names.length} columns (${names.join(", ")}), expected ${wanted}`,
      );
    }
    this.columns = found;
    this.expected = names.length;
    return true;
  }

  private number(cell: string): number {
    const value = cell === "" ? Number.NaN : Number(cell);
    if (!Number.isFinite(value)) {
      throw new CliError("FRAME_VALUE", `line ${this.line}: value is ${cell || "empty"}, expected a finite number`);
    }
    if (!this.format.counts || isCount(value)) return value;
    const why = "is not a raw count of 16 bits (-32768 .. 32767): give physical values with --physical";
    throw new CliError("FRAME_VALUE", `line ${this.line}: ${cell} ${why}`);
  }
}

const isCount = (value: number) => Number.isInteger(value) && value >= -32768 && value <= 32767;

function concatenate(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
