import { TrainError } from "../training/errors.js";
import type { Random } from "./random.js";

/** How much each kind of change may do; 0 or absent: none. Values are in the units of normalized inputs. */
export interface AugmentOptions {
  /** Standard deviation of noise added to every value. */
  readonly jitter?: number;
  /** Each window is multiplied by 1 +- this (one factor a channel). */
  readonly scale?: number;
  /** Largest angle, radians, by which groups of three channels are turned together about a random axis. */
  readonly rotate?: number;
  /** Most steps by which a window moves; its ends are repeated. */
  readonly shift?: number;
  /** Time runs faster and slower by up to this share, smoothly. */
  readonly warp?: number;
  /** Least share of a window that is cut out and stretched to full length. */
  readonly crop?: number;
  /** Standard deviation of a slow background (a random walk) added to every channel. */
  readonly background?: number;
  /** Each window is mixed with another of its batch, its answer too: share drawn from 0 to this. */
  readonly mixup?: number;
  /** Channels to turn together; default: each whole group of three. */
  readonly axes?: readonly (readonly [number, number, number])[];
}

export type Augment = (inputs: Float32Array, count: number, random: Random) => void;

/**
 * Makes an augmentation for windows of `steps` x `channels`, for `TrainOptions.augment`.
 * Throws `TRAIN_OPTION` for an amount out of range.
 */
export function createAugment(options: AugmentOptions, steps: number, channels: number): Augment {
  const { jitter = 0, scale = 0, rotate = 0, shift = 0, warp = 0, crop = 1, background = 0, mixup = 0 } = options;
  for (const [name, value, most] of [
    ["jitter", jitter, 10],
    ["scale", scale, 0.9],
    ["rotate", rotate, Math.PI],
    ["shift", shift, steps - 1],
    ["warp", warp, 0.9],
    ["crop", crop, 1],
    ["background", background, 10],
    ["mixup", mixup, 0.5],
  ] as const) {
    if (value >= 0 && value <= most) continue;
    throw new TrainError("TRAIN_OPTION", `augmentation ${name} is ${value}, expected 0 .. ${most}`);
  }
  const axes =
    options.axes ?? Array.from({ length: Math.floor(channels / 3) }, (_, i) => [3 * i, 3 * i + 1, 3 * i + 2]);
  const size = steps * channels;
  return (inputs, count, random) => {
    for (let i = 0; i < count; i++) {
      const window = inputs.subarray(i * size, (i + 1) * size);
      if (shift > 0 || warp > 0 || crop < 1) resample(window, channels, timePath(steps, { shift, warp, crop }, random));
      if (rotate > 0) for (const [x, y, z] of axes) turn(window, channels, [x, y, z], rotation(rotate, random));
      if (scale > 0) scaleChannels(window, channels, scale, random);
      if (background > 0) drift(window, channels, background, random);
      if (jitter > 0) for (let at = 0; at < size; at++) window[at] += jitter * random.normal();
    }
  };
}

/** From which place of the old window each step of the new one comes. */
function timePath(steps: number, { shift, warp, crop }: { shift: number; warp: number; crop: number }, random: Random) {
  const share = crop + (1 - crop) * random.uniform();
  const first = (1 - share) * (steps - 1) * random.uniform() + shift * (2 * random.uniform() - 1);
  const phase = 2 * Math.PI * random.uniform();
  const strength = warp * (2 * random.uniform() - 1);
  // One slow wave of speed; its integral keeps the ends where they are.
  return Float64Array.from({ length: steps }, (_, t) => {
    const at = t / Math.max(1, steps - 1);
    const bend = (strength / (2 * Math.PI)) * (Math.sin(2 * Math.PI * at + phase) - Math.sin(phase));
    return first + share * (steps - 1) * (at + bend);
  });
}

function resample(window: Float32Array, channels: number, path: Float64Array): void {
  const old = window.slice();
  const last = path.length - 1;
  path.forEach((place, t) => {
    const inside = Math.min(last, Math.max(0, place));
    const before = Math.floor(inside);
    const after = Math.min(last, before + 1);
    const share = inside - before;
    for (let c = 0; c < channels; c++) {
      window[t * channels + c] = old[before * channels + c] * (1 - share) + old[after * channels + c] * share;
    }
  });
}

/** Rotation by up to `most` about an even direction (Rodrigues' formula), row-major. */
function rotation(most: number, random: Random): readonly number[] {
  const axis = [random.normal(), random.normal(), random.normal()];
  const length = Math.hypot(...axis) || 1;
  const [x, y, z] = axis.map((value) => value / length);
  const angle = most * (2 * random.uniform() - 1);
  const c = Math.cos(angle);
  const s = Math.sin(angle);
  const d = 1 - c;
  return [
    [c + x * x * d, x * y * d - z * s, x * z * d + y * s],
    [y * x * d + z * s, c + y * y * d, y * z * d - x * s],
    [z * x * d - y * s, z * y * d + x * s, c + z * z * d],
  ].flat();
}

function turn(window: Float32Array, channels: number, axes: readonly number[], matrix: readonly number[]): void {
  for (let at = 0; at < window.length; at += channels) {
    const old = axes.map((axis) => window[at + axis]);
    axes.forEach((axis, row) => {
      window[at + axis] = matrix[3 * row] * old[0] + matrix[3 * row + 1] * old[1] + matrix[3 * row + 2] * old[2];
    });
  }
}

function scaleChannels(window: Float32Array, channels: number, most: number, random: Random): void {
  const factors = Array.from({ length: channels }, () => 1 + most * (2 * random.uniform() - 1));
  for (let at = 0; at < window.length; at++) window[at] *= factors[at % channels];
}

function drift(window: Float32Array, channels: number, deviation: number, random: Random): void {
  const steps = window.length / channels;
  const perStep = deviation / Math.sqrt(steps);
  for (let c = 0; c < channels; c++) {
    let level = deviation * random.normal() * 0.5;
    for (let t = 0; t < steps; t++) {
      level += perStep * random.normal();
      window[t * channels + c] += level;
    }
  }
}

/** Mixes each sample with another one, answers too (mix-up, Zhang et al. 2018): share drawn from 0 .. `most`. */
export function mixUp(inputs: Float32Array, targets: Float32Array, count: number, most: number, random: Random): void {
  const size = inputs.length / count;
  const width = targets.length / count;
  const oldInputs = inputs.slice();
  const oldTargets = targets.slice();
  for (let i = 0; i < count; i++) {
    const other = random.integer(count);
    const share = most * random.uniform();
    for (let j = 0; j < size; j++) inputs[i * size + j] += share * (oldInputs[other * size + j] - inputs[i * size + j]);
    for (let j = 0; j < width; j++) {
      targets[i * width + j] += share * (oldTargets[other * width + j] - targets[i * width + j]);
    }
  }
}
