import { type ArenaBuffer, planArena } from "./arena.js";
import { FloatBaselineError } from "./graph.js";
import { FLOAT } from "./map.js";

/** Words of a record by their index; a buffer's index where an offset goes. */
export type RecordWords = Partial<Record<number, number>>;

const BUFFER_WORDS: readonly number[] = [FLOAT.INPUT_AT, FLOAT.OUTPUT_AT, FLOAT.SCRATCH_AT];
const CONSTANT_WORDS: readonly number[] = [FLOAT.W0_AT, FLOAT.W1_AT, FLOAT.B0_AT, FLOAT.B1_AT];
/** Words that hold a float. */
const FLOAT_WORDS: readonly number[] = [1, 2].flatMap((i) => [FLOAT.ACTIVATION_AT + i, FLOAT.GATE_AT + i]);

/** What the baseline firmware executes, and what it needs. */
export interface FloatProgram {
  readonly bytes: Uint8Array;
  readonly arenaBytes: number;
  readonly inputValues: number;
  readonly outputValues: number;
  /** Node that each record comes from. */
  readonly names: readonly string[];
}

/** Gathers records, buffers and constants; knows nothing of layers. */
export class ProgramWriter {
  readonly #records: { name: string; words: RecordWords }[] = [];
  readonly #buffers: ArenaBuffer[] = [];
  readonly #constants: Float32Array[] = [];
  #constantFloats = 0;

  /** A new buffer; its life is that of the records that name it. */
  buffer(floats: number): number {
    return this.#buffers.push({ floats, from: Number.POSITIVE_INFINITY, to: -1 }) - 1;
  }

  /** Puts values in flash; returns their place for a record. */
  constant(values: ArrayLike<number>): number {
    this.#constants.push(Float32Array.from(values));
    this.#constantFloats += values.length;
    return this.#constantFloats - values.length;
  }

  record(name: string, words: RecordWords): void {
    for (const word of BUFFER_WORDS) {
      const buffer = words[word] === undefined ? undefined : this.#buffers[words[word]];
      if (buffer === undefined) continue;
      buffer.from = Math.min(buffer.from, this.#records.length);
      buffer.to = this.#records.length;
    }
    this.#records.push({ name, words });
  }

  /** @param input, output  buffers that are filled before the first record and read behind the last */
  finish(input: number, output: number, inputValues: number, outputValues: number): FloatProgram {
    const count = this.#records.length;
    if (count > FLOAT.RECORDS_MAXIMUM) {
      throw new FloatBaselineError(`graph has ${count} operations, the float baseline takes ${FLOAT.RECORDS_MAXIMUM}`);
    }
    this.#buffers[input].from = 0;
    this.#buffers[input].to = Math.max(0, this.#buffers[input].to);
    this.#buffers[output].to = count;
    const { offsets, floats } = planArena(this.#buffers);
    const constantsAt = FLOAT.HEADER_WORDS + count * FLOAT.RECORD_WORDS;
    const view = new DataView(new ArrayBuffer(4 * (constantsAt + this.#constantFloats)));
    const header = [FLOAT.PROGRAM_MAGIC, FLOAT.VERSION, count, floats];
    [...header, inputValues, offsets[input], outputValues, offsets[output]].forEach((word, i) => {
      view.setUint32(4 * i, word, true);
    });
    this.#records.forEach(({ words }, index) => {
      const at = 4 * (FLOAT.HEADER_WORDS + index * FLOAT.RECORD_WORDS);
      for (const [key, value] of Object.entries(words)) {
        const word = Number(key);
        if (FLOAT_WORDS.includes(word)) view.setFloat32(at + 4 * word, value!, true);
        else view.setUint32(at + 4 * word, this.#resolve(word, value!, offsets, constantsAt), true);
      }
    });
    let at = 4 * constantsAt;
    for (const values of this.#constants) {
      for (const value of values) {
        view.setFloat32(at, value, true);
        at += 4;
      }
    }
    const names = this.#records.map(({ name }) => name);
    return { bytes: new Uint8Array(view.buffer), arenaBytes: 4 * floats, inputValues, outputValues, names };
  }

  #resolve(word: number, value: number, offsets: readonly number[], constantsAt: number): number {
    if (BUFFER_WORDS.includes(word)) return offsets[value];
    return CONSTANT_WORDS.includes(word) ? constantsAt + value : value;
  }
}
