/**
 * How values are written into commands of Renode's monitor and read out of its answers.
 */

/**
 * A file as a monitor argument: `@/abs/file`, spaces escaped.
 * @throws RangeError for `;` and line breaks, which the monitor's tokenizer cannot take in a path
 */
export function monitorPath(path: string): string {
  if (/[;\r\n\t]/.test(path)) {
    throw new RangeError(`path ${JSON.stringify(path)} has a character that Renode's monitor cannot take`);
  }
  return `@${path.replaceAll(" ", "\\ ")}`;
}

/** Virtual seconds as the monitor's time format: no exponent, nanosecond steps. */
export function monitorSeconds(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds <= 0) {
    throw new RangeError(`virtual time is ${seconds} s, must be a finite number above 0`);
  }
  const text = seconds.toFixed(9);
  if (Number(text) === 0) throw new RangeError(`virtual time is ${seconds} s, must be at least 1 ns`);
  return text;
}

export function monitorHex(value: number): string {
  return `0x${value.toString(16).toUpperCase()}`;
}

/** A Python (2 and 3) literal for any text; everything but printable ASCII becomes an escape. */
export function pythonString(text: string): string {
  const ascii = JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `u${ascii}`;
}

/**
 * Keyword arguments as the robot server wants them. It reads `word=rest` as a named argument, so every argument that
 * looks like one is sent under its real name.
 * @param positional name and value of each leading parameter, in the keyword's order
 * @param named further parameters, always sent by name
 */
export function keywordArguments(
  positional: readonly (readonly [name: string, value: string])[],
  named: { readonly [name: string]: string | number | boolean } = {},
): string[] {
  let byName = false;
  const leading = positional.map(([name, value]) => {
    byName ||= /^\w+=./.test(value);
    if (!byName) return value;
    if (value.includes("\n")) {
      throw new RangeError(`argument ${name} starts like a named argument, so it must be one line: ${value}`);
    }
    return `${name}=${value}`;
  });
  return [...leading, ...Object.entries(named).map(([name, value]) => `${name}=${String(value)}`)];
}

/**
 * A regular expression of JavaScript in the form that .NET understands.
 * @throws RangeError for flags other than "i" and for parts that the two dialects write differently
 */
export function dotnetPattern(pattern: RegExp): string {
  const strange = pattern.flags.replace(/[gimu]/g, "");
  if (strange !== "") throw new RangeError(`pattern ${pattern} has flag ${strange}, only i can be used`);
  const source = pattern.source.replaceAll("\\/", "/").replace(/\\u\{([0-9a-f]{1,4})\}/gi, (_, hex: string) => {
    return `\\u${hex.padStart(4, "0")}`;
  });
  return (pattern.flags.includes("i") ? "(?i)" : "") + source;
}

/** Pattern for a line that contains `text`; the firmware's bytes are matched one by one, as UTF-8. */
export function dotnetLiteral(text: string): string {
  return Array.from(Buffer.from(text, "utf8"), (byte) =>
    /[A-Za-z0-9 ]/.test(String.fromCharCode(byte))
      ? String.fromCharCode(byte)
      : `\\u${byte.toString(16).padStart(4, "0")}`,
  ).join("");
}
