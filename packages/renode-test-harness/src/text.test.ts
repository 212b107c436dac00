import { describe, expect, it } from "vitest";
import { RenodeError } from "./errors.js";
import {
  dotnetLiteral,
  dotnetPattern,
  keywordArguments,
  monitorPath,
  monitorSeconds,
  pythonString,
} from "./monitor-text.js";
import { printable } from "./printable.js";
import { parseStatus } from "./stop-hooks.js";
import { Transcript } from "./transcript.js";

describe("monitor text", () => {
  it("escapes spaces in paths and refuses what the monitor cannot take", () => {
    expect(monitorPath("/a b/c.elf")).toBe("@/a\\ b/c.elf");
    expect(() => monitorPath("/a;quit")).toThrow(/cannot take/);
    expect(() => monitorPath("/a\nquit")).toThrow(/cannot take/);
  });

  it("writes virtual time without exponent, in steps of a nanosecond", () => {
    expect(monitorSeconds(1e-7)).toBe("0.000000100");
    expect(monitorSeconds(90)).toBe("90.000000000");
    for (const wrong of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e-10]) {
      expect(() => monitorSeconds(wrong)).toThrow(RangeError);
    }
  });

  it("writes any text as ascii python", () => {
    expect(pythonString('a"b\\c\né😀')).toBe('u"a\\"b\\\\c\\n\\u00e9\\ud83d\\ude00"');
  });

  it("names every argument from the first that looks named", () => {
    expect(
      keywordArguments(
        [
          ["a", "x"],
          ["b", "k=v"],
          ["c", "y"],
        ],
        { timeout: 5 },
      ),
    ).toEqual(["x", "b=k=v", "c=y", "timeout=5"]);
    expect(keywordArguments([["a", "$k=v"]])).toEqual(["$k=v"]);
    expect(() => keywordArguments([["a", "k=v\nw"]])).toThrow(/one line/);
  });

  it("translates patterns to .net and refuses flags that differ", () => {
    expect(dotnetPattern(/^a\/b (\d+)$/i)).toBe("(?i)^a/b (\\d+)$");
    expect(dotnetPattern(/\u{e9}/u)).toBe("\\u00e9");
    expect(() => dotnetPattern(/a/s)).toThrow(/flag s/);
    expect(dotnetLiteral("a.b é")).toBe("a\\u002eb \\u00c3\\u00a9");
  });

  it("parses a status and nothing else", () => {
    expect(parseStatus("True|None|0.5|12345678901234|208\n")).toEqual({
      running: true,
      stop: undefined,
      virtualSeconds: 0.5,
      instructions: 12345678901234n,
      pc: 208,
    });
    expect(parseStatus("False|2|1E-06|1|2")).toMatchObject({ running: false, stop: 2, virtualSeconds: 1e-6 });
    expect(parseStatus("False|limit|1|1|2")?.stop).toBe("limit");
    expect(parseStatus("False|x|1|1|2")).toBeUndefined();
  });
});

describe("transcript", () => {
  it("keeps everything below its cap, beginning and end above", () => {
    const small = new Transcript(1024);
    small.append("a\n");
    small.append("b\n");
    expect(small.toString()).toBe("a\nb\n");
    const large = new Transcript(1024);
    for (let line = 0; line < 1000; line++) large.append(`line ${line}\n`);
    const text = large.toString();
    expect(text.startsWith("line 0\nline 1\n")).toBe(true);
    expect(text.endsWith("line 998\nline 999\n")).toBe(true);
    const dropped = Number(/\.\.\. (\d+) bytes left out/.exec(text)?.[1]);
    expect(text.replace(/\n\.\.\..*\.\.\.\n/, "")).toHaveLength(1024);
    expect(dropped).toBe(large.totalBytes - 1024);
  });

  it("takes one huge piece", () => {
    const huge = new Transcript(1024);
    huge.append("x".repeat(1_000_000));
    expect(huge.toString().length).toBeLessThan(1100);
    expect(() => new Transcript(10)).toThrow(RangeError);
  });
});

describe("errors", () => {
  it("carry what xml 1.0 can carry", () => {
    expect(printable("a\u0000b\u001b[31m\tc\n\ud800d")).toBe("a\\x00b\\x1b[31m\tc\n\ufffdd");
  });

  it("show the reason first and the end of the transcript", () => {
    const transcript = Array.from({ length: 100 }, (_, line) => `line ${line}\n`).join("");
    const error = new RenodeError("wall-timeout", "too late", {
      command: ["renode", "-x"],
      exitCode: null,
      signal: "SIGKILL",
      durationMs: 1234.5,
      transcript,
    });
    const lines = error.message.split("\n");
    expect(lines.slice(0, 3)).toEqual([
      "too late",
      "--- transcript (SIGKILL, 1235 ms): renode -x",
      "... 60 lines before",
    ]);
    expect(lines.at(-1)).toBe("line 99");
    expect(error.transcript).toBe(transcript);
  });
});
