import { readRows } from "./csv-recordings.js";
import { DataError } from "./recordings.js";

/** Rows of a small CSV table with a header, by column name. */
export type TableRow = ReadonlyMap<string, string>;

/** A small CSV table that describes a data set; knows its file for messages. */
export class FolderTable {
  readonly rows: TableRow[] = [];
  readonly columns: readonly string[];

  constructor(
    text: string,
    readonly file: string,
  ) {
    let header: readonly string[] | undefined;
    readRows(text, file, (cells, line) => {
      if (header === undefined) {
        header = cells;
        return;
      }
      if (cells.length !== header.length) {
        const message = `${file}:${line}: row has ${cells.length} values, expected ${header.length}`;
        throw new DataError("DATA_ROW_WIDTH", message, { file, line });
      }
      const names = header;
      this.rows.push(new Map(cells.map((cell, i) => [names[i]!, cell])));
    });
    this.columns = header ?? [];
  }

  /** The first of `names` that is a column, or undefined. */
  column(...names: string[]): string | undefined {
    return names.find((name) => this.columns.includes(name));
  }

  /** Cell `column` of row `row` as an integer >= 0. Throws `DATA_COLUMN_UNKNOWN` or `DATA_NOT_A_NUMBER`. */
  integer(row: number, column: string): number {
    const cell = this.rows[row]!.get(column);
    if (cell === undefined) {
      throw new DataError("DATA_COLUMN_UNKNOWN", `${this.file}: no column ${column}`, { file: this.file, column });
    }
    const value = Number(cell);
    if (cell !== "" && Number.isSafeInteger(value) && value >= 0) return value;
    const message = `${this.file}:${row + 2}: column ${column}: value is ${cell || "empty"}, expected an integer >= 0`;
    throw new DataError("DATA_NOT_A_NUMBER", message, { file: this.file, line: row + 2, column });
  }

  text(row: number, column: string): string {
    return this.rows[row]!.get(column) ?? "";
  }
}
