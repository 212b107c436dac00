import { Model, simdSupported } from "@gatelet/kernels";

/** Engines that can be asked for; `auto` takes SIMD where the machine has it. */
export const ENGINES = ["auto", "simd", "scalar"] as const;
export type EngineName = (typeof ENGINES)[number];

/** A stream of one model: frames in, output rows out. States are its own, weights are shared. */
export interface RuntimeStream {
  /**
   * Pushes frames.
   * @param frames int16 counts, row-major, any number of frames (tokens: one uint16 value each)
   * @returns output rows that have fallen, row-major in real units; empty where none has
   */
  run(frames: Int16Array): Float64Array;
  reset(): void;
}

/** A model loaded into an engine. */
export interface Runtime {
  readonly engine: string;
  readonly frameSize: number;
  readonly outputSize: number;
  /** Frames in a window; null: a stream model. */
  readonly window: number | null;
  createStream(): RuntimeStream;
}

const NOTHING = new Float64Array(0);

/**
 * Loads a `.gate` file into a WebAssembly engine.
 * @param streams most streams that will live at once; memory is made for exactly these
 * Throws KernelError for a file that is refused or an engine that the host does not run.
 */
export async function loadRuntime(bytes: Uint8Array, engine: EngineName, streams: number): Promise<Runtime> {
  // The model keeps one stream for itself.
  const model = await Model.load(bytes, { engine, streams: streams + 1 });
  const { frameSize, outputSize, outputScale, window } = model.description;
  return {
    engine: engine === "auto" ? (simdSupported() ? "simd" : "scalar") : engine,
    frameSize,
    outputSize,
    window: window === 0 ? null : window,
    createStream: () => {
      const stream = model.createStream();
      let room = new Int32Array(0);
      let roomFrames = -1;
      return {
        reset: () => stream.reset(),
        run: (frames) => {
          const count = frames.length / frameSize;
          if (count > roomFrames) {
            room = new Int32Array(outputSize * model.maxRows(count));
            roomFrames = count;
          }
          const rows = stream.runRaw(frames, room);
          if (rows === 0) return NOTHING;
          return Float64Array.from(room.subarray(0, rows * outputSize), (value) => value * outputScale);
        },
      };
    },
  };
}
