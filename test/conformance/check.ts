import { convert, openModel } from "@gatelet/converter";
import { readModel } from "@gatelet/converter/format";
import { ReferenceModel } from "../reference/index.js";
import { randomFrames } from "../support/random-models.js";
import type { SharedModel } from "../support/shared-models.js";
import type { Case } from "./engines.js";
import type { Work } from "./job-files.js";
import { LinkedStream } from "./linked-stream.js";

/** The reference takes milliseconds a frame: it judges the first windows, the others are judged by Node's scalar engine. */
const REFERENCE_WINDOWS = 3;
const CALIBRATION_WINDOWS = 24;

/** A model with its frames, as one stream and as windows. */
export interface CheckedModel extends Case {
  readonly work: Work;
}

/** Real recordings where there are raw ones, else random counts; and a part of a window, so that the state is not empty. */
function framesOf(shared: SharedModel, gate: Uint8Array, windows: number): Int16Array {
  const { header } = readModel(gate);
  const count = header.window === 0 ? 50 : header.window;
  const rest = randomFrames(5, header, Math.ceil(count / 2)).flatMap((frame) => [...frame]);
  if (!shared.name.startsWith("hapt-")) {
    return Int16Array.from([...randomFrames(7, header, windows * count).flatMap((frame) => [...frame]), ...rest]);
  }
  const parts: number[] = [];
  for (let i = 0; i < windows; i++) for (const value of shared.rawTestWindow(i)) parts.push(value);
  return Int16Array.from([...parts, ...rest]);
}

/** A model of random weights and random frames. */
export function randomCase(name: string, gate: Uint8Array, windows: number): CheckedModel {
  const { header } = readModel(gate);
  const frames = randomFrames(7, header, windows * (header.window || 50)).flatMap((frame) => [...frame]);
  return caseOf(name, gate, Int16Array.from(frames), windows);
}

function caseOf(name: string, gate: Uint8Array, frames: Int16Array, windows: number): CheckedModel {
  const { header } = readModel(gate);
  const { frameSize } = header;
  const perCall = header.window || 50;
  const rowBytes = header.outputSize * (header.outputType === 1 ? 4 : 2);
  const windowValues = perCall * frameSize;
  const halfWindow = Math.max(1, Math.floor(perCall / 2));
  const work = { name, file: gate, frames, windowValues, halfValues: halfWindow * frameSize, windows };
  return { gate, frames, frameSize, perCall, rowBytes, halfWindow, work };
}

/** A shared model, converted, with its first `most` windows. */
export async function checkedModel(shared: SharedModel, bits: 4 | 8, most: number): Promise<CheckedModel> {
  const calibration = shared.calibrationWindows(CALIBRATION_WINDOWS);
  const { bytes: gate } = await convert(await openModel(shared.folder), { calibration, bits });
  const windows = Math.min(most, shared.testCount);
  return caseOf(`${shared.name}/${bits}`, gate, framesOf(shared, gate, windows), windows);
}

/** Whether the reference gives the same rows for the first windows. */
export async function agreesWithReference({ gate, frames, perCall }: Case): Promise<boolean> {
  const reference = new ReferenceModel(gate).createStream();
  const linkedStream = await LinkedStream.open(gate);
  const { frameSize } = linkedStream.built.facts;
  for (let i = 0; i < Math.min(REFERENCE_WINDOWS * perCall, frames.length / frameSize); i++) {
    const frame = frames.slice(i * frameSize, (i + 1) * frameSize);
    const want = reference.step(frame).rows.flatMap((row) => [...row]);
    if (JSON.stringify(linkedStream.run(frame, 1)) !== JSON.stringify(want)) return false;
  }
  return true;
}
