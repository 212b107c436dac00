/** DWT counts of all steps by the firmware's own hand, its profile hooks included. */
export interface FlashCycles {
  /** Simulated: no flash wait states; three with the cache on, as the chip runs. */
  readonly idealCycles: number;
  readonly cachedCycles: number;
  /** From a real board's log. */
  readonly measuredCycles: number | null;
}

export interface FlashLayer extends FlashCycles {
  readonly record: number;
  readonly name: string;
  readonly type: string;
}

/** What is in a flash image, and what a board that runs it should say. */
export interface FlashReport {
  readonly model: string;
  readonly file: string;
  readonly image: string;
  /** What starts the image. */
  readonly starter: string;
  readonly bytes: number;
  readonly clockHz: number;
  readonly unit: "window" | "frame";
  readonly units: number;
  readonly framesFrom: string;
  readonly modelCrc: number;
  readonly outputCrc: number;
  readonly stateCrc: number;
  /** Whether the real board's outputs and state are those of the emulated one; null without a log. */
  readonly sameAnswers: boolean | null;
  readonly layers: readonly FlashLayer[];
  readonly total: FlashCycles;
}
