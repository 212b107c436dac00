import { createStyle, type Style } from "./text/style.js";

/** Where a command writes and how wide that is. */
export interface Terminal {
  readonly style: Style;
  /** Characters in a line: those of the terminal, or 80. */
  readonly width: number;
  print(text: string): void;
  /** Something a user should know, on standard error; shown also with --json, since that is standard output. */
  warn(text: string): void;
  /** Shows progress of a long task on a terminal, nothing elsewhere. */
  progress(text: string): Progress;
}

export interface Progress {
  /** @param share done, 0 .. 1 */
  update(text: string, share?: number): void;
  /** Ends the task; the line vanishes. */
  end(): void;
}

const LEAST_WIDTH = 40;
const DEFAULT_WIDTH = 80;

/** The real terminal. Colours, width and progress only where standard output (progress: error) is one. */
export function processTerminal(): Terminal {
  const { stdout, stderr, env } = process;
  const colors = stdout.isTTY === true && env["NO_COLOR"] === undefined && env["TERM"] !== "dumb";
  const asked = Number(env["COLUMNS"]);
  const width = Number.isInteger(asked) && asked > 0 ? asked : stdout.columns || DEFAULT_WIDTH;
  const errorStyle = createStyle(stderr.isTTY === true && env["NO_COLOR"] === undefined);
  return {
    style: createStyle(colors),
    width: Math.max(LEAST_WIDTH, width),
    print: (text) => stdout.write(`${text}\n`),
    warn: (text) => stderr.write(`${errorStyle.yellow("warning:")} ${text}\n`),
    progress: (text) => (stderr.isTTY === true ? statusLine(text) : SILENT),
  };
}

const SILENT: Progress = { update: () => {}, end: () => {} };

/** One line that is written over, updated by the task itself (tasks compute without a pause, so no timer would run). */
function statusLine(text: string): Progress {
  const { stderr } = process;
  let shown = "";
  const show = (now: string) => {
    if (now === shown) return;
    shown = now;
    stderr.write(`\r\x1b[2K${now.slice(0, (stderr.columns || DEFAULT_WIDTH) - 1)}`);
  };
  show(text);
  return {
    update: (now, share) => show(share === undefined ? now : `${now} ${Math.floor(share * 100)} %`),
    end: () => stderr.write("\r\x1b[2K"),
  };
}
