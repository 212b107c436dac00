import { BuiltinBoard } from "../board/builtin.js";
import { type Board, BoardError } from "../board.js";
import { failure } from "./errors.js";
import { type FramesOptions, framesImage } from "./image.js";
import { LayerCounter } from "./layer-counter.js";
import { RUNNER } from "./map.gen.js";

/** Counts between two points; cycles only where the engine has a cycle model. */
export interface Counts {
  readonly instructions: number;
  readonly cycles: number | undefined;
}

/** What the runner firmware did with one model and a run of frames. */
export interface RunnerReport {
  readonly engine: string;
  /** 0, a negative status of the library, or one of RUNNER.STATUS_*. */
  readonly status: number;
  readonly frames: number;
  /** Bytes of one output row. */
  readonly rowBytes: number;
  /** Rows of each step, as bytes: int16 or int32, as the model says. Empty where the log in RAM was full. */
  readonly steps: readonly Uint8Array[];
  /** CRC-32 of all output rows and of the state region at the end. */
  readonly outputCrc: number;
  readonly stateCrc: number;
  /** The state region of the arena at the end. */
  readonly state: Uint8Array;
  /** Sum over all gatelet_step calls, between bench_begin and bench_end. */
  readonly total: Counts;
  /** DWT counts that the firmware took itself, profile hooks included. */
  readonly ownCycles: number;
  /** Per layer record, the hooks taken off; sums over all steps. Only from engines that can stop at every layer. */
  readonly layers: readonly Counts[] | undefined;
  /** Most stack that a gatelet_step used; undefined where the engine cannot tell. */
  readonly stackBytes: number | undefined;
  readonly arenaBytes: number;
  readonly uartText: string;
}

export interface RunnerRequest extends FramesOptions {
  readonly elf: Uint8Array;
  readonly model: Uint8Array;
  readonly frames: Int16Array;
  readonly frameSize: number;
  readonly maxInstructions?: number;
}

const DEFAULT_MAX_INSTRUCTIONS = 4e9;

/**
 * Loads the runner, a model and frames into a board, runs to the end and reads the result block.
 * Throws BoardError where an image does not fit, RunnerError for a fault or a limit.
 */
export async function runOnBoard(board: Board, request: RunnerRequest): Promise<RunnerReport> {
  if (request.model.length > RUNNER.MODEL_BYTES) {
    throw new BoardError(`model has ${request.model.length} bytes, the runner's flash for it is ${RUNNER.MODEL_BYTES}`);
  }
  await board.load(request.elf);
  await board.loadBlob(RUNNER.MODEL_ADDRESS, request.model);
  await board.loadBlob(RUNNER.FRAMES_ADDRESS, framesImage(request.frames, request.frameSize, request));
  await board.reset();
  const count = request.frames.length / request.frameSize;
  const maxInstructions = request.maxInstructions ?? DEFAULT_MAX_INSTRUCTIONS;
  const measured =
    board instanceof BuiltinBoard
      ? new LayerCounter(board).run(maxInstructions)
      : await countSteps(board, count, maxInstructions);
  return { ...(await readResult(board)), ...measured };
}

type Measured = Pick<RunnerReport, "total" | "layers" | "stackBytes">;

/** Engines that only stop at symbols: the sum over all steps. */
async function countSteps(board: Board, frames: number, maxInstructions: number): Promise<Measured> {
  let instructions = 0;
  let cycles: number | undefined = 0;
  for (let frame = 0; frame < frames; frame++) {
    const before = await board.run({ until: { symbol: "bench_begin" }, maxInstructions });
    if (before.reason !== "symbol") break;
    const step = await board.run({ until: { symbol: "bench_end" }, maxInstructions });
    if (step.reason !== "symbol") throw failure(step);
    instructions += step.instructions;
    cycles = step.cycles === undefined ? undefined : (cycles ?? 0) + step.cycles;
  }
  const end = await board.run({ until: { uartLine: "end" }, maxInstructions });
  if (end.reason !== "uart-line" && end.reason !== "idle" && end.reason !== "halt") throw failure(end);
  return { total: { instructions, cycles }, layers: undefined, stackBytes: undefined };
}

async function readResult(board: Board): Promise<Omit<RunnerReport, keyof Measured>> {
  const address = board.symbol("g_result");
  const block = await board.readMemory(address, RUNNER.RESULT_LAYER_CYCLES_AT);
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const word = (at: number): number => view.getUint32(at, true);
  if (word(RUNNER.RESULT_MAGIC_AT) !== RUNNER.RESULT_MAGIC || word(RUNNER.RESULT_FINISHED_AT) !== 1) {
    throw new BoardError("the firmware left no finished result block: is it the runner?");
  }
  const logBytes = word(RUNNER.RESULT_LOG_USED_AT);
  const log = logBytes === 0 ? new Uint8Array() : await board.readMemory(word(RUNNER.RESULT_LOG_AT), logBytes);
  const rowBytes = word(RUNNER.RESULT_ROW_BYTES_AT);
  const stateBytes = word(RUNNER.RESULT_STATE_BYTES_AT);
  return {
    engine: board.engine,
    status: word(RUNNER.RESULT_STATUS_AT) | 0,
    frames: word(RUNNER.RESULT_FRAMES_AT),
    rowBytes,
    steps: splitLog(log, rowBytes),
    outputCrc: word(RUNNER.RESULT_OUTPUT_CRC_AT),
    stateCrc: word(RUNNER.RESULT_STATE_CRC_AT),
    state: stateBytes === 0 ? new Uint8Array() : await board.readMemory(word(RUNNER.RESULT_ARENA_AT), stateBytes),
    ownCycles: word(RUNNER.RESULT_CYCLES_AT) + 2 ** 32 * word(RUNNER.RESULT_CYCLES_HIGH_AT),
    arenaBytes: word(RUNNER.RESULT_ARENA_BYTES_AT),
    uartText: board.uartText,
  };
}

/** The log: per step an int32 result, then its rows padded to 4 bytes. */
function splitLog(log: Uint8Array, rowBytes: number): Uint8Array[] {
  const view = new DataView(log.buffer, log.byteOffset, log.byteLength);
  const steps: Uint8Array[] = [];
  for (let at = 0; at + 4 <= log.length; ) {
    const bytes = Math.max(0, view.getInt32(at, true)) * rowBytes;
    steps.push(log.slice(at + 4, at + 4 + bytes));
    at += 4 + ((bytes + 3) & ~3);
  }
  return steps;
}
