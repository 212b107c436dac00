import { STATUSES, type StatusName } from "./statuses.js";

/** What a refusal is about; every part is optional but the text always names the thing, the value and the limit. */
export interface FormatErrorDetails {
  /** Field or section, e.g. `inputSize`. */
  readonly field?: string;
  readonly value?: number | bigint | string;
  readonly limit?: string;
  /** Index of the layer record. */
  readonly record?: number;
}

const TEXTS = Object.fromEntries(STATUSES) as Readonly<Record<StatusName, string>>;

/** A `.gate` file or a saved state that breaks FORMAT.md. `code` is the status that every engine gives for it. */
export class FormatError extends Error {
  override readonly name = "FormatError";
  readonly code: StatusName;
  readonly field: string | undefined;
  readonly value: number | bigint | string | undefined;
  readonly limit: string | undefined;
  readonly record: number | undefined;

  constructor(code: StatusName, details: FormatErrorDetails = {}) {
    const { field, value, limit, record } = details;
    const where = record === undefined ? "" : `record ${record}: `;
    const what = field === undefined ? "" : `: ${where}${field}${value === undefined ? "" : ` is ${value}`}`;
    super(`${TEXTS[code]}${what}${limit === undefined ? "" : `, must be ${limit}`}`);
    this.code = code;
    this.field = field;
    this.value = value;
    this.limit = limit;
    this.record = record;
  }
}
