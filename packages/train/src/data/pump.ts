import { createRandom, type Random } from "./random.js";
import type { RecordedSequence, Recordings, Split } from "./recordings.js";

/** What the pump does, by class id. */
export const PUMP_CLASSES = ["off", "idle", "pumping", "cavitation", "bearing_fault"] as const;

/** Frames a second. */
export const PUMP_RATE_HZ = 100;
/** Physical value of one count: a 16-bit accelerometer of +-16 g. */
export const PUMP_G_PER_COUNT = 1 / 2048;

export interface PumpOptions {
  readonly seed: number;
  /** Pumps; each has its own mounting, sensitivity, speed and wear, and belongs to one split. */
  readonly machines: number;
  /** Recordings of each pump. */
  readonly recordings: number;
  readonly seconds: number;
  readonly split?: Split;
}

/** Strength of each source of vibration in one regime. */
interface Regime {
  /** Rotations a second. */
  readonly rotorHz: number;
  /** g at once, twice and three times the rotor's frequency. */
  readonly harmonics: readonly [number, number, number];
  /** g, broadband: collapsing bubbles, modulated by the rotor. */
  readonly bubbles: number;
  /** g at the first swing of the ringing that each pass over the damaged race starts. */
  readonly impact: number;
}

const REGIMES: Record<(typeof PUMP_CLASSES)[number], Regime> = {
  off: { rotorHz: 0, harmonics: [0, 0, 0], bubbles: 0, impact: 0 },
  idle: { rotorHz: 13, harmonics: [0.045, 0.012, 0], bubbles: 0.004, impact: 0 },
  pumping: { rotorHz: 24.5, harmonics: [0.11, 0.04, 0.012], bubbles: 0.016, impact: 0 },
  cavitation: { rotorHz: 23.6, harmonics: [0.1, 0.045, 0.014], bubbles: 0.1, impact: 0 },
  bearing_fault: { rotorHz: 24.2, harmonics: [0.12, 0.05, 0.02], bubbles: 0.022, impact: 0.22 },
};

/** Which regime may follow which: a pump starts through idle, faults come and go while it pumps. */
const FOLLOWERS: readonly (readonly number[])[] = [[1], [2, 2, 0], [3, 4, 1, 3, 4], [2, 4, 1], [2, 3, 1]];

/** Seconds until speed and load have settled to 1/e of a step. */
const SPIN_SECONDS = 0.15;
/** The bearing housing rings at this frequency and dies out in this time. */
const RING_HZ = 37;
const RING_SECONDS = 0.04;
/** Passes over the damage in one rotation of the rotor (ratio of a small deep-groove bearing). */
const FAULT_PASSES = 0.475;
/** How strongly each source is felt along x (shaft), y (discharge) and z (down). */
const ROTOR_AXES = [0.25, 1, 0.8] as const;
const BUBBLE_AXES = [0.6, 1.1, 0.7] as const;
const IMPACT_AXES = [0.35, 0.6, 1.2] as const;
const SENSOR_NOISE_G = 0.004;

/** Facts of one pump that stay the same in all its recordings. */
interface Machine {
  readonly name: string;
  /** Gravity along the sensor's axes, g. */
  readonly gravity: readonly number[];
  readonly gain: readonly number[];
  readonly speed: number;
  readonly wear: number;
  readonly impactGain: number;
  readonly bubbleGain: number;
}

/**
 * Made-up but believable recordings of a three-axis accelerometer on pumps that start, run, cavitate and wear: gravity
 * through a crooked mounting, rotor harmonics, broadband bubbles, ringing bearing impacts, knocks from outside, slow
 * thermal drift, sensor noise, saturation at 16 bits. The label of a frame is what the pump was told or began to do;
 * speed and load follow with a delay, so frames right after a change are hard.
 * The same options give the same samples.
 */
export function generatePump(options: PumpOptions): Recordings {
  const random = createRandom(options.seed);
  const sequences: RecordedSequence[] = [];
  for (let m = 0; m < options.machines; m++) {
    const machine = createMachine(`pump${options.seed}-${m}`, random);
    for (let r = 0; r < options.recordings; r++) {
      sequences.push(record(machine, `${machine.name}/${r}`, options, random));
    }
  }
  return {
    name: "pump",
    channels: 3,
    rateHz: PUMP_RATE_HZ,
    featureNames: ["acc_x", "acc_y", "acc_z"],
    units: ["g", "g", "g"],
    rawScale: [PUMP_G_PER_COUNT, PUMP_G_PER_COUNT, PUMP_G_PER_COUNT],
    sequences,
    classes: PUMP_CLASSES,
  };
}

