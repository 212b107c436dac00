import { createRandom, type Random } from "./random.js";
import type { RecordedSequence, Recordings } from "./recordings.js";

/** Grasps by class id. */
export const GRASPS = ["rest", "cylinder", "sphere", "pinch", "tripod", "lateral", "hook", "platform"] as const;

/** Frames in a window and channels of the glove: the shape of the published pipeline. */
export const GLOVE_FRAMES = 59;
export const GLOVE_CHANNELS = 35;

export interface GloveOptions {
  readonly seed: number;
  readonly people: number;
  /** Grasps of each kind by each person. */
  readonly repetitions: number;
}

/** End flexion of thumb, index, middle, ring, little finger (0 straight .. 1 closed), spread, and pressing fingers. */
const POSTURES: readonly { flex: readonly number[]; spread: number; press: readonly number[] }[] = [
  { flex: [0.15, 0.15, 0.18, 0.2, 0.22], spread: 0.3, press: [0, 0, 0, 0, 0] },
  { flex: [0.55, 0.6, 0.62, 0.63, 0.6], spread: 0.2, press: [0.8, 0.6, 0.6, 0.5, 0.4] },
  { flex: [0.48, 0.45, 0.46, 0.48, 0.46], spread: 0.7, press: [0.6, 0.5, 0.5, 0.4, 0.3] },
  { flex: [0.5, 0.58, 0.25, 0.25, 0.25], spread: 0.3, press: [0.7, 0.7, 0.05, 0, 0] },
  { flex: [0.5, 0.55, 0.55, 0.3, 0.28], spread: 0.25, press: [0.7, 0.55, 0.55, 0.05, 0] },
  { flex: [0.35, 0.7, 0.75, 0.78, 0.78], spread: 0.1, press: [0.75, 0.5, 0.1, 0, 0] },
  { flex: [0.2, 0.75, 0.78, 0.78, 0.75], spread: 0.15, press: [0.05, 0.5, 0.6, 0.5, 0.4] },
  { flex: [0.25, 0.2, 0.2, 0.2, 0.22], spread: 0.55, press: [0.25, 0.25, 0.25, 0.2, 0.15] },
];

/** Full scale of the 12-bit converters. */
const FULL = 4095;

/**
 * Made-up but believable windows of a data glove: three joint bends of five fingers, four spreads, five finger-tip
 * pressures, five palm pressures, and six inertial channels, while a hand reaches, closes and holds. People differ in
 * reach, stiffness, habit and in how their glove sits; bends saturate, pressures begin at contact, tremor and sensor
 * noise lie over everything. Every recording is one window. The same options give the same samples.
 */
export function generateGlove(options: GloveOptions): Recordings {
  const random = createRandom(options.seed);
  const sequences: RecordedSequence[] = [];
  for (let person = 0; person < options.people; person++) {
    const hand = createHand(random);
    for (let repetition = 0; repetition < options.repetitions; repetition++) {
      for (let grasp = 0; grasp < GRASPS.length; grasp++) {
        sequences.push({
          name: `person ${person}/${GRASPS[grasp]}/${repetition}`,
          length: GLOVE_FRAMES,
          samples: record(hand, grasp, random),
          labels: grasp,
          group: `person ${person}`,
        });
      }
    }
  }
  return {
    name: "grasp",
    channels: GLOVE_CHANNELS,
    rateHz: 30,
    featureNames: channelNames(),
    units: new Array<string>(GLOVE_CHANNELS).fill("count"),
    rawScale: new Array<number>(GLOVE_CHANNELS).fill(1),
    sequences,
    classes: GRASPS,
  };
}

const FINGERS = ["thumb", "index", "middle", "ring", "little"] as const;

function channelNames(): string[] {
  return [
    ...FINGERS.flatMap((finger) => [1, 2, 3].map((joint) => `bend_${finger}_${joint}`)),
    ...[1, 2, 3, 4].map((gap) => `spread_${gap}`),
    ...FINGERS.map((finger) => `tip_${finger}`),
    ...[1, 2, 3, 4, 5].map((pad) => `palm_${pad}`),
    ...["acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z"],
  ];
}

interface Hand {
  readonly offset: readonly number[];
  readonly gain: readonly number[];
  readonly habit: readonly number[];
  readonly tremorHz: number;
  readonly speed: number;
}

function createHand(random: Random): Hand {
  const list = (mean: number, deviation: number) =>
    Array.from({ length: GLOVE_CHANNELS }, () => mean + deviation * random.normal());
  return {
    offset: list(0, 0.05),
    gain: list(1, 0.12),
    habit: Array.from({ length: 5 }, () => 0.06 * random.normal()),
    tremorHz: 7 + 3 * random.uniform(),
    speed: 0.85 + 0.3 * random.uniform(),
  };
}

function record(hand: Hand, grasp: number, random: Random): Int16Array {
  const { flex, spread, press } = POSTURES[grasp];
  const samples = new Int16Array(GLOVE_FRAMES * GLOVE_CHANNELS);
  const begin = 8 + 14 * random.uniform();
  const pace = hand.speed * (4 + 3 * random.uniform());
  const size = 0.08 * random.normal();
  const aim = flex.map((value, finger) => value + hand.habit[finger] + size + 0.07 * random.normal());
  const force = 0.7 + 0.6 * random.uniform();
  const tilt = [random.normal(), random.normal(), random.normal()].map((value) => 0.25 * value);
  const lag = FINGERS.map(() => 1.5 * random.normal());
  for (let t = 0; t < GLOVE_FRAMES; t++) {
    const closed = (delay: number) => 1 / (1 + Math.exp(-(t - begin - 8 - delay) / pace));
    const speed = closed(0) * (1 - closed(0)) * 4;
    const tremor = 0.012 * Math.sin((2 * Math.PI * hand.tremorHz * t) / 30);
    const values: number[] = [];
    FINGERS.forEach((_, finger) => {
      for (const share of [0.8, 1.1, 0.9])
        values.push(0.1 + (aim[finger] - 0.1) * share * closed(lag[finger]) + tremor);
    });
    for (let gap = 0; gap < 4; gap++) values.push(0.25 + (spread - 0.25) * closed(gap) + 0.5 * tremor);
    FINGERS.forEach((_, finger) => {
      values.push(Math.max(0, closed(lag[finger] + 4) - 0.45) * press[finger] * force);
    });
    const palm = (grasp === 1 || grasp === 2 || grasp === 6 || grasp === 7 ? 0.35 : 0.05) * force;
    for (let pad = 0; pad < 5; pad++) values.push(Math.max(0, closed(6 + pad) - 0.5) * palm * (1 - 0.12 * pad));
    tilt.forEach((angle, axis) => {
      values.push(0.5 + 0.2 * angle + (axis === 2 ? 0.15 : 0) + 0.05 * speed * random.normal());
    });
    tilt.forEach((angle) => {
      values.push(0.5 + 0.15 * angle * speed + 0.02 * random.normal());
    });
    values.forEach((value, channel) => {
      const seen = hand.offset[channel] + hand.gain[channel] * value + 0.02 * random.normal();
      samples[t * GLOVE_CHANNELS + channel] = Math.max(0, Math.min(FULL, Math.round(seen * FULL)));
    });
  }
  return samples;
}
