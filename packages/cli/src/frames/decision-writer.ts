import { once } from "node:events";
import type { Writable } from "node:stream";
import { significant } from "../text/numbers.js";
import type { Decision } from "./decider.js";

export interface DecisionFormat {
  readonly json: boolean;
  /** Only decisions whose class differs from the one before. */
  readonly changesOnly: boolean;
  /** Whether several rows can fall with one frame. */
  readonly manyRows: boolean;
  /** Column names of a regression model's outputs. */
  readonly outputNames: readonly string[];
}

/** Writes decisions as they fall, as CSV or as one JSON object a line; waits where the reader is slow. */
export class DecisionWriter {
  private lastClass: number | undefined;
  private headerWritten = false;
  written = 0;

  constructor(
    private readonly output: Writable,
    private readonly format: DecisionFormat,
  ) {}

  /** Resolves when the output has room for more. */
  async write(decisions: readonly Decision[]): Promise<void> {
    let text = "";
    for (const decision of decisions) {
      if (this.format.changesOnly && decision.classId !== undefined && decision.classId === this.lastClass) continue;
      this.lastClass = decision.classId;
      text += this.line(decision);
      this.written++;
    }
    if (text !== "" && !this.output.write(text)) await once(this.output, "drain");
  }

  private line(decision: Decision): string {
    const { json, manyRows, outputNames } = this.format;
    const { frame, row, outputs, classId, className, confidence } = decision;
    if (json) {
      const known = classId === undefined ? {} : { classId, class: className, confidence };
      return `${JSON.stringify({ frame, ...(manyRows ? { row } : {}), ...known, outputs })}\n`;
    }
    const values =
      classId === undefined
        ? outputs.map((value) => significant(value, 6))
        : [quoted(className!), confidence!.toFixed(4)];
    const cells = [frame, ...(manyRows ? [row] : []), ...values].join(",");
    if (this.headerWritten) return `${cells}\n`;
    this.headerWritten = true;
    const names = classId === undefined ? outputs.map((_, i) => outputNames[i] ?? `y${i}`) : ["class", "confidence"];
    return `${["frame", ...(manyRows ? ["row"] : []), ...names].join(",")}\n${cells}\n`;
  }
}

const quoted = (name: string) => (/[",\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name);
