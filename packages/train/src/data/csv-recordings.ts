import { parse } from "csv-parse/sync";
import { DataError, type DataPlace, type RecordedSequence, type Recordings, type Split } from "./recordings.js";

/** How the columns of a CSV file are to be read. */
export interface CsvOptions {
  /** Column that holds the label; default: a column called `label`, `class` or `activity`, if there is one. */
  readonly labelColumn?: string;
  /** Column that holds the regression target of each frame. */
  readonly targetColumn?: string;
  /** Column whose change of value starts a new sequence; default: `session`, `recording` or `sequence`. */
  readonly sequenceColumn?: string;
  /** Columns that are the channels, in this order; others need not be numbers. Default: every column that is nothing else. */
  readonly channels?: readonly string[];
  /** Names that a model gives its channels: they are taken, in this order, where the file has all of them. */
  readonly expected?: readonly string[];
  /** Class names in the order of the class ids, for text labels; default: the names found, sorted. */
  readonly classes?: readonly string[];
  /**
   * What the numbers are. `auto`: raw int16 counts where all of them are integers of 16 bits, else physical values.
   */
  readonly values?: "counts" | "physical" | "auto";
}

const LABEL_COLUMNS = ["label", "class", "activity"];
const SEQUENCE_COLUMNS = ["session", "recording", "sequence"];
const SPLIT_COLUMN = "split";

/** Roles of the columns of one file. */
interface Columns {
  readonly names: readonly string[];
  readonly features: readonly number[];
  readonly label: number;
  readonly target: number;
  readonly sequence: number;
  readonly split: number;
}

/** A sequence while its rows come in: where it begins, and what its first row says. */
interface Section {
  readonly name: string;
  readonly start: number;
  readonly split: Split | undefined;
}

/** Rows of one file as they come in. */
class CsvTable {
  columns: Columns | undefined;
  readonly values: number[] = [];
  readonly labels: string[] = [];
  readonly targets: number[] = [];
  readonly sections: Section[] = [];
  /** Line of each row. */
  readonly lines: number[] = [];

  constructor(
    readonly file: string,
    readonly options: CsvOptions,
  ) {}

  add(cells: readonly string[], line: number): void {
    if (this.columns === undefined) {
      const isHeader = !cells.some((cell) => cell !== "" && (!Number.isNaN(Number(cell)) || /^[+-]?nan$/i.test(cell)));
      this.columns = assignColumns(this.file, isHeader ? cells : cells.map((_, i) => `x${i}`), this.options);
      if (isHeader) return;
    }
    const { columns, file } = this;
    if (cells.length !== columns.names.length) {
      const message = `${file}:${line}: row has ${cells.length} values, expected ${columns.names.length}`;
      throw new DataError("DATA_ROW_WIDTH", message, { file, line });
    }
    this.startSection(cells, columns, line);
    for (const column of columns.features) this.values.push(this.number(cells, column, line));
    if (columns.target >= 0) this.targets.push(this.number(cells, columns.target, line));
    if (columns.label >= 0) this.labels.push(cells[columns.label]!);
    this.lines.push(line);
  }

  get rows(): number {
    return this.lines.length;
  }

  private startSection(cells: readonly string[], columns: Columns, line: number): void {
    const name = columns.sequence < 0 ? this.file : cells[columns.sequence]!;
    if (this.sections.at(-1)?.name === name) return;
    const split = columns.split < 0 ? undefined : cells[columns.split];
    if (split !== undefined && split !== "train" && split !== "test") {
      const message = `${this.file}:${line}: split is "${split}", expected train or test`;
      throw new DataError("DATA_LABEL_UNKNOWN", message, { file: this.file, line, column: SPLIT_COLUMN });
    }
    this.sections.push({ name, start: this.rows, split });
  }

  private number(cells: readonly string[], column: number, line: number): number {
    const cell = cells[column]!;
    const value = cell === "" ? Number.NaN : Number(cell);
    if (Number.isFinite(value)) return value;
    const name = this.columns!.names[column]!;
    const found = cell === "" ? "empty" : cell;
    const message = `${this.file}:${line}: column ${name}: value is ${found}, expected a finite number`;
    throw new DataError("DATA_NOT_A_NUMBER", message, { file: this.file, line, column: name });
  }
}

/**
 * Recordings from CSV text (comma, semicolon or tab; header optional). Every column is a channel but those that hold the
 * label, the target, the sequence name or the split (`train`, `test`).
 * @param file name for messages
 * Throws {@link DataError}: `DATA_NOT_A_NUMBER`, `DATA_ROW_WIDTH`, `DATA_COLUMN_UNKNOWN`, `DATA_LABEL_UNKNOWN`,
 * `DATA_RANGE`, `DATA_TOO_SHORT`, each naming file, line and value.
 */
