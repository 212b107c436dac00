/** A cell in quotes, or a plain one, up to the separator behind it or the end of the row. Blanks around it are not part of it. */
const CELL = /[^\S\t\n\r]*(?:"([^"]*(?:""[^"]*)*)"[^\S\t\n\r]*|([^",;\t\n\r]*))(?=[,;\t\n\r]|$)/y;

/** CSV text that is not well formed; the message says which line and why. */
export class CsvSyntaxError extends Error {
  override readonly name = "CsvSyntaxError";
}

/**
 * Calls `onRow` with the trimmed cells of every line that is not blank, and the number of the line on which they end.
 * Separators are comma, semicolon and tab, also mixed; a cell in quotes may hold separators, line ends and doubled quotes.
 * Throws {@link CsvSyntaxError} where a quote stands inside a plain cell, is not closed, or has text behind it.
 */
export function readCsv(text: string, onRow: (cells: readonly string[], line: number) => void): void {
  let line = 0;
  for (let at = text.startsWith("\ufeff") ? 1 : 0; at < text.length; ) {
    const end = lineEnd(text, at);
    line++;
    const row = text.slice(at, end);
    if (row.includes('"')) {
      const quoted = quotedRow(text, at, line);
      line += quoted.lineBreaks;
      onRow(quoted.cells, line);
      at = afterBreak(text, quoted.end);
      continue;
    }
    if (/[\S\t]/.test(row)) onRow(splitPlain(row), line);
    at = afterBreak(text, end);
  }
}

const splitPlain = (row: string): string[] => row.split(/[,;\t]/).map((cell) => cell.trim());

function lineEnd(text: string, from: number): number {
  const feed = text.indexOf("\n", from);
  if (feed < 0) return text.endsWith("\r") ? text.length - 1 : text.length;
  return feed > from && text[feed - 1] === "\r" ? feed - 1 : feed;
}

function afterBreak(text: string, end: number): number {
  return end + (text[end] === "\r" ? 1 : 0) + (text[end] === "\r" ? Number(text[end + 1] === "\n") : 1);
}

/** Cells of the row at `start`, which may go on over several lines inside quotes. */
function quotedRow(text: string, start: number, line: number) {
  const cells: string[] = [];
  let lineBreaks = 0;
  for (let at = start; ; at++) {
    CELL.lastIndex = at;
    const found = CELL.exec(text);
    if (found === null) throw new CsvSyntaxError(`line ${line + lineBreaks}: ${quoteFault(text, at)}`);
    const [whole, quoted, plain] = found;
    lineBreaks += quoted?.match(/\n/g)?.length ?? 0;
    cells.push(quoted === undefined ? plain!.trim() : quoted.replaceAll('""', '"'));
    at += whole.length;
    if (at >= text.length || text[at] === "\n" || text[at] === "\r") return { cells, lineBreaks, end: at };
  }
}

function quoteFault(text: string, at: number): string {
  CELL.lastIndex = at;
  const start = text.slice(at).search(/\S/) + at;
  if (text[start] !== '"') return "a quote inside a cell that does not begin with one";
  const closing = /"[^"]*(?:""[^"]*)*"(?!")/y;
  closing.lastIndex = start;
  return closing.test(text) ? "text behind a closing quote" : "a quote that is not closed";
}
