import {
  encodeModel,
  FormatError,
  type GateModel,
  historyRows,
  isWindowed,
  KERNEL_NAMES,
  readModel,
  STATUS,
} from "@gatelet/converter/format";
import { ReferenceModel, type ReferenceStream } from "../reference/index.js";
import { Random } from "../support/random.js";
import { kernelModel, randomFrames, randomModel } from "../support/random-models.js";
import type { Engine, EngineModel, EngineStream } from "./engine.js";
import { mutateModel, mutateState } from "./mutate.js";

export interface FuzzReport {
  readonly cases: number;
  /** Mutants of files, by status of the reader. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Accepted files that were run in the reference (and the engine). */
  readonly executed: number;
  /** Accepted files too large to run. */
  readonly skipped: number;
  readonly blobs: { readonly refused: number; readonly accepted: number };
}

const FRAMES = 4;
/** One case in so many is a saved state. */
const BLOB_EVERY = 4;

/** Small valid models: every kernel, and mixtures. */
export function fuzzCorpus(): Uint8Array[] {
  const small = { maxSize: 5, maxWindow: 4, maxLayers: 4 };
  const kernels = KERNEL_NAMES.flatMap((kernel) => [
    ...[3, 18, 33].map((seed) => kernelModel(kernel, seed, small)),
    // Rows of 8 and 9: whole vectors, and one value more.
    ...[55, 62].map((seed) => kernelModel(kernel, seed, { ...small, maxSize: 9 })),
  ]);
  const mixtures = Array.from({ length: 40 }, (_, seed) => randomModel(1000 + seed, small));
  return [...kernels, ...mixtures].map((spec) => encodeModel(spec)).filter((bytes) => bytes.length <= 6000);
}

/** The reader's model, or the status it refuses with. Anything but a FormatError is a bug and is thrown. */
function judge(bytes: Uint8Array): { readonly status: number; readonly code: string; readonly model?: GateModel } {
  try {
    return { status: STATUS.OK, code: "OK", model: readModel(bytes) };
  } catch (error) {
    if (error instanceof FormatError) return { status: STATUS[error.code], code: error.code };
    throw error;
  }
}

/** Largest arena and output buffer (int32 rows) of the models that are run: room an engine must have for any of them. */
export const RUN_LIMITS = { arenaBytes: 65536, outputBytes: 1 << 18, modelBytes: 16384 } as const;