function createMachine(name: string, random: Random): Machine {
  const between = (low: number, high: number) => low + (high - low) * random.uniform();
  const tilt = [between(-0.2, 0.2), between(-0.2, 0.2)];
  const down = Math.sqrt(1 - tilt[0]! * tilt[0]! - tilt[1]! * tilt[1]!);
  return {
    name,
    gravity: [tilt[0]!, tilt[1]!, down],
    gain: [between(0.8, 1.2), between(0.8, 1.2), between(0.8, 1.2)],
    speed: between(0.94, 1.06),
    wear: between(0.7, 1.4),
    impactGain: between(0.7, 1.3),
    bubbleGain: between(0.7, 1.3),
  };
}

function record(machine: Machine, name: string, options: PumpOptions, random: Random): RecordedSequence {
  const length = Math.round(options.seconds * PUMP_RATE_HZ);
  const labels = schedule(length, random);
  const samples = new Int16Array(length * 3);
  const vibration = createVibration(machine, random);
  const drift = [random.normal(), random.normal(), random.normal()].map((g) => 0.01 * g);
  let knock = 0;
  for (let t = 0; t < length; t++) {
    const g = vibration(REGIMES[PUMP_CLASSES[labels[t]!]!]);
    // Somebody walks past or a pipe is struck: about once in twelve seconds.
    if (random.uniform() < 1 / (12 * PUMP_RATE_HZ)) knock = 0.05 + 0.2 * random.uniform();
    for (let axis = 0; axis < 3; axis++) {
      drift[axis]! += 0.0002 * random.normal() - 0.0001 * drift[axis]!;
      const shaken = g[axis]! * machine.gain[axis]! + knock * random.normal() + SENSOR_NOISE_G * random.normal();
      const count = Math.round((machine.gravity[axis]! + drift[axis]! + shaken) / PUMP_G_PER_COUNT);
      samples[t * 3 + axis] = Math.max(-32768, Math.min(32767, count));
    }
    knock *= 0.85;
  }
  return { name, length, samples, labels, group: machine.name, ...(options.split ? { split: options.split } : {}) };
}

/** Class id of every frame: stays of 3 to 9 seconds, beginning anywhere. */
function schedule(length: number, random: Random): Uint16Array {
  const labels = new Uint16Array(length);
  let regime = random.integer(PUMP_CLASSES.length);
  for (let t = 0; t < length; ) {
    const end = Math.min(length, t + Math.round((3 + 6 * random.uniform()) * PUMP_RATE_HZ));
    labels.fill(regime, t, end);
    const followers = FOLLOWERS[regime]!;
    regime = followers[random.integer(followers.length)]!;
    t = end;
  }
  return labels;
}

/** A pump in motion: each call advances it by one frame towards a regime and gives the vibration along its axes, in g. */
function createVibration(machine: Machine, random: Random): (target: Regime) => readonly number[] {
  const follow = 1 / (SPIN_SECONDS * PUMP_RATE_HZ);
  const ringDecay = Math.exp(-1 / (RING_SECONDS * PUMP_RATE_HZ));
  const g = [0, 0, 0];
  let settled: { rotorHz: number; harmonics: number[]; bubbles: number; impact: number } | undefined;
  let rotor = random.uniform();
  let fault = random.uniform();
  let ring = 0;
  let ringPhase = 0;
  let load = 0;
  return (target) => {
    settled ??= { ...target, harmonics: [...target.harmonics] };
    settled.rotorHz += (target.rotorHz - settled.rotorHz) * follow;
    settled.bubbles += (target.bubbles - settled.bubbles) * follow;
    settled.impact += (target.impact - settled.impact) * follow;
    for (let i = 0; i < 3; i++) settled.harmonics[i]! += (target.harmonics[i]! - settled.harmonics[i]!) * follow;
    load += 0.02 * random.normal() - 0.01 * load;
    const step = (settled.rotorHz * machine.speed * (1 + 0.01 * load)) / PUMP_RATE_HZ;
    rotor = (rotor + step) % 1;
    fault += step * FAULT_PASSES * (1 + 0.03 * random.normal());
    if (fault >= 1) {
      fault -= 1;
      ring = settled.impact * machine.impactGain * (0.7 + 0.6 * random.uniform());
      ringPhase = 0;
    }
    ringPhase += RING_HZ / PUMP_RATE_HZ;
    const ringing = ring * Math.cos(2 * Math.PI * ringPhase);
    ring *= ringDecay;
    const turn = 2 * Math.PI * rotor;
    const strength = machine.wear * (1 + 0.15 * load);
    const bubbles = settled.bubbles * machine.bubbleGain * (1 + 0.5 * Math.sin(turn));
    for (let axis = 0; axis < 3; axis++) {
      let swing = 0;
      for (let i = 0; i < 3; i++)
        swing += settled.harmonics[i]! * Math.sin((i + 1) * turn + 1.5708 * axis * (1 + 0.2 * i));
      g[axis] =
        strength * ROTOR_AXES[axis]! * swing +
        BUBBLE_AXES[axis]! * bubbles * random.normal() +
        IMPACT_AXES[axis]! * ringing;
    }
    return g;
  };
}
