import { countersEnd, lastReaders } from "./arena.js";
import { FormatError } from "./errors.js";
import type { HeaderFields } from "./header.js";
import { isStateOutput } from "./rules.js";
import type { KernelName, RecordField } from "./schema.js";
import type { RecordFields, RecordNeeds } from "./sizes.js";

interface Placed {
  readonly kernel: KernelName;
  readonly fields: RecordFields;
  readonly needs: RecordNeeds;
}

/** Addresses of one record; `free` is the end of the last state so far. Returns the new end. */
export function checkAddresses(header: HeaderFields, index: number, record: Placed, free: number): number {
  const { kernel, fields, needs } = record;
  const fail = (code: "BAD_RECORD" | "BAD_ARENA" | "BAD_OVERLAP", field: RecordField, limit: string): never => {
    throw new FormatError(code, { record: index, field, value: fields[field], limit });
  };
  if (fields.stateBytes !== needs.state) fail("BAD_RECORD", "stateBytes", `${needs.state} for ${kernel}`);
  if (fields.scratchBytes !== needs.scratch) fail("BAD_RECORD", "scratchBytes", `${needs.scratch} for ${kernel}`);
  const inside = (at: number, bytes: number, from: number, to: number) =>
    at % 16 === 0 && at >= from && at <= to && bytes <= to - at;
  if (needs.state === 0) {
    if (fields.state !== 0) fail("BAD_RECORD", "state", "0 without state");
  } else {
    const first = countersEnd(header.recordCount);
    if (!inside(fields.state, needs.state, first, header.stateBytes)) {
      fail("BAD_ARENA", "state", `a multiple of 16 in ${first}..${header.stateBytes} for ${needs.state} bytes`);
    }
    if (fields.state < free) fail("BAD_OVERLAP", "state", `at least ${free}, the end of the state before it`);
    free = fields.state + needs.state;
  }
  const range = `a multiple of 16 in ${header.stateBytes}..${header.arenaBytes}`;
  if (isStateOutput(kernel)) {
    if (fields.output !== fields.state) fail("BAD_ARENA", "output", `${fields.state}, its state`);
  } else if (!inside(fields.output, needs.output, header.stateBytes, header.arenaBytes)) {
    fail("BAD_ARENA", "output", `${range} for ${needs.output} bytes`);
  }
  if (needs.scratch === 0) {
    if (fields.scratch !== 0) fail("BAD_RECORD", "scratch", "0 without scratch");
  } else if (!inside(fields.scratch, needs.scratch, header.stateBytes, header.arenaBytes)) {
    fail("BAD_ARENA", "scratch", `${range} for ${needs.scratch} bytes`);
  }
  return free;
}

/** The liveness rule of FORMAT.md 3; addresses are checked. */
export function checkLiveness(records: readonly Placed[]): void {
  const last = lastReaders(records.map(({ fields }) => fields));
  const meets = (a: number, aBytes: number, b: number, bBytes: number) => a < b + bBytes && b < a + aBytes;
  records.forEach(({ kernel, fields, needs }, k) => {
    const output = isStateOutput(kernel) ? 0 : needs.output;
    const clash = (field: "output" | "scratch", other: string): never => {
      throw new FormatError("BAD_OVERLAP", { record: k, field, value: fields[field], limit: `apart from ${other}` });
    };
    if (meets(fields.output, output, fields.scratch, needs.scratch) && output > 0 && needs.scratch > 0) {
      clash("scratch", "its own output");
    }
    for (let j = 0; j < k; j++) {
      const other = records[j]!;
      if (last[j]! < k || isStateOutput(other.kernel)) continue;
      const { output: at } = other.fields;
      const bytes = other.needs.output;
      if (output > 0 && meets(fields.output, output, at, bytes)) clash("output", `the live row of record ${j}`);
      if (needs.scratch > 0 && meets(fields.scratch, needs.scratch, at, bytes)) {
        clash("scratch", `the live row of record ${j}`);
      }
    }
  });
}
