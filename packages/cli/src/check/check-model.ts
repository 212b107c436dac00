import { type GateModel, readModel } from "@gatelet/converter/format";
import {
  COSTS_OF,
  type ElfFile,
  type EngineName,
  energyMicrojoules,
  firmwareDigest,
  framesThatFit,
  idleTicks,
  NRF52840,
  type Prediction,
  parseElf,
  predictCycles,
  RUNNER,
  type RunnerReport,
  type RunnerRequest,
  runnerElf,
} from "@gatelet/sim";
import type { Budget } from "../budget.js";
import { CliError } from "../cli-error.js";
import { layerReports, macsOfRow } from "../inspect/layer-report.js";
import type { DataOptions } from "../load-data.js";
import { recordedFrames, seededFrames } from "./check-frames.js";
import { libraryBytes, type MemoryPlan, planMemory } from "./memory-plan.js";
import { otherRuntimes, type WeightedLayer } from "./other-runtimes.js";
import { problemsOf } from "./problems.js";
import { referenceRun } from "./reference-run.js";
import type { CheckReport, LayerCheck, MemoryCheck } from "./report.js";
import { type EngineRun, runEngine } from "./run-engines.js";

export interface CheckRequest {
  /** Path of the `.gate` file, for the report, and its bytes. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly budget: Budget;
  readonly waitStates: 0 | 2 | 3;
  readonly engines: readonly EngineName[];
  /** Windows of a window model, blocks of STREAM_BLOCK frames of a stream model. */
  readonly windows: number;
  /** Recordings; absent: frames from a fixed seed. */
  readonly frames?: string;
  readonly options: DataOptions;
  /** A runner of one's own, and its name; absent: the one that comes with the package. */
  readonly firmware?: { readonly name: string; readonly elf: Uint8Array };
  readonly onProgress?: (stage: string) => void;
  /** Called with what the engines are about to run. */
  readonly onPrepared?: (request: RunnerRequest, plan: MemoryPlan) => void;
}

/** Frames of a stream model that count as a window. */
export const STREAM_BLOCK = 32;
/** Frames behind the last counted window, so that the states that are compared are not those of a fresh window. */
const TAIL_FRAMES = 5;

/**
 * Runs a file in the runner firmware on emulated boards and compares every output and the final state with the
 * WebAssembly engine. What fails is in `problems`; throws for a file that is refused and for images that do not fit.
 */
export async function checkModel(request: CheckRequest): Promise<CheckReport> {
  const start = performance.now();
  const model = readModel(request.bytes);
  const { window, frameSize } = model.header;
  const counted = request.windows * (window || STREAM_BLOCK);
  const count = counted + (window > 0 ? Math.min(TAIL_FRAMES, window - 1) : 0);
  if (count > framesThatFit(frameSize)) {
    const most = Math.floor(framesThatFit(frameSize) / (window || STREAM_BLOCK));
    throw new CliError("USAGE", `${request.windows} windows do not fit the board's flash, at most ${most} do`);
  }
  const frames =
    request.frames === undefined
      ? seededFrames(model, count)
      : await recordedFrames(model, request.frames, request.options, count);
  request.onProgress?.("webassembly");
  const reference = await referenceRun(request.bytes, frames.values);
  const elf = request.firmware?.elf ?? runnerElf();
  const elfFile = parseElf(elf);
  checkPlace(request.firmware?.name ?? "firmware", elfFile);
  const plan = planMemory(model, elfFile, request.budget.ramBytes, count);
  const runs: EngineRun[] = [];
  const runner = {
    elf,
    model: request.bytes,
    frames: frames.values,
    frameSize,
    quiet: true,
    noCache: request.waitStates === 2,
    ramBytes: plan.runnerRamBytes,
    countedFrames: counted,
  };
  request.onPrepared?.(runner, plan);
  for (const engine of request.engines) {
    request.onProgress?.(engine);
    runs.push(await runEngine(engine, runner, plan, request.waitStates, reference));
  }
  const engines = withDifferences(runs);
  const timed = runs.find(({ report }) => report?.total !== undefined)?.report;
  const units = window > 0 ? request.windows : counted;
  const { waitStates } = request;
  const known = firmwareDigest(elf) === COSTS_OF;
  const prediction = known ? predictCycles(model, { waitStates, steps: counted }) : undefined;
  const layers = layerChecks(model, timed, units, prediction);
  const total = sumOf(layers, timed, prediction);
  const memory = memoryCheck(model, libraryBytes(elfFile), plan, request.budget, timed);
  const perUnit = total.simulatedCycles === null ? null : total.simulatedCycles / units;
  const frameRate = model.meta.frameRate ?? null;
  const framesPerUnit = window || 1;
  return {
    model: model.meta.name ?? "unnamed",
    file: request.name,
    crc32: model.header.crc32,
    board: NRF52840.name,
    clockHz: NRF52840.clockHz,
    waitStates: request.waitStates,
    firmware: request.firmware?.name ?? "runner of this package",
    unit: window > 0 ? "window" : "frame",
    units,
    frames: count,
    framesFrom: frames.from,
    layers,
    executor: executorOf(layers, total),
    total,
    otherRuntimes: otherRuntimes(weightedLayers(model, units, timed, idleTicks(model, counted))),
    engines,
    millisecondsPerUnit: perUnit === null ? null : (1000 * perUnit) / NRF52840.clockHz,
    energyMicrojoulesPerUnit: perUnit === null ? null : energyMicrojoules(NRF52840, perUnit),
    duty: perUnit === null || frameRate === null ? null : (perUnit * frameRate) / framesPerUnit / NRF52840.clockHz,
    frameRate,
    memory,
    problems: problemsOf(engines, memory),
    seconds: (performance.now() - start) / 1000,
  };
}

