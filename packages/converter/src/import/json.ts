import { ImportError } from "./errors.js";

/** A JSON object whose values are checked where they are used. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @param what named in the error, e.g. `config of layer lstm` */
export function asObject(value: unknown, what: string): JsonObject {
  if (!isObject(value)) throw new ImportError("TOPOLOGY_INVALID", `${what} is ${describe(value)}, expected an object`);
  return value;
}

export function asArray(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) {
    throw new ImportError("TOPOLOGY_INVALID", `${what} is ${describe(value)}, expected an array`);
  }
  return value;
}

/** A value as it appears in an error message: short JSON. */
export function describe(value: unknown): string {
  if (value === undefined) return "absent";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** Parses JSON; also reads the bare NaN and Infinity that Python writes. Throws `FILE_UNREADABLE`. */
export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    try {
      return JSON.parse(text.replace(/(?<=[[,:]\s*)-?(?:NaN|Infinity)(?=\s*[\],}])/g, "null"));
    } catch {
      throw new ImportError(
        "FILE_UNREADABLE",
        `${file} is not JSON: ${cause instanceof Error ? cause.message : cause}`,
        { cause },
      );
    }
  }
}
