import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";

/** A complete line and where the text behind it starts. */
interface FoundLine {
  readonly line: string;
  readonly match: readonly string[];
}

/**
 * What one UART has sent, read from the file that Renode writes it to (every byte is flushed). Bytes are kept as they
 * are; lines are a view of them. A cursor remembers how far line matching has come, so that a line counts once.
 */
export class UartCapture {
  #bytes = Buffer.alloc(0);
  #length = 0;
  #cursor = 0;

  constructor(
    /** Name in the machine, as "sysbus.uart0". */
    readonly name: string,
    readonly file: string,
  ) {}

  /** All bytes so far. */
  bytes(): Buffer {
    this.#refresh();
    return this.#bytes.subarray(0, this.#length);
  }

  /** All bytes so far as UTF-8. */
  text(): string {
    return this.bytes().toString("utf8");
  }

  /** All complete lines so far, without their line ends. */
  lines(): string[] {
    const lines = this.text().split(/\r\n|\n|\r/);
    lines.pop();
    return lines;
  }

  /**
   * Looks for the next complete line behind the cursor that contains `content` or matches it, and moves behind it.
   * @returns undefined, the cursor unmoved, when there is none yet
   */
  takeLine(content: string | RegExp): FoundLine | undefined {
    const bytes = this.bytes();
    let start = this.#cursor;
    for (let at = start; at < bytes.length; at++) {
      if (bytes[at] !== 10 && bytes[at] !== 13) continue;
      const line = bytes.toString("utf8", start, at);
      start = at + 1;
      const match = matchLine(line, content);
      if (match === undefined) continue;
      this.#cursor = start;
      return { line, match };
    }
    return undefined;
  }

  #refresh(): void {
    if (!existsSync(this.file)) return;
    const handle = openSync(this.file, "r");
    try {
      const size = fstatSync(handle).size;
      if (size <= this.#length) return;
      if (size > this.#bytes.length) {
        const larger = Buffer.alloc(Math.max(size, 2 * this.#bytes.length));
        this.#bytes.copy(larger, 0, 0, this.#length);
        this.#bytes = larger;
      }
      this.#length += readSync(handle, this.#bytes, this.#length, size - this.#length, this.#length);
    } finally {
      closeSync(handle);
    }
  }
}

function matchLine(line: string, content: string | RegExp): readonly string[] | undefined {
  if (typeof content === "string") return line.includes(content) ? [content] : undefined;
  return new RegExp(content.source, content.flags.replace(/[gy]/g, "")).exec(line) ?? undefined;
}
