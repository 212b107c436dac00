import { extname } from "node:path";
import { type GateModel, readModel } from "@gatelet/converter/format";
import {
  BOOT_TARGETS,
  type BootTarget,
  BuiltinBoard,
  framesInImage,
  NRF52840,
  parseRunnerText,
  type RunnerText,
  type SelfTimingImage,
  selfTimingImage,
  writeBinary,
  writeIntelHex,
  writeUf2,
} from "@gatelet/sim";
import { recordedFrames, seededFrames } from "../check/check-frames.js";
import { CliError } from "../cli-error.js";
import { layerReports } from "../inspect/layer-report.js";
import type { DataOptions } from "../load-data.js";
import type { FlashLayer, FlashReport } from "./flash-report.js";

/** Frames of a stream model that count as a window. */
const STREAM_BLOCK = 32;
const MAX_INSTRUCTIONS = 20e9;
/** Wait states that are simulated: the model's own count, and the chip with its cache on. */
const IDEAL = 0;
const CACHED = 3;

export interface FlashRequest {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Path of the image; its ending says the format. */
  readonly output: string;
  /** Name of a boot target; absent: the one that the format is made for. */
  readonly boot?: string;
  /** `P0.06` or `P1.03`. */
  readonly uartPin?: string;
  readonly windows: number;
  readonly frames?: string;
  readonly options: DataOptions;
  /** Text that a real board sent by UART. */
  readonly log?: string;
  readonly onProgress?: (stage: string) => void;
}

/**
 * A flash image of runner, model and frames, and what the emulated board counts when it boots that image.
 * Throws CliError for a wrong format, target or pin and for a log of another model; BoardError where parts do not fit.
 */
export async function flashModel(request: FlashRequest): Promise<{ image: Uint8Array | string; report: FlashReport }> {
  const format = formatOf(request.output);
  const target = targetOf(request.boot ?? format.boot);
  const model = readModel(request.bytes);
  const { window, frameSize } = model.header;
  const units = request.windows * (window > 0 ? 1 : STREAM_BLOCK);
  const count = request.windows * (window || STREAM_BLOCK);
  const room = framesInImage(target, frameSize);
  if (count > room) {
    const most = Math.floor(room / (window || STREAM_BLOCK));
    throw new CliError("USAGE", `${request.windows} windows do not fit the image, at most ${most} do`);
  }
  const frames =
    request.frames === undefined
      ? seededFrames(model, count)
      : await recordedFrames(model, request.frames, request.options, count);
  const image = selfTimingImage({
    target,
    model: request.bytes,
    frames: frames.values,
    frameSize,
    ...(request.uartPin === undefined ? {} : { uartPin: pinOf(request.uartPin) }),
  });
  request.onProgress?.("booting the image");
  const ideal = simulate(image, IDEAL);
  const cached = simulate(image, CACHED);
  const measured = request.log === undefined ? null : measuredBy(request.log, ideal, model);
  return {
    image: format.write(image),
    report: {
      model: model.meta.name ?? "unnamed",
      file: request.name,
      image: request.output,
      starter: target.starter,
      bytes: image.pieces.reduce((sum, { bytes }) => sum + bytes.length, 0),
      clockHz: NRF52840.clockHz,
      unit: window > 0 ? "window" : "frame",
      units,
      framesFrom: frames.from,
      modelCrc: ideal.modelCrc,
      outputCrc: ideal.outputCrc,
      stateCrc: ideal.stateCrc,
      sameAnswers: measured === null ? null : sameAnswers(measured, ideal),
      layers: layersOf(model, ideal, cached, measured),
      total: { idealCycles: ideal.cycles, cachedCycles: cached.cycles, measuredCycles: measured?.cycles ?? null },
    },
  };
}

interface Format {
  readonly boot: string;
  write(image: SelfTimingImage): Uint8Array | string;
}

const FORMATS: Readonly<Record<string, Format>> = {
  ".hex": { boot: "none", write: ({ pieces }) => writeIntelHex(pieces) },
  ".uf2": { boot: "uf2-s140-6", write: ({ pieces }) => writeUf2(pieces) },
  ".bin": { boot: "arduino", write: ({ pieces, target }) => writeBinary(pieces, target.vectors) },
};

function formatOf(path: string): Format {
  const format = FORMATS[extname(path).toLowerCase()];
  if (format !== undefined) return format;
  throw new CliError("USAGE", `${path} ends in none of ${Object.keys(FORMATS).join(", ")}: the ending says the format`);
}

function targetOf(name: string): BootTarget {
  const target = BOOT_TARGETS.find((candidate) => candidate.name === name);
  if (target !== undefined) return target;
  const names = BOOT_TARGETS.map((candidate) => candidate.name).join(", ");
  throw new CliError("USAGE", `--boot ${name} is not known, there are: ${names}`);
}

function pinOf(text: string): number {
  const match = /^P([01])\.(\d{1,2})$/i.exec(text);
  const pin = match === null ? Number.NaN : Number(match[1]) * 32 + Number(match[2]);
  if (match !== null && Number(match[2]) < (match[1] === "0" ? 32 : 16)) return pin;
  throw new CliError("USAGE", `--uart-pin is "${text}", expected P0.00 to P0.31 or P1.00 to P1.15`);
}

function simulate(image: SelfTimingImage, waitStates: 0 | 3): RunnerText {
  const board = new BuiltinBoard({ waitStates });
  board.loadFlash(image.pieces, image.target.vectors);
  const { reason } = board.runNow({ until: { uartLine: "end" }, maxInstructions: MAX_INSTRUCTIONS });
  const text = parseRunnerText(board.uartText);
  if (text === undefined) throw new CliError("MODEL_MISMATCH", `the emulated board gave no report: ${reason}`);
  if (text.status !== 0) throw new CliError("MODEL_MISMATCH", `the firmware ended with status ${text.status}`);
  return text;
}

function measuredBy(log: string, expected: RunnerText, model: GateModel): RunnerText {
  const text = parseRunnerText(log);
  if (text === undefined) {
    throw new CliError("MODEL_MISMATCH", "the log has no report from `gatelet runner 1` to `end`: 115200 baud, 8N1?");
  }
  if (text.modelCrc !== expected.modelCrc || text.frames !== expected.frames) {
    const [theirs, ours] = [text, expected].map(({ modelCrc, frames }) => `${modelCrc.toString(16)}, ${frames} frames`);
    throw new CliError("MODEL_MISMATCH", `the log is of model ${theirs}; this one is ${ours}`);
  }
  if (text.layerCycles.length !== model.records.length) {
    throw new CliError("MODEL_MISMATCH", `the log has ${text.layerCycles.length} layers, not ${model.records.length}`);
  }
  return text;
}

const sameAnswers = (a: RunnerText, b: RunnerText): boolean =>
  a.status === b.status && a.rows === b.rows && a.outputCrc === b.outputCrc && a.stateCrc === b.stateCrc;

function layersOf(model: GateModel, ideal: RunnerText, cached: RunnerText, measured: RunnerText | null): FlashLayer[] {
  return layerReports(model).map(({ record, name, type }) => ({
    record,
    name,
    type,
    idealCycles: ideal.layerCycles[record]!,
    cachedCycles: cached.layerCycles[record]!,
    measuredCycles: measured?.layerCycles[record] ?? null,
  }));
}
