import type { JobHeader } from "./hosts/job.js";

/** Windows of a model as raw counts, and its .gate file. */
export interface Work {
  readonly name: string;
  readonly file: Uint8Array;
  readonly frames: Int16Array;
  /** int16 values in a window, and in its first half. */
  readonly windowValues: number;
  readonly halfValues: number;
  readonly windows: number;
}

/** Room for the JSON header and its length. */
const HEADER_ROOM = 512;

/** Bytes of a job: hosts/job.ts. `stride` takes every so many windows, `most` at most so many. */
export function makeJob(
  work: Work,
  mode: JobHeader["mode"],
  engine: JobHeader["engine"],
  stride = 1,
  most = work.windows,
): { readonly job: Uint8Array<ArrayBuffer>; readonly windows: number } {
  const windows = Math.min(most, Math.ceil(work.windows / stride));
  const gateBytes = work.file.length;
  const framesAt = HEADER_ROOM + Math.ceil(gateBytes / 16) * 16;
  const { windowValues, halfValues } = work;
  const header: JobHeader = {
    mode,
    engine,
    gateAt: HEADER_ROOM,
    gateBytes,
    framesAt,
    windows,
    windowValues,
    halfValues,
  };
  const job = new Uint8Array(framesAt + 2 * windows * windowValues);
  const text = new TextEncoder().encode(JSON.stringify(header));
  if (text.length > HEADER_ROOM - 4)
    throw new Error(`job header takes ${text.length} bytes, limit is ${HEADER_ROOM - 4}`);
  new DataView(job.buffer).setUint32(0, text.length, true);
  job.set(text, 4);
  job.set(work.file, HEADER_ROOM);
  const frames = new Int16Array(job.buffer, framesAt);
  for (let i = 0; i < windows; i++) {
    const at = i * stride * windowValues;
    frames.set(work.frames.subarray(at, at + windowValues), i * windowValues);
  }
  return { job, windows };
}
