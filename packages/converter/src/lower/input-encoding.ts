import { CalibrationError } from "../quantize/errors.js";

/** How a device's raw counts become network inputs: network input = ((raw * scale + offset) - mean) / std, per feature. */
export interface InputTransform {
  /** Physical value of one raw count; a single number goes for all features. */
  readonly scale: number | readonly number[];
  /** Physical value at raw count 0. */
  readonly offset?: number | readonly number[];
  readonly mean?: number | readonly number[];
  readonly std?: number | readonly number[];
}

/** The same, complete and per feature. */
export interface RawEncoding {
  readonly scale: readonly number[];
  readonly offset: readonly number[];
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Network input = raw * gain + shift. */
  readonly gain: readonly number[];
  readonly shift: readonly number[];
  /** True where the encoding was chosen from the calibration data, not given. */
  readonly derived: boolean;
}

const HEADROOM = 1.25;
/** Finest step that counts as exact data: 2^-14. */
const FINEST_EXACT = 14;

function perFeature(
  name: string,
  value: number | readonly number[] | undefined,
  size: number,
  absent: number,
): number[] {
  const values = value === undefined ? absent : value;
  const list = typeof values === "number" ? new Array<number>(size).fill(values) : [...values];
  if (list.length !== size)
    throw new CalibrationError(`${name} has ${list.length} values, the model has ${size} features`);
  list.forEach((entry, feature) => {
    if (!Number.isFinite(entry)) throw new CalibrationError(`${name} of feature ${feature} is ${entry}`);
    if ((name === "scale" || name === "std") && !(entry > 0)) {
      throw new CalibrationError(
        `${name} of feature ${feature} is ${entry}, must be above 0 (a constant feature takes 1)`,
      );
    }
  });
  return list;
}

/** Checks and completes a transform for `size` features. */
export function encodingOf(transform: InputTransform, size: number): RawEncoding {
  const scale = perFeature("scale", transform.scale, size, 1);
  const offset = perFeature("offset", transform.offset, size, 0);
  const mean = perFeature("mean", transform.mean, size, 0);
  const std = perFeature("std", transform.std, size, 1);
  return finish({ scale, offset, mean, std, derived: false });
}

function finish(parts: Pick<RawEncoding, "scale" | "offset" | "mean" | "std" | "derived">): RawEncoding {
  const { scale, offset, mean, std } = parts;
  return {
    ...parts,
    gain: scale.map((value, j) => value / std[j]),
    shift: offset.map((value, j) => (value - mean[j]) / std[j]),
  };
}

/**
 * A raw encoding for a model that is given floats only: per feature the coarsest power of two that keeps the data exact
 * (integers: 1), else the finest that fits them with a quarter to spare; a large offset is taken out first.
 * @param windows [steps * size] each; values equal to `ignore` do not count
 */
export function deriveEncoding(windows: readonly Float32Array[], size: number, ignore?: number): RawEncoding {
  const scale: number[] = [];
  const offset: number[] = [];
  for (let feature = 0; feature < size; feature++) {
    const range = featureRange(windows, size, feature, ignore);
    const centre = (range.low + range.high) / 2;
    const half = (range.high - range.low) / 2;
    const largest = Math.max(Math.abs(range.low), Math.abs(range.high));
    const step = 2 ** -range.fractionBits;
    if (range.fractionBits <= FINEST_EXACT && largest <= 32767 * step) {
      scale.push(step);
      offset.push(0);
      continue;
    }
    const isFar = half > 0 && largest > 8 * half;
    const reach = Math.max(isFar ? half : largest, 2 ** -20) * HEADROOM;
    const power = 2 ** Math.ceil(Math.log2(reach / 32767));
    scale.push(power);
    offset.push(isFar ? Math.round(centre / power) * power : 0);
  }
  const zero = scale.map(() => 0);
  return finish({ scale, offset, mean: zero, std: scale.map(() => 1), derived: true });
}

/** Ends of a feature's values, and the binary digits behind the point that they need (beyond 14: not exact). */
function featureRange(windows: readonly Float32Array[], size: number, feature: number, ignore: number | undefined) {
  let low = Infinity;
  let high = -Infinity;
  let fractionBits = 0;
  for (const window of windows) {
    for (let at = feature; at < window.length; at += size) {
      const value = window[at];
      if (value === ignore) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
      while (fractionBits <= FINEST_EXACT && !Number.isInteger(value * 2 ** fractionBits)) fractionBits++;
    }
  }
  return low > high ? { low: 0, high: 0, fractionBits: 0 } : { low, high, fractionBits };
}

/** Raw counts of a network input row: rounded and saturated. */
export function encodeFrame(encoding: RawEncoding, row: ArrayLike<number>, from: number, out: Int16Array): void {
  for (let j = 0; j < out.length; j++) {
    const raw = Math.round((row[from + j] - encoding.shift[j]) / encoding.gain[j]);
    out[j] = Math.max(-32768, Math.min(32767, raw));
  }
}
