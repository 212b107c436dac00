import { BuiltinBoard } from "../board/builtin.js";
import { recordFault } from "../board/fault.js";
import { parseElf } from "../elf/elf.js";
import { firmwareElf } from "../image/firmware-elf.js";
import { failure } from "../runner/errors.js";
import { FloatBaselineError, type FloatBaselineGraph } from "./graph.js";
import { floatProgram } from "./lower.js";
import { FLOAT } from "./map.js";

export interface FloatBaselineRequest {
  readonly graph: FloatBaselineGraph;
  /** Network inputs, all of one length: [steps * channels] each. */
  readonly windows: readonly Float32Array[];
  /** Flash wait states; default 0. 2: with the instruction cache off. */
  readonly waitStates?: 0 | 2 | 3;
  readonly maxInstructions?: number;
}

/** What the float32 C baseline did on the emulated board. Cycles are simulated. */
export interface FloatBaselineReport {
  /** Output rows of each window. */
  readonly outputs: readonly Float32Array[];
  /** Sums over all windows. */
  readonly cycles: number;
  readonly instructions: number;
  readonly layers: readonly { readonly name: string; readonly cycles: number }[];
  /** Rows of all layers and working memory, as planned; stack of the whole run. */
  readonly arenaBytes: number;
  readonly stackBytes: number;
  /** Executor and all its operations; weights with their records. */
  readonly codeBytes: number;
  readonly modelBytes: number;
}

const DEFAULT_MAX_INSTRUCTIONS = 4e9;
const ELF = "float-nrf52840.gen.elf";

/**
 * Runs a float graph as float32 C (FPU on, gcc -O2, plain loops) on the built-in board: what a model costs without
 * quantization. Throws FloatBaselineError for a graph or windows that it does not take, RunnerError for a fault or a limit.
 */
export function runFloatBaseline(request: FloatBaselineRequest): FloatBaselineReport {
  const { graph, windows, waitStates = 0 } = request;
  const cols = graph.nodes[0].shape.cols;
  const program = floatProgram(graph, (windows[0]?.length ?? 0) / cols);
  fits("program", program.bytes.length, FLOAT.PROGRAM_BYTES);
  const image = windowsImage(windows, program.inputValues, waitStates === 2);
  const elf = firmwareElf(ELF);
  const board = new BuiltinBoard({ waitStates });
  board.loadNow(elf);
  board.loadFlash(
    [
      { address: FLOAT.PROGRAM_ADDRESS, bytes: program.bytes },
      { address: FLOAT.WINDOWS_ADDRESS, bytes: image },
    ],
    0,
  );
  const { marked, read } = execute(board, request.maxInstructions ?? DEFAULT_MAX_INSTRUCTIONS);
  const status = read(FLOAT.RESULT_STATUS_AT) | 0;
  if (read(FLOAT.RESULT_FINISHED_AT) !== 1 || status !== 0)
    throw new FloatBaselineError(statusText(status, program.arenaBytes));
  const log = board.core.memory.peek(read(FLOAT.RESULT_LOG_AT), 4 * windows.length * program.outputValues);
  const view = new DataView(log.buffer, log.byteOffset, log.byteLength);
  const value = (window: number, i: number) => view.getFloat32(4 * (window * program.outputValues + i), true);
  return {
    outputs: windows.map((_, window) =>
      Float32Array.from({ length: program.outputValues }, (_, i) => value(window, i)),
    ),
    cycles: read(FLOAT.RESULT_CYCLES_AT) + 2 ** 32 * read(FLOAT.RESULT_CYCLES_HIGH_AT),
    instructions: marked,
    layers: program.names.map((name, i) => ({ name, cycles: read(FLOAT.RESULT_RECORD_CYCLES_AT + i) })),
    arenaBytes: program.arenaBytes,
    stackBytes: read(FLOAT.RESULT_STACK_AT),
    codeBytes: codeBytes(elf),
    modelBytes: program.bytes.length,
  };
}

function fits(what: string, bytes: number, most: number): void {
  if (bytes > most)
    throw new FloatBaselineError(`float ${what} has ${bytes} bytes, the board's flash for it is ${most}`);
}

function windowsImage(windows: readonly Float32Array[], values: number, noCache: boolean): Uint8Array {
  const odd = windows.find(({ length }) => length !== values);
  if (odd !== undefined) throw new FloatBaselineError(`a window has ${odd.length} values, the graph takes ${values}`);
  fits("windows", 4 * (FLOAT.WINDOWS_HEADER_WORDS + windows.length * values), FLOAT.WINDOWS_BYTES);
  const view = new DataView(new ArrayBuffer(4 * (FLOAT.WINDOWS_HEADER_WORDS + windows.length * values)));
  [FLOAT.WINDOWS_MAGIC, windows.length, values, noCache ? 1 : 0].forEach((word, i) => {
    view.setUint32(4 * i, word, true);
  });
  windows.forEach((window, w) => {
    window.forEach((value, i) => {
      view.setFloat32(4 * (FLOAT.WINDOWS_HEADER_WORDS + w * values + i), value, true);
    });
  });
  return new Uint8Array(view.buffer);
}

/** Runs to the end; `marked`: instructions between bench_begin and bench_end. */
function execute(board: BuiltinBoard, maxInstructions: number): { marked: number; read: (word: number) => number } {
  const { core } = board;
  const [begin, end] = [board.symbol("bench_begin"), board.symbol("bench_end")];
  const addresses = new Set([begin, end]);
  let marked = 0;
  let since = 0;
  for (;;) {
    const stop = core.run({ addresses, maxInstructions: maxInstructions - core.instructions });
    if (stop.reason === "idle" || stop.reason === "halt") break;
    if (stop.reason !== "address") {
      const fault = stop.fault && recordFault(core, stop.fault, board.symbols, board.symbol("_stack_top"));
      const reason = stop.reason === "fault" ? "fault" : "max-instructions";
      throw failure({ reason, instructions: core.instructions, cycles: core.cycles, fault });
    }
    if (core.pc === begin) since = core.instructions;
    else marked += core.instructions - since;
  }
  const result = board.symbol("g_result");
  return {
    marked,
    read: (word) => {
      const bytes = core.memory.peek(result + 4 * word, 4);
      return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    },
  };
}

function statusText(status: number, arenaBytes: number): string {
  if (status === FLOAT.STATUS_RAM)
    return `float baseline needs ${arenaBytes} bytes of arena, more than the board's RAM has`;
  return `float baseline ended with status ${status}`;
}

/** Names in the firmware that are no part of the executor. */
const NOT_EXECUTOR = /^(vectors|reset_handler|unexpected|board_.*|bench_.*|POWERS.*|memcpy|memset|run|__.*)$/;

function codeBytes(elf: Uint8Array): number {
  return parseElf(elf)
    .symbols.filter(({ address, kind }) => kind !== "other" && address < FLOAT.PROGRAM_ADDRESS)
    .filter(({ name }) => !NOT_EXECUTOR.test(name))
    .reduce((sum, { bytes }) => sum + bytes, 0);
}
