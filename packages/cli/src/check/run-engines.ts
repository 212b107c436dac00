import { spawnSync } from "node:child_process";
import { STATUSES } from "@gatelet/converter/format";
import {
  type Board,
  BoardError,
  BuiltinBoard,
  type EngineName,
  hasRenode,
  QemuBoard,
  RenodeBoard,
  RUNNER,
  RunnerError,
  type RunnerReport,
  type RunnerRequest,
  runOnBoard,
} from "@gatelet/sim";
import type { MemoryPlan } from "./memory-plan.js";
import type { ReferenceRun } from "./reference-run.js";
import type { EngineCheck } from "./report.js";

export interface EngineRun {
  readonly check: EngineCheck;
  /** Absent where the engine is not there or the run failed. */
  readonly report?: RunnerReport;
}

/** What QEMU's board lacks: the functions that touch it return at once. */
const QEMU_SKIPS = ["board_uart_start", "board_enable_cache", "board_print"];

const ABSENT: Readonly<Record<EngineName, () => string | null>> = {
  builtin: () => null,
  renode: () => (hasRenode() ? null : "not installed: put renode on PATH or set RENODE"),
  qemu: () => {
    const { error } = spawnSync("qemu-system-arm", ["--version"], { stdio: "ignore" });
    return error === undefined ? null : "not installed: qemu-system-arm is not on PATH";
  },
};

function boardFor(engine: EngineName, plan: MemoryPlan, waitStates: 0 | 2 | 3): Board {
  if (engine === "renode") return new RenodeBoard();
  if (engine === "qemu") return new QemuBoard({ skip: QEMU_SKIPS });
  return new BuiltinBoard({ waitStates, ramBytes: plan.boardRamBytes, stackLimit: plan.stackLimit });
}

/**
 * Runs the runner firmware with model and frames on one engine and compares with `reference`.
 * Faults, limits and statuses are part of the answer; throws BoardError only where an image does not fit the board.
 */
export async function runEngine(
  engine: EngineName,
  request: RunnerRequest,
  plan: MemoryPlan,
  waitStates: 0 | 2 | 3,
  reference: ReferenceRun,
): Promise<EngineRun> {
  const start = performance.now();
  const steps = reference.steps.length;
  const seconds = () => (performance.now() - start) / 1000;
  const nothing = {
    engine,
    instructions: null,
    difference: null,
    steps,
    wrongSteps: 0,
    stateEqual: null,
    emulatedInstructionsPerSecond: null,
  };
  const absent = ABSENT[engine]();
  if (absent !== null) return { check: { ...nothing, absent, fault: null, seconds: seconds() } };
  const board = boardFor(engine, plan, waitStates);
  try {
    const before = process.cpuUsage();
    const report = await runOnBoard(board, request);
    const fault = statusText(report.status);
    const took = seconds();
    const { user, system } = process.cpuUsage(before);
    const emulatedInstructionsPerSecond =
      board instanceof BuiltinBoard ? Math.round((1e6 * board.instructions) / (user + system)) : null;
    const check = { ...nothing, absent, ...compare(report, reference), fault, emulatedInstructionsPerSecond };
    return { check: { ...check, seconds: took }, report };
  } catch (error) {
    if (!(error instanceof RunnerError) && !(error instanceof BoardError && engine !== "builtin")) throw error;
    return { check: { ...nothing, absent, fault: error.message, seconds: seconds() } };
  } finally {
    await board.close();
  }
}

function compare(report: RunnerReport, reference: ReferenceRun) {
  let wrongSteps = 0;
  report.steps.forEach((rows, i) => {
    if (!equal(rows, reference.steps[i]!)) wrongSteps++;
  });
  // The log in RAM may be shorter than the run; the checksum covers every step.
  if (wrongSteps === 0 && report.outputCrc !== reference.outputCrc)
    wrongSteps = reference.steps.length - report.steps.length;
  return {
    instructions: report.marked.instructions,
    wrongSteps,
    stateEqual: equal(report.state, reference.state),
  };
}

const equal = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);

const RUNNER_STATUS = new Map<number, string>([
  [RUNNER.STATUS_NO_FRAMES, "found no frames image"],
  [RUNNER.STATUS_FRAME_SIZE, "found frames of another width than the model's"],
  [RUNNER.STATUS_NO_MODEL, "found no model"],
]);

/** What the firmware says of a run that ended with a status; null for 0. */
function statusText(status: number): string | null {
  if (status === 0) return null;
  const name = RUNNER_STATUS.get(status) ?? STATUSES[-status]?.[0];
  if (name !== undefined) return `firmware ended with ${name}`;
  const exception = RUNNER.STATUS_FAULT - status;
  return exception >= 0 ? `firmware took exception ${exception}` : `firmware ended with status ${status}`;
}
