import { expect } from "vitest";
import { Board, type Limits, type Until } from "./board.js";
import { RenodeError } from "./errors.js";
import { printable } from "./printable.js";

/** Where to count, and how far off a count may be. */
export interface RetireOptions extends Limits {
  readonly from: string | number;
  readonly to: string | number;
  /** Instructions the count may differ by, default 0: counts do not depend on the host. */
  readonly tolerance?: number;
}

export interface LineOptions extends Limits {
  readonly uart?: string;
}

interface RenodeMatchers<R> {
  /** Runs the board until it prints such a line. Negated: it must not within the virtual time limit. */
  toPrintLine(content: string | RegExp, options?: LineOptions): Promise<R>;
  /** Runs the board until it reaches a symbol or address. */
  toReach(symbol: string | number, limits?: Limits): Promise<R>;
  /** Runs the board from one symbol to another and compares the number of retired instructions. */
  toRetireInstructions(count: number, options: RetireOptions): Promise<R>;
}

declare module "vitest" {
  // biome-ignore lint/suspicious/noExplicitAny: the parameter must read as Vitest declares it
  interface Matchers<T = any> extends RenodeMatchers<T> {}
}

interface Verdict {
  readonly pass: boolean;
  readonly message: () => string;
  readonly actual?: unknown;
  readonly expected?: unknown;
}

function boardOf(received: unknown, matcher: string): Board {
  if (received instanceof Board) return received;
  throw new TypeError(`${matcher} expects a board of renode-test-harness, got ${typeof received}`);
}

/** Only "it did not come in time" and "something else stopped it" are verdicts; all other errors are errors. */
async function reaches(board: Board, until: Until, what: string, limits: Limits): Promise<Verdict> {
  try {
    const stop = await board.runUntil(until, limits);
    const where = `virtual ${stop.virtualSeconds} s, ${stop.instructions} instructions`;
    const line = stop.line === undefined ? "" : `: ${JSON.stringify(stop.line)}`;
    return { pass: true, message: () => printable(`expected the board not to ${what}, it did at ${where}${line}`) };
  } catch (error) {
    if (!(error instanceof RenodeError)) throw error;
    if (error.code !== "virtual-timeout" && error.code !== "unexpected-stop") throw error;
    return { pass: false, message: () => printable(`expected the board to ${what}\n${error.message}`) };
  }
}

expect.extend({
  async toPrintLine(received: unknown, content: string | RegExp, options: LineOptions = {}): Promise<Verdict> {
    const { uart, ...limits } = options;
    const text = typeof content === "string" ? JSON.stringify(content) : `${content}`;
    const board = boardOf(received, "toPrintLine");
    return reaches(
      board,
      { line: content, ...(uart === undefined ? {} : { uart }) },
      `print a line with ${text}`,
      limits,
    );
  },

  async toReach(received: unknown, symbol: string | number, limits: Limits = {}): Promise<Verdict> {
    const name = typeof symbol === "string" ? symbol : `0x${symbol.toString(16)}`;
    return reaches(boardOf(received, "toReach"), { symbol }, `reach ${name}`, limits);
  },

  async toRetireInstructions(received: unknown, count: number, options: RetireOptions): Promise<Verdict> {
    const { from, to, tolerance = 0, ...limits } = options;
    const actual = await boardOf(received, "toRetireInstructions").countInstructions(from, to, limits);
    const percent = count === 0 ? "" : `, ${(((actual - count) / count) * 100).toFixed(2)} %`;
    const allowed = tolerance === 0 ? "" : ` within ${tolerance}`;
    return {
      pass: Math.abs(actual - count) <= tolerance,
      actual,
      expected: count,
      message: () =>
        `expected ${count} instructions${allowed} from ${from} to ${to}, got ${actual} (${actual - count}${percent})`,
    };
  },
});
