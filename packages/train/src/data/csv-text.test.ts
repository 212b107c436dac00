import { parse } from "csv-parse/sync";
import { describe, expect, it } from "vitest";
import { CsvSyntaxError, readCsv } from "./csv-text.js";

type Row = readonly [number, ...string[]];

function rows(text: string): Row[] {
  const found: Row[] = [];
  readCsv(text, (cells, line) => found.push([line, ...cells]));
  return found;
}

/** The same by an independent reader. */
function expected(text: string): Row[] {
  const found: Row[] = [];
  parse(text, {
    bom: true,
    delimiter: [",", ";", "\t"],
    trim: true,
    skip_empty_lines: true,
    relax_column_count: true,
    record_delimiter: ["\r\n", "\n"],
    onRecord: (cells: string[], context) => {
      found.push([context.lines, ...cells]);
      return null;
    },
  });
  return found;
}

describe("readCsv", () => {
  it("numbers the lines, drops blank ones and blanks around cells", () => {
    expect(rows("\ufeffa, b ;c\td\r\n\r\n  \n 1 ,,\n2")).toEqual([
      [1, "a", "b", "c", "d"],
      [4, "1", "", ""],
      [5, "2"],
    ]);
    expect(rows("")).toEqual([]);
    expect(rows("1,2\r")).toEqual([[1, "1", "2"]]);
  });

  it("takes separators, line ends and doubled quotes inside quotes", () => {
    expect(rows('"a,b" , "say ""x""";""\n"two\nlines",1\n3\n')).toEqual([
      [1, "a,b", 'say "x"', ""],
      [3, "two\nlines", "1"],
      [4, "3"],
    ]);
  });

  it("says what is wrong with a quote, and where", () => {
    const refusal = (text: string) => {
      try {
        rows(text);
      } catch (error) {
        if (error instanceof CsvSyntaxError) return error.message;
        throw error;
      }
      throw new Error("nothing was refused");
    };
    expect(refusal('1,2\na,b"c"\n')).toBe("line 2: a quote inside a cell that does not begin with one");
    expect(refusal('1,"2\n3\n')).toBe("line 1: a quote that is not closed");
    expect(refusal('"x\n1" 2,3\n')).toBe("line 1: text behind a closing quote");
  });

  it("agrees with csv-parse on well-formed texts", () => {
    let state = 1;
    const below = (count: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * count);
    };
    const pick = <T>(items: readonly T[]) => items[below(items.length)]!;
    const cell = () => pick(["", "1", "-2.5", " x y ", '"q"', '"a,b;c"', '"say ""x"""', '""', '"1\n2"', ' "z" ', "é"]);
    for (let round = 0; round < 2000; round++) {
      let text = pick(["", "\ufeff"]);
      for (let count = below(5); count > 0; count--) {
        const cells = Array.from({ length: 1 + below(4) }, cell);
        text += cells.reduce((row, next) => row + pick([",", ";", "\t"]) + next) + pick(["\n", "\r\n", "\n\n"]);
      }
      if (below(2) === 0) text = text.replace(/[\r\n]+$/, "");
      expect(rows(text), JSON.stringify(text)).toEqual(expected(text));
    }
  });
});
