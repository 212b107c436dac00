import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Machine, run } from "./build.js";

export interface DriverCase {
  readonly model: Uint8Array;
  readonly frames: readonly Int16Array[];
  /** Saved state to begin with. */
  readonly restore?: Uint8Array;
  /** Also runs all frames in one call, with save and restore in the middle, and compares. */
  readonly roundTrip?: boolean;
}

export interface DriverStep {
  /** Rows, or a negative status. */
  readonly result: number;
  /** The rows' bytes. */
  readonly rows: Uint8Array;
  /** CRC-32 of the state region behind the step. */
  readonly stateCrc: number;
}

export interface DriverResult {
  readonly check: number;
  readonly init: number;
  readonly restore: number;
  readonly steps: readonly DriverStep[];
  readonly state: Uint8Array;
  readonly saved: Uint8Array;
  /** 0, or bits: 1 guard words, 2 model bytes changed, 4 run differs from steps, 8 save and restore differ. */
  readonly integrity: number;
}

const STATE_HEADER_BYTES = 48;
const ROUND_TRIP = 1;
const padded = (bytes: Uint8Array): Uint8Array => {
  const out = new Uint8Array((bytes.length + 15) & ~15);
  out.set(bytes);
  return out;
};

function encodeCase({ model, frames, restore, roundTrip }: DriverCase): Uint8Array[] {
  const width = frames[0]?.length ?? 0;
  const blob = restore ?? new Uint8Array(0);
  const values = new Int16Array(width * frames.length);
  frames.forEach((frame, i) => {
    values.set(frame, i * width);
  });
  const head = Uint32Array.of(model.length, frames.length, width, blob.length, roundTrip ? ROUND_TRIP : 0);
  return [new Uint8Array(head.buffer), padded(model), padded(blob), padded(new Uint8Array(values.buffer))];
}

class Reader {
  private at = 0;
  private readonly view: DataView;
  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  i32(): number {
    this.at += 4;
    return this.view.getInt32(this.at - 4, true);
  }
  take(count: number): Uint8Array {
    this.at += count;
    return this.bytes.slice(this.at - count, this.at);
  }
}

function decodeCase(reader: Reader, frames: number): DriverResult {
  const check = reader.i32();
  const none = new Uint8Array(0);
  if (check !== 0) {
    return { check, init: 0, restore: 0, steps: [], state: none, saved: none, integrity: reader.i32() };
  }
  const init = reader.i32();
  const restore = reader.i32();
  const stateBytes = reader.i32();
  const rowBytes = reader.i32();
  const steps: DriverStep[] = [];
  for (let i = 0; i < frames; i++) {
    const result = reader.i32();
    const bytes = Math.max(result, 0) * rowBytes;
    const rows = reader.take((bytes + 3) & ~3).slice(0, bytes);
    steps.push({ result, rows, stateCrc: reader.i32() >>> 0 });
  }
  const state = reader.take(stateBytes);
  const saved = reader.take(stateBytes + STATE_HEADER_BYTES);
  return { check, init, restore, steps, state, saved, integrity: reader.i32() };
}

/** Runs cases on a machine's driver, in one process. */
export function runDriver(machine: Machine, cases: readonly DriverCase[], timeoutMs = 60_000): DriverResult[] {
  const program = machine.build();
  const folder = mkdtempSync(join(tmpdir(), "gatelet-driver-"));
  try {
    const job = join(folder, "job");
    const result = join(folder, "result");
    const chunks = [new Uint8Array(Uint32Array.of(cases.length).buffer), ...cases.flatMap(encodeCase)];
    writeFileSync(job, Buffer.concat(chunks));
    const [command, args] = machine.command(program, job, result);
    run(command, args, timeoutMs);
    const reader = new Reader(readFileSync(result));
    return cases.map(({ frames }) => decodeCase(reader, frames.length));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
