import type { ModelDescription } from "./description.js";

/**
 * Frames as a user has them:
 * - Int16Array: raw counts, used as they are (tokens: Int16Array or Uint16Array of token numbers);
 * - any other list of numbers: physical values, encoded as raw = clamp(round((value - inputOffset) / inputScale), -32768, 32767)
 *   with META's inputScale (absent: 1) and inputOffset (absent: 0); halves round up. For tokens: token numbers, integers.
 */
export type FrameValues = Int16Array | Uint16Array | Float32Array | Float64Array | readonly number[];

const isRaw = (values: FrameValues): values is Int16Array | Uint16Array =>
  values instanceof Int16Array || values instanceof Uint16Array;

function encodeValue(value: number, index: number, scale: number, offset: number): number {
  if (Number.isNaN(value)) throw new RangeError(`value ${index} of the frames is not a number`);
  return Math.min(Math.max(Math.floor((value - offset) / scale + 0.5), -32768), 32767);
}

function encodeToken(value: number, index: number, vocabulary: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= 0xffff) return value;
  throw new RangeError(`value ${index} of the tokens is ${value}, must be an integer of 0..${vocabulary - 1}`);
}

/** How many frames `values` are. @throws RangeError naming both widths */
export function frameCount(model: ModelDescription, values: ArrayLike<number>, single: boolean): number {
  const { frameSize } = model;
  if (single && values.length !== frameSize) {
    throw new RangeError(`frame has ${values.length} values, the model takes ${frameSize}`);
  }
  if (values.length % frameSize !== 0) {
    throw new RangeError(`frames have ${values.length} values, not a multiple of the frame width ${frameSize}`);
  }
  return values.length / frameSize;
}

/** Raw counts of the values; no copy where they are raw already. @throws TypeError, RangeError for NaN */
export function encodeFrames(model: ModelDescription, values: FrameValues): Int16Array {
  if (values instanceof Int16Array) return values;
  if (isRaw(values)) {
    if (model.inputKind === "tokens") return new Int16Array(values.buffer, values.byteOffset, values.length);
    throw new TypeError("frames are a Uint16Array: raw counts must be an Int16Array");
  }
  if (!Array.isArray(values) && !(values instanceof Float32Array) && !(values instanceof Float64Array)) {
    throw new TypeError("frames must be an Int16Array of raw counts, or numbers");
  }
  const raw = new Int16Array(values.length);
  if (model.inputKind === "tokens") {
    for (let i = 0; i < raw.length; i++) raw[i] = encodeToken(values[i]!, i, model.vocabularySize);
    return raw;
  }
  const { inputScale, inputOffset } = model.meta;
  for (let i = 0, c = 0; i < raw.length; i++) {
    raw[i] = encodeValue(values[i]!, i, inputScale?.[c] ?? 1, inputOffset?.[c] ?? 0);
    if (++c === model.frameSize) c = 0;
  }
  return raw;
}
