import pc from "picocolors";

/** How text is marked: real colours on a terminal, nothing elsewhere. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

/** Style for a stream: coloured where `colors` is true (NO_COLOR and pipes turn it off, see terminal.ts). */
export function createStyle(colors: boolean): Style {
  return pc.createColors(colors);
}

export const PLAIN: Style = createStyle(false);
