/** Escapes what XML 1.0 forbids (control characters, lone surrogates), so that firmware output cannot break a report. */
export function printable(text: string): string {
  return text
    .replace(LONE_SURROGATE, "\ufffd")
    .replace(CONTROL, (found) => `\\x${found.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]/g;
const LONE_SURROGATE = /\p{Cs}/gu;
