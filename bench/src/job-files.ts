import { Model } from "../../packages/kernels-as/dist/index.js";
import { encodeFrames } from "../../packages/kernels-as/dist/input.js";
import type { JobHeader } from "../hosts/job.js";
import { deployedModel } from "./converted.js";

type Engine = JobHeader["engine"];

/** All test windows of a shared model as raw counts, and its .gate file. */
export interface Work {
  readonly name: string;
  readonly file: Uint8Array;
  readonly frames: Int16Array;
  readonly windowValues: number;
  readonly halfValues: number;
  readonly windows: number;
}

export async function workOf(name: string): Promise<Work> {
  const { model, converted, window } = await deployedModel(name, 8);
  const { description } = await Model.load(converted.bytes, { engine: "scalar" });
  const windowValues = model.steps * model.channels;
  const frames = new Int16Array(model.testCount * windowValues);
  for (let i = 0; i < model.testCount; i++) frames.set(encodeFrames(description, window(i)), i * windowValues);
  const halfValues = Math.floor(model.steps / 2) * model.channels;
  return { name, file: converted.bytes, frames, windowValues, halfValues, windows: model.testCount };
}

/** Bytes of a job: hosts/job.ts. `stride` takes every so many windows, `most` at most so many. */
export function makeJob(work: Work, mode: JobHeader["mode"], engine: Engine, stride = 1, most = work.windows) {
  const windows = Math.min(most, Math.ceil(work.windows / stride));
  const room = 512;
  const gateBytes = work.file.length;
  const framesAt = room + Math.ceil(gateBytes / 16) * 16;
  const { windowValues, halfValues } = work;
  const header: JobHeader = { mode, engine, gateAt: room, gateBytes, framesAt, windows, windowValues, halfValues };
  const job = new Uint8Array(framesAt + 2 * windows * windowValues);
  const text = new TextEncoder().encode(JSON.stringify(header));
  if (text.length > room - 4) throw new Error(`job header takes ${text.length} bytes, limit is ${room - 4}`);
  new DataView(job.buffer).setUint32(0, text.length, true);
  job.set(text, 4);
  job.set(work.file, room);
  const frames = new Int16Array(job.buffer, framesAt);
  for (let i = 0; i < windows; i++) {
    const at = i * stride * windowValues;
    frames.set(work.frames.subarray(at, at + windowValues), i * windowValues);
  }
  return { job, windows };
}
