import { convert, openModel } from "@gatelet/converter";
import { STATE_HEADER_BYTES } from "@gatelet/converter/format";
import { Model } from "@gatelet/kernels";
import { BuiltinBoard, framesImage, RUNNER, runnerElf } from "@gatelet/sim";
import { encodeFrames } from "../../packages/kernels-as/src/input.js";
import { haptRecording, sharedModel } from "../support/shared-models.js";

/** A `.gate` file and raw frames for it. */
export interface BoardJob {
  readonly gate: Uint8Array;
  readonly frames: Int16Array;
  readonly frameSize: number;
}

/** What one step left: its rows and the state region of the arena. */
export interface StepBytes {
  readonly rows: Uint8Array;
  readonly state: Uint8Array;
}

const CALIBRATION_WINDOWS = 24;

/** A model of the shared folder with `windows` of its recordings (test windows first) and `tail` frames more. */
export async function sharedJob(name: string, bits: 8 | 4, windows: number, tail: number): Promise<BoardJob> {
  const shared = sharedModel(name);
  const raw = name.startsWith("hapt-");
  const data = raw
    ? {
        calibration: shared.rawCalibrationWindows(CALIBRATION_WINDOWS),
        calibrationUnit: "raw" as const,
        inputTransform: { scale: haptRecording().scales, mean: shared.meta.mean, std: shared.meta.std },
      }
    : { calibration: shared.calibrationWindows(CALIBRATION_WINDOWS) };
  const { bytes: gate } = await convert(await openModel(shared.folder), { ...data, bits });
  const { description } = await Model.load(gate, { streams: 1 });
  const { frameSize } = description;
  const fromTest = Math.min(windows, shared.testCount);
  const more = raw || fromTest === windows ? [] : shared.calibrationWindows(windows - fromTest);
  const parts = [
    ...Array.from({ length: fromTest }, (_, index) =>
      raw ? shared.rawTestWindow(index) : encodeFrames(description, shared.testWindow(index)),
    ),
    ...more.map((window) => encodeFrames(description, window)),
  ];
  if (parts.length !== windows) throw new Error(`${name} has ${parts.length} windows, ${windows} are wanted`);
  parts.push(parts[0]!.subarray(0, tail * frameSize));
  return { gate, frames: Int16Array.from(parts.flatMap((part) => [...part])), frameSize };
}

/** Frame by frame through the WebAssembly engine. */
export async function* wasmSteps({ gate, frames, frameSize }: BoardJob): AsyncGenerator<StepBytes> {
  const model = await Model.load(gate, { streams: 1 });
  const { outputSize, outputType } = model.description;
  const room = new Int32Array(outputSize * model.maxRows(1));
  for (let at = 0; at < frames.length; at += frameSize) {
    const count = model.runRaw(frames.subarray(at, at + frameSize), room) * outputSize;
    const values = room.slice(0, count);
    const rows = new Uint8Array(outputType === "int32" ? values.buffer : Int16Array.from(values).buffer);
    yield { rows, state: model.saveState().slice(STATE_HEADER_BYTES) };
  }
}

const MOST_INSTRUCTIONS = 1e9;

/** Frame by frame through the runner firmware on the built-in board: stopped before every step but the first, and at the end. */
export function* firmwareSteps({ gate, frames, frameSize }: BoardJob): Generator<StepBytes> {
  const board = new BuiltinBoard();
  board.loadNow(runnerElf());
  board.core.memory.poke(RUNNER.MODEL_ADDRESS, gate);
  board.core.memory.poke(RUNNER.FRAMES_ADDRESS, framesImage(frames, frameSize, { quiet: true }));
  board.resetNow();
  const { memory } = board.core;
  const result = board.symbol("g_result");
  const word = (offset: number): number => memory.load(result + offset, 4) >>> 0;
  const rowBytes = (): number => word(RUNNER.RESULT_ROW_BYTES_AT);
  let logged = 0;
  const step = (): StepBytes => {
    const from = word(RUNNER.RESULT_LOG_AT) + logged;
    logged = word(RUNNER.RESULT_LOG_USED_AT);
    const rows = memory.peek(from + 4, (memory.load(from, 4) >>> 0) * rowBytes());
    return { rows, state: memory.peek(word(RUNNER.RESULT_ARENA_AT), word(RUNNER.RESULT_STATE_BYTES_AT)) };
  };
  for (let first = true; ; first = false) {
    const { reason } = board.runNow({ until: { symbol: "bench_begin" }, maxInstructions: MOST_INSTRUCTIONS });
    if (reason === "idle") break;
    if (reason !== "symbol") throw new Error(`the runner stopped: ${reason}`);
    if (!first) yield step();
  }
  if (word(RUNNER.RESULT_STATUS_AT) !== 0)
    throw new Error(`the runner ended with ${word(RUNNER.RESULT_STATUS_AT) | 0}`);
  yield step();
}