/** Whether running a few frames is a matter of microseconds, however long the file says its window is. */
function isRunnable({ header, records }: GateModel): boolean {
  const rows = records.reduce((sum, { fields }) => sum + fields.rowsOut, 0);
  const history = (i: number) =>
    isWindowed(records[i]!.kernel) ? historyRows(records[i]!.kernel, records[i]!.fields) : 0;
  const outputBytes = 4 * header.maxOutputRows * header.outputSize;
  if (header.arenaBytes > RUN_LIMITS.arenaBytes || outputBytes > RUN_LIMITS.outputBytes) return false;
  return rows <= 1000 && records.every((_, i) => history(i) <= 64);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

class Comparison {
  constructor(private readonly where: string) {}

  fail(what: string): never {
    throw new Error(`${this.where}: ${what}`);
  }

  /** The same frames through both; outputs, statuses and states must be equal after each. */
  run(reference: ReferenceStream, stream: EngineStream | undefined, frames: readonly Int16Array[]): void {
    frames.forEach((frame, step) => {
      const expected = reference.step(frame);
      const known =
        expected.status === STATUS.OK || expected.status === STATUS.SCHEDULE || expected.status === STATUS.BAD_TOKEN;
      if (!known) this.fail(`step ${step}: reference answers ${expected.status}`);
      if (stream === undefined) return;
      const actual = stream.step(frame);
      if (actual.status !== expected.status)
        this.fail(`step ${step}: status ${actual.status}, reference ${expected.status}`);
      if (expected.status === STATUS.OK) {
        const rows = (all: readonly ArrayLike<number>[]) => JSON.stringify(all.map((row) => Array.from(row)));
        if (rows(actual.rows) !== rows(expected.rows)) {
          this.fail(`step ${step}: rows ${rows(actual.rows)}, reference ${rows(expected.rows)}`);
        }
      }
      if (!sameBytes(stream.state(), reference.state)) this.fail(`step ${step}: state differs`);
    });
  }
}

function checkUntouched(compare: Comparison, bytes: Uint8Array, before: Uint8Array, model?: EngineModel): void {
  if (!sameBytes(bytes, before)) compare.fail("the model's bytes were changed");
  const damage = model?.damage();
  if (damage !== undefined) compare.fail(damage);
}

/** One mutant of a file. */
function modelCase(engine: Engine | undefined, bytes: Uint8Array, seed: number, where: string) {
  const compare = new Comparison(where);
  const before = bytes.slice();
  const verdict = judge(bytes);
  if (engine !== undefined) {
    const status = engine.check(bytes);
    if ((status === STATUS.OK) !== (verdict.status === STATUS.OK)) {
      compare.fail(`${engine.name} answers ${status}, the reader ${verdict.status} (${verdict.code})`);
    }
  }
  let executed = false;
  if (verdict.model !== undefined && isRunnable(verdict.model)) {
    executed = true;
    const reference = new ReferenceModel(bytes);
    const frames = randomFrames(
      seed,
      verdict.model.header,
      Math.min(FRAMES, verdict.model.header.window + 1 || FRAMES),
    );
    const opened = engine?.open(bytes);
    compare.run(reference.createStream(), opened?.createStream(), frames);
    checkUntouched(compare, bytes, before, opened);
    opened?.close();
  } else {
    checkUntouched(compare, bytes, before);
  }
  return { code: verdict.code, executed, skipped: verdict.model !== undefined && !executed };
}

/** A base model with states of a stream in mid-run, for forged states. */
class BlobTarget {
  readonly reference: ReferenceModel;
  private readonly saved: Uint8Array[] = [];

  constructor(
    private readonly engine: Engine | undefined,
    private readonly file: Uint8Array,
  ) {
    this.reference = new ReferenceModel(file);
    const stream = this.reference.createStream();
    for (const frame of randomFrames(7, this.reference.gate.header, 5)) {
      this.saved.push(stream.saveState());
      stream.step(frame);
    }
  }

  /** True: accepted. */
  run(random: Random, seed: number, where: string): boolean {
    const compare = new Comparison(where);
    const { header } = this.reference.gate;
    const original = random.pick(this.saved);
    const blob = mutateState(original, header.recordCount, random);
    const before = blob.slice();
    const expected = this.reference.createStream();
    let accepted = true;
    try {
      expected.restoreState(blob);
    } catch (error) {
      if (!(error instanceof FormatError) || error.code !== "BAD_STATE") throw error;
      accepted = false;
    }
    const model = this.engine?.open(this.file);
    const stream = model?.createStream();
    if (stream !== undefined) {
      if (stream.restoreState(original) !== STATUS.OK) compare.fail("an honest state was refused");
      const kept = stream.state();
      const status = stream.restoreState(blob);
      if ((status === STATUS.OK) !== accepted) {
        compare.fail(`engine answers ${status}, reference ${accepted ? "OK" : "BAD_STATE"}`);
      }
      if (!accepted && !sameBytes(stream.state(), kept)) compare.fail("a refused blob was written");
    }
    if (accepted) {
      if (!sameBytes(expected.saveState(), blob)) compare.fail("a restored state saves differently");
      compare.run(expected, stream, randomFrames(seed, header, FRAMES));
    }
    checkUntouched(compare, blob, before, model);
    model?.close();
    return accepted;
  }
}

/**
 * Runs `cases` mutants from one seed through the reader and the reference and, where given, an engine; three in four are files,
 * one in four saved states. Every acceptance must agree; what is accepted runs a few frames and must give equal outputs and states.
 * @throws Error naming seed and case on the first difference; `only` repeats a single case
 */
export function fuzz(engine: Engine | undefined, cases: number, seed: number, only?: number): FuzzReport {
  const corpus = fuzzCorpus();
  const targets = new Map<number, BlobTarget>();
  const statuses: Record<string, number> = {};
  const blobs = { refused: 0, accepted: 0 };
  let [executed, skipped] = [0, 0];
  for (let i = only ?? 0; i < (only === undefined ? cases : only + 1); i++) {
    const random = new Random(Math.imul(seed, 0x85ebca6b) + i);
    const base = random.int(0, corpus.length - 1);
    const where = `fuzz seed ${seed} case ${i} (corpus ${base})`;
    if (i % BLOB_EVERY === BLOB_EVERY - 1) {
      let target = targets.get(base);
      if (target === undefined) targets.set(base, (target = new BlobTarget(engine, corpus[base]!)));
      blobs[target.run(random, i, where) ? "accepted" : "refused"]++;
      continue;
    }
    const result = modelCase(engine, mutateModel(corpus[base]!, random, corpus), i, where);
    statuses[result.code] = (statuses[result.code] ?? 0) + 1;
    if (result.executed) executed++;
    if (result.skipped) skipped++;
  }
  return { cases, statuses, executed, skipped, blobs };
}
