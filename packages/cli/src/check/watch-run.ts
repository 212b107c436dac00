import {
  BuiltinBoard,
  framesImage,
  GdbServer,
  Profiler,
  RUNNER,
  type RunnerRequest,
  toCollapsedStacks,
  toSpeedscope,
  traceInstructions,
} from "@gatelet/sim";
import type { Terminal } from "../terminal.js";
import { writeFileWhole } from "../write-file.js";
import type { MemoryPlan } from "./memory-plan.js";

/** Ways to look into a run, each with a board of its own: files to write, a port for GDB. */
export interface WatchRequest {
  readonly profile?: string;
  readonly trace?: string;
  /** Lines of the trace. */
  readonly traceLines: number;
  readonly gdb?: number;
}

/** A board at its reset with everything loaded. */
export type BoardMaker = () => BuiltinBoard;

const MAX_INSTRUCTIONS = 4e9;

/** Boards that run the runner as a check does. */
export function runnerBoards(request: RunnerRequest, plan: MemoryPlan, waitStates: 0 | 2 | 3): BoardMaker {
  return () => {
    const board = new BuiltinBoard({ waitStates, ramBytes: plan.boardRamBytes, stackLimit: plan.stackLimit });
    board.loadNow(request.elf);
    board.core.memory.poke(RUNNER.MODEL_ADDRESS, request.model);
    board.core.memory.poke(RUNNER.FRAMES_ADDRESS, framesImage(request.frames, request.frameSize, request));
    board.resetNow();
    return board;
  };
}

/** Writes profile and trace where they are asked for. A run that ends with a fault is written up to there. */
export async function writeWatched(make: BoardMaker, name: string, request: WatchRequest): Promise<void> {
  if (request.profile !== undefined) await writeFileWhole(request.profile, profileOf(make(), name, request.profile));
  if (request.trace !== undefined) await writeFileWhole(request.trace, traceOf(make(), request.traceLines));
}

/** Speedscope JSON for a name that ends in .json, else collapsed stacks. */
function profileOf(board: BuiltinBoard, name: string, file: string): string {
  const profiler = new Profiler(board);
  board.runNow({ maxInstructions: MAX_INSTRUCTIONS });
  profiler.stop();
  const paths = profiler.paths();
  return file.endsWith(".json") ? toSpeedscope(paths, name) : toCollapsedStacks(paths);
}

/** The first instructions from the first bench_begin on; from reset on where a firmware has no such function. */
function traceOf(board: BuiltinBoard, count: number): string {
  if (board.symbols.get("bench_begin") !== undefined)
    board.runNow({ until: { symbol: "bench_begin" }, maxInstructions: MAX_INSTRUCTIONS });
  const lines: string[] = [];
  const stop = traceInstructions(board, (line) => lines.push(line));
  board.runNow({ maxInstructions: count });
  stop();
  return `${lines.slice(0, count).join("\n")}\n`;
}

/** Serves one GDB session on loopback; ends with it. */
export async function serveGdb(terminal: Terminal, make: BoardMaker, elfPath: string, port: number): Promise<void> {
  const server = new GdbServer(make());
  const done = new Promise<void>((resolve) => {
    server.onDisconnect = resolve;
  });
  const at = `127.0.0.1:${await server.listen(port)}`;
  terminal.print(`waiting for gdb on ${at}, the processor stands at its reset; in another terminal:`);
  terminal.print(`  gdb-multiarch -ex "target remote ${at}" ${elfPath}`);
  await done;
  server.close();
}
