import { readFile } from "node:fs/promises";
import { TrainError } from "./errors.js";
import { writeWhole } from "./write-whole.js";

/** Everything a run needs to go on as if it had never stopped. */
export interface Checkpoint {
  /** Epochs done. */
  readonly epoch: number;
  readonly bestEpoch: number;
  readonly bestScore: number;
  readonly optimizerStep: number;
  /** Configuration of the run; another one is refused. */
  readonly fingerprint: string;
  /** What `TrainOptions.memory` gave. */
  readonly memory?: unknown;
  /** Lists of arrays: all weights as the network has them, first and second moments, best weights, trainable weights. */
  readonly arrays: readonly (readonly Float32Array[])[];
}

const MAGIC = "gatelet-checkpoint-1\n";

/** One file: magic, a line of JSON, then the arrays as little-endian floats. */
export async function writeCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  const { arrays, ...facts } = checkpoint;
  const head = { ...facts, lengths: arrays.map((list) => list.map((array) => array.length)) };
  const parts: Uint8Array[] = [Buffer.from(`${MAGIC}${JSON.stringify(head)}\n`)];
  for (const array of arrays.flat()) parts.push(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  await writeWhole(path, Buffer.concat(parts));
}

/** The checkpoint at `path`, undefined where there is none. Throws `RUN_UNREADABLE` for a damaged one. */
export async function readCheckpoint(path: string): Promise<Checkpoint | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw new TrainError("RUN_UNREADABLE", `cannot read ${path}`, { cause });
  }
  const end = bytes.indexOf(10, MAGIC.length);
  const damaged = (cause?: unknown) =>
    new TrainError("RUN_UNREADABLE", `${path} is not a checkpoint or is damaged: delete it to begin anew`, { cause });
  if (bytes.subarray(0, MAGIC.length).toString() !== MAGIC || end < 0) throw damaged();
  try {
    const head = JSON.parse(bytes.subarray(MAGIC.length, end).toString()) as Omit<Checkpoint, "arrays"> & {
      lengths: number[][];
    };
    const { lengths, ...facts } = head;
    const total = lengths.flat().reduce((sum, length) => sum + length, 0);
    if (bytes.length !== end + 1 + 4 * total) throw damaged();
    const floats = new Float32Array(new Uint8Array(bytes.subarray(end + 1)).buffer);
    let at = 0;
    const arrays = lengths.map((list) => list.map((length) => floats.slice(at, (at += length))));
    return { ...facts, arrays };
  } catch (error) {
    throw error instanceof TrainError ? error : damaged(error);
  }
}
