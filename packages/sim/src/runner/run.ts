import { BuiltinBoard } from "../board/builtin.js";
import { type Board, BoardError } from "../board.js";
import { endAddress } from "./end.js";
import { type FramesOptions, framesImage } from "./image.js";
import { LayerCounter } from "./layer-counter.js";
import { RUNNER } from "./map.gen.js";
import { countSteps } from "./step-counter.js";

/** Counts between two points; cycles only where the engine has a cycle model. */
export interface Counts {
  readonly instructions: number;
  readonly cycles: number | undefined;
  /** Misses of the instruction cache, where the engine has one. */
  readonly misses?: number;
}

/** Of one layer over all ticks. */
export interface LayerCounts extends Counts {
  /** Of its cheapest tick: of one in which it only looks for a row, where it has such. */
  readonly leastCycles: number;
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
  /** Sum over the counted gatelet_step calls, the profile hooks taken off; only from engines that stop at every layer. */
  readonly total: Counts | undefined;
  /** The same from bench_begin to bench_end with everything in between: what every engine can count. */
  readonly marked: Counts;
  /** DWT counts that the firmware took itself, profile hooks included. */
  readonly ownCycles: number;
  /** Per layer record, the hooks taken off; sums over the counted steps. Only from engines that stop at every layer. */
  readonly layers: readonly LayerCounts[] | undefined;
  /** Most stack that any gatelet_step used; undefined where the engine cannot tell. */
  readonly stackBytes: number | undefined;
  /** Most stack of the whole run as the firmware saw it: the check of the file and the runner's own frames included. */
  readonly stackUsedBytes: number;
  readonly arenaBytes: number;
  readonly uartText: string;
}

export interface RunnerRequest extends FramesOptions {
  readonly elf: Uint8Array;
  readonly model: Uint8Array;
  readonly frames: Int16Array;
  readonly frameSize: number;
  readonly maxInstructions?: number;
  /** Steps, from the first on, whose instructions and cycles are counted; default all. */
  readonly countedFrames?: number;
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
  const counted = request.countedFrames ?? count;
  const maxInstructions = request.maxInstructions ?? DEFAULT_MAX_INSTRUCTIONS;
  const measured =
    board instanceof BuiltinBoard
      ? new LayerCounter(board).run(maxInstructions, counted)
      : await countSteps(board, count, counted, endAddress(request.elf), maxInstructions);
  return { ...(await readResult(board)), ...measured };
}

/** What the engine itself counts; the rest comes from the firmware's result block. */
export type Measured = Pick<RunnerReport, "total" | "marked" | "layers" | "stackBytes">;

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
    stackUsedBytes: word(RUNNER.RESULT_STACK_USED_AT),
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