/** Throws `USAGE` for a runner that is linked for a boot loader: model and frames would lie on it. */
function checkPlace(name: string, { segments }: ElfFile): void {
  const loaded = segments.filter(({ data }) => data.length > 0);
  const end = Math.max(...loaded.map(({ physical, data }) => physical + data.length));
  if (end <= RUNNER.MODEL_ADDRESS) return;
  const [at, limit] = [end, RUNNER.MODEL_ADDRESS].map((address) => `0x${address.toString(16)}`);
  throw new CliError("USAGE", `${name} reaches up to ${at} in flash, the model begins at ${limit}: link it at 0`);
}

/** Counts of every engine beside those of the first that has them. */
function withDifferences(runs: readonly EngineRun[]): EngineRun["check"][] {
  const first = runs.find(({ check }) => check.instructions !== null)?.check.instructions ?? null;
  return runs.map(({ check }) => ({
    ...check,
    difference: check.instructions === null || first === null ? null : check.instructions - first,
  }));
}

function layerChecks(
  model: GateModel,
  report: RunnerReport | undefined,
  units: number,
  prediction: Prediction | undefined,
): LayerCheck[] {
  return layerReports(model).map(({ record, name, type, macs }) => {
    const counts = report?.layers?.[record];
    return {
      record,
      name,
      type,
      macs: macs * units,
      predictedCycles: prediction?.layers[record]?.cycles ?? null,
      simulatedCycles: counts?.cycles ?? null,
      instructions: counts?.instructions ?? null,
    };
  });
}

/** @param idle per record: ticks in which it only looks for a row, which are its cheapest */
function weightedLayers(
  model: GateModel,
  units: number,
  report: RunnerReport | undefined,
  idle: readonly number[],
): WeightedLayer[] {
  return layerReports(model).map(({ name, kernel, macs, record }) => {
    const counts = report?.layers?.[record];
    const workCycles = counts?.cycles === undefined ? null : counts.cycles - idle[record]! * counts.leastCycles;
    const rowMacs = macsOfRow(kernel, model.records[record]!.fields);
    return { record, name, kernel, macs: macs * units, rowMacs, workCycles };
  });
}

function sumOf(
  layers: readonly LayerCheck[],
  report: RunnerReport | undefined,
  prediction: Prediction | undefined,
): LayerCheck {
  return {
    record: layers.length,
    name: "total",
    type: "",
    macs: layers.reduce((sum, layer) => sum + layer.macs, 0),
    predictedCycles: prediction?.total.cycles ?? null,
    simulatedCycles: report?.total?.cycles ?? null,
    instructions: report?.total?.instructions ?? null,
  };
}

/** What is left of the total beside the layers. */
function executorOf(layers: readonly LayerCheck[], total: LayerCheck): LayerCheck {
  const rest = (name: "simulatedCycles" | "instructions" | "predictedCycles"): number | null => {
    const whole = total[name];
    return whole === null ? null : layers.reduce((left, layer) => left - (layer[name] ?? 0), whole);
  };
  return {
    record: layers.length,
    name: "executor",
    type: "",
    macs: 0,
    predictedCycles: rest("predictedCycles"),
    simulatedCycles: rest("simulatedCycles"),
    instructions: rest("instructions"),
  };
}

function memoryCheck(
  model: GateModel,
  library: number,
  plan: MemoryPlan,
  budget: Budget,
  report: RunnerReport | undefined,
): MemoryCheck {
  return {
    libraryFlashBytes: library,
    modelFlashBytes: model.header.fileBytes,
    flashBudgetBytes: budget.flashBytes ?? null,
    arenaBytes: model.header.arenaBytes,
    variableBytes: plan.variableBytes,
    stepStackBytes: report?.stackBytes ?? null,
    stackBytes: report?.stackUsedBytes ?? null,
    ramBudgetBytes: budget.ramBytes ?? null,
  };
}
