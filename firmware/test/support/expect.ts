import { crc32 } from "@gatelet/converter/format";
import { ReferenceModel } from "../../../test/reference/index.js";
import type { DriverCase, DriverResult } from "./driver.js";

const bytesOf = (rows: readonly (Int16Array | Int32Array)[]): Uint8Array =>
  new Uint8Array(Buffer.concat(rows.map((row) => new Uint8Array(row.buffer, row.byteOffset, row.byteLength))));

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** What the integer reference gives for a case that the reader accepts. */
export function referenceResult({ model, frames, restore }: DriverCase): DriverResult {
  const stream = new ReferenceModel(model).createStream();
  if (restore !== undefined) stream.restoreState(restore);
  const steps = frames.map((frame) => {
    const { status, rows } = stream.step(frame);
    return { result: status < 0 ? status : rows.length, rows: bytesOf(rows), stateCrc: crc32(stream.state) };
  });
  return { check: 0, init: 0, restore: 0, steps, state: stream.state, saved: stream.saveState(), integrity: 0 };
}

/** First difference in words, undefined where there is none. */
export function difference(actual: DriverResult, expected: DriverResult): string | undefined {
  for (const name of ["check", "init", "restore"] as const) {
    if (actual[name] !== expected[name]) return `${name} gives ${actual[name]}, not ${expected[name]}`;
  }
  for (const [i, step] of expected.steps.entries()) {
    const other = actual.steps[i]!;
    if (other.result !== step.result) return `step ${i} gives ${other.result}, not ${step.result}`;
    if (hex(other.rows) !== hex(step.rows)) return `step ${i}: rows ${hex(other.rows)}, not ${hex(step.rows)}`;
    if (other.stateCrc !== step.stateCrc) return `state differs behind step ${i}`;
  }
  if (hex(actual.state) !== hex(expected.state)) return "state region differs";
  if (hex(actual.saved) !== hex(expected.saved)) return "saved state differs";
  return actual.integrity === 0 ? undefined : `self-checks failed: ${actual.integrity}`;
}