export function csvRecordings(text: string | Uint8Array, file: string, options: CsvOptions = {}): Recordings {
  const table = new CsvTable(file, options);
  readRows(text, file, (cells, line) => table.add(cells, line));
  const { columns } = table;
  if (columns === undefined || table.rows === 0) {
    throw new DataError("DATA_TOO_SHORT", `${file}: no rows of numbers`, { file });
  }
  const channels = columns.features.length;
  const samples = toSamples(table, columns, options.values ?? "auto");
  const { classes, ids } = toClassIds(table, options.classes);
  const targets = columns.target < 0 ? undefined : Float32Array.from(table.targets);
  const sequences = table.sections.map((section, i): RecordedSequence => {
    const end = table.sections[i + 1]?.start ?? table.rows;
    return {
      name: section.name,
      length: end - section.start,
      samples: samples.subarray(section.start * channels, end * channels),
      ...(ids === undefined ? {} : { labels: ids.subarray(section.start, end) }),
      ...(targets === undefined ? {} : { targets: targets.subarray(section.start, end) }),
      ...(columns.sequence < 0 ? {} : { group: section.name }),
      ...(section.split === undefined ? {} : { split: section.split }),
    };
  });
  return {
    name: file,
    channels,
    featureNames: columns.features.map((column) => columns.names[column]!),
    units: new Array<string>(channels).fill(""),
    rawScale: new Array<number>(channels).fill(1),
    sequences,
    classes,
    ...(columns.target < 0 ? {} : { targetName: columns.names[columns.target]! }),
  };
}

/** Calls `onRow` with the cells of every non-empty line. Throws `DATA_UNREADABLE` for broken quoting. */
export function readRows(
  text: string | Uint8Array,
  file: string,
  onRow: (cells: readonly string[], line: number) => void,
): void {
  try {
    parse(text as string, {
      bom: true,
      delimiter: [",", ";", "\t"],
      trim: true,
      skip_empty_lines: true,
      relax_column_count: true,
      onRecord: (cells: string[], context) => {
        onRow(cells, context.lines);
        return null;
      },
    });
  } catch (error) {
    if (error instanceof DataError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new DataError("DATA_UNREADABLE", `${file}: not readable as csv: ${message}`, { file, cause: error });
  }
}

function assignColumns(file: string, cells: readonly string[], options: CsvOptions): Columns {
  const names = cells.map((cell) => cell.trim());
  const named = (name: string | undefined, defaults: readonly string[], place: DataPlace) => {
    if (name === undefined) return names.findIndex((candidate) => defaults.includes(candidate.toLowerCase()));
    const found = names.indexOf(name);
    if (found >= 0) return found;
    const message = `${file}: no column ${name} among ${names.slice(0, 20).join(", ")}`;
    throw new DataError("DATA_COLUMN_UNKNOWN", message, { ...place, column: name });
  };
  const place = { file, line: 1 };
  const label = named(options.labelColumn, LABEL_COLUMNS, place);
  const target = named(options.targetColumn, [], place);
  const sequence = named(options.sequenceColumn, SEQUENCE_COLUMNS, place);
  const split = names.indexOf(SPLIT_COLUMN);
  const others = names.map((_, i) => i).filter((i) => i !== label && i !== target && i !== sequence && i !== split);
  const features = channelColumns(names, options, others, (name) => named(name, [], place));
  if (features.length === 0) throw new DataError("DATA_SHAPE", `${file}: no column is left for the frames`, place);
  const twice = features.find((column) => names.indexOf(names[column]!) < column);
  if (twice !== undefined) {
    throw new DataError("DATA_SHAPE", `${file}: two columns are called ${names[twice]}`, {
      ...place,
      column: names[twice]!,
    });
  }
  return { names, features, label, target, sequence, split };
}

/** The columns that are asked for; else those that a model names, where all are there; else all `others`. */
function channelColumns(
  names: readonly string[],
  { channels, expected = [] }: CsvOptions,
  others: readonly number[],
  find: (name: string) => number,
): readonly number[] {
  if (channels !== undefined) return channels.map(find);
  const known = expected.length > 0 && expected.every((name) => names.includes(name));
  return known ? expected.map(find) : others;
}

function toSamples(table: CsvTable, columns: Columns, kind: "counts" | "physical" | "auto"): Int16Array | Float32Array {
  const bad = table.values.findIndex((value) => !Number.isInteger(value) || value < -32768 || value > 32767);
  if (kind === "physical" || (kind === "auto" && bad >= 0)) return Float32Array.from(table.values);
  if (bad < 0) return Int16Array.from(table.values);
  const line = table.lines[Math.floor(bad / columns.features.length)]!;
  const column = columns.names[columns.features[bad % columns.features.length]!]!;
  const message = `${table.file}:${line}: column ${column}: ${table.values[bad]} is not a raw count of 16 bits (-32768 .. 32767)`;
  throw new DataError("DATA_RANGE", message, { file: table.file, line, column });
}

/** Class ids of the rows: integers as they stand; names by their place in `known`, or sorted where no names are known. */
function toClassIds(table: CsvTable, known?: readonly string[]): { classes: readonly string[]; ids?: Uint16Array } {
  if (table.columns!.label < 0) return { classes: known ?? [] };
  const { file, labels } = table;
  const found = new Set(labels);
  const numeric = [...found].every((label) => /^\d{1,5}$/.test(label)) && !known?.some((name) => found.has(name));
  if (numeric) {
    const ids = Uint16Array.from(labels, Number);
    const highest = ids.reduce((a, b) => Math.max(a, b), 0);
    return { classes: known ?? Array.from({ length: highest + 1 }, (_, i) => `${i}`), ids };
  }
  const classes = known ?? [...found].sort();
  const idByName = new Map(classes.map((name, id) => [name, id]));
  const ids = Uint16Array.from(labels, (label, row) => {
    const id = idByName.get(label);
    if (id !== undefined) return id;
    const line = table.lines[row]!;
    const message = `${file}:${line}: label "${label}" is none of ${classes.join(", ")}`;
    throw new DataError("DATA_LABEL_UNKNOWN", message, { file, line });
  });
  return { classes, ids };
}
