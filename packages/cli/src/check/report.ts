import type { EngineName } from "@gatelet/sim";
import type { OtherRuntimes } from "./other-runtimes.js";

/** Cycles and instructions of one layer, sums over the counted steps. */
export interface LayerCheck {
  readonly record: number;
  readonly name: string;
  readonly type: string;
  /** Multiply-accumulates with weights over the counted steps. */
  readonly macs: number;
  /** From the file alone; null where no cost formula covers the layer. */
  readonly predictedCycles: number | null;
  /** By the cycle model of the built-in board; null without it. */
  readonly simulatedCycles: number | null;
  readonly instructions: number | null;
}

/** How one engine answered. */
export interface EngineCheck {
  readonly engine: EngineName;
  /** Why it did not run; null where it did. */
  readonly absent: string | null;
  /** Instructions from bench_begin to bench_end over the counted steps, and how many more than the first engine's. */
  readonly instructions: number | null;
  readonly difference: number | null;
  /** Steps whose outputs differ from the WebAssembly engine's, of all steps. */
  readonly steps: number;
  readonly wrongSteps: number;
  readonly stateEqual: boolean | null;
  /** What the processor or the runner said, where the run did not come to its end. */
  readonly fault: string | null;
  readonly seconds: number;
  /**
   * How fast the built-in board emulated its whole run, per second of processor time; null for other engines. Translation
   * and V8's warm-up are in it: with a short window they are most of it.
   */
  readonly emulatedInstructionsPerSecond: number | null;
}

export interface MemoryCheck {
  /** Code and constants of the library with every kernel; the file. */
  readonly libraryFlashBytes: number;
  readonly modelFlashBytes: number;
  readonly flashBudgetBytes: number | null;
  readonly arenaBytes: number;
  /** The two structures that a program keeps beside the arena. */
  readonly variableBytes: number;
  /** Most stack in a step; in the whole run, the check of the file included. Null without the built-in engine. */
  readonly stepStackBytes: number | null;
  readonly stackBytes: number | null;
  readonly ramBudgetBytes: number | null;
}

/** Everything that `gatelet check` says about one file on one board. */
export interface CheckReport {
  readonly model: string;
  readonly file: string;
  readonly crc32: number;
  readonly board: string;
  readonly clockHz: number;
  readonly waitStates: 0 | 2 | 3;
  readonly firmware: string;
  /** What a unit is: a window of so many frames, or one frame of a stream. */
  readonly unit: "window" | "frame";
  readonly units: number;
  readonly frames: number;
  readonly framesFrom: string;
  readonly layers: readonly LayerCheck[];
  /** The executor: what a step takes beside its layers. */
  readonly executor: LayerCheck;
  readonly total: LayerCheck;
  /** What other runtimes would take for the layers with weights: estimates. */
  readonly otherRuntimes: OtherRuntimes;
  readonly engines: readonly EngineCheck[];
  /** Of one unit, from simulated cycles; null without them. */
  readonly millisecondsPerUnit: number | null;
  readonly energyMicrojoulesPerUnit: number | null;
  /** Share of the processor's time at `frameRate`; null where the file does not say how many frames come. */
  readonly duty: number | null;
  readonly frameRate: number | null;
  readonly memory: MemoryCheck;
  /** What failed, one line each; empty: the check has passed. */
  readonly problems: readonly string[];
  readonly seconds: number;
}
