import { ImportError, type ImportErrorCode } from "./errors.js";
import { describe, isObject, type JsonObject } from "./json.js";

/** Who defined what a missing key means. Files put together by hand count as tfjs. */
export type Dialect = "tfjs" | "keras2" | "keras3";

/** Typed access to a layer's config; every complaint names the layer, its class, the key and the value. */
export class LayerConfig {
  constructor(
    readonly name: string,
    readonly className: string,
    readonly values: JsonObject,
  ) {}

  has(key: string): boolean {
    return this.values[key] !== undefined && this.values[key] !== null;
  }

  number(key: string, fallback?: number): number {
    const value = this.values[key] ?? fallback;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    throw this.unsupported(key, "a finite number is needed");
  }

  /** A number where null and absence mean `undefined`. */
  optionalNumber(key: string): number | undefined {
    return this.has(key) ? this.number(key) : undefined;
  }

  size(key: string, fallback?: number): number {
    const value = this.number(key, fallback);
    if (!Number.isInteger(value) || value < 1) throw this.unsupported(key, "a positive whole number is needed");
    return value;
  }

  /** A size that may stand alone or as a list of one: `kernel_size: 3` or `[3]`. */
  size1d(key: string, fallback?: number): number {
    const value = this.values[key] ?? fallback;
    const single = Array.isArray(value) && value.length === 1 ? value[0] : value;
    if (typeof single === "number" && Number.isInteger(single) && single >= 1) return single;
    throw this.unsupported(key, "one positive whole number is needed");
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.values[key] ?? fallback;
    if (typeof value === "boolean") return value;
    if (value === 0 || value === 1) return value === 1;
    throw this.unsupported(key, "true or false is needed");
  }

  text(key: string, fallback?: string): string {
    const value = this.values[key] ?? fallback;
    if (typeof value === "string") return value;
    throw this.unsupported(key, "a string is needed");
  }

  /** Refuses any value of `key` but `allowed`, null and absence. */
  only(key: string, allowed: unknown, hint: string): void {
    const value = this.values[key];
    const single = Array.isArray(value) && value.length === 1 ? value[0] : value;
    if (value === undefined || value === null || value === allowed || single === allowed) return;
    throw this.unsupported(key, hint);
  }

  object(key: string): JsonObject {
    const value = this.values[key];
    if (isObject(value)) return value;
    throw this.error("TOPOLOGY_INVALID", `has ${key} ${describe(value)}, expected an object`);
  }

  unsupported(key: string, hint: string): ImportError {
    return this.error("OPTION_UNSUPPORTED", `has ${key} ${describe(this.values[key])}: ${hint}`);
  }

  error(code: ImportErrorCode, text: string): ImportError {
    const place = { layer: this.name, layerClass: this.className };
    return new ImportError(code, `layer ${this.name} (${this.className}) ${text}`, place);
  }
}
