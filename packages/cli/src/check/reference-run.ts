import { crc32, STATE_HEADER_BYTES } from "@gatelet/converter/format";
import { Model } from "@gatelet/kernels";

/** What the WebAssembly engine makes of the frames: what every board must equal. */
export interface ReferenceRun {
  /** Rows of each step, in the bytes of the output type. */
  readonly steps: readonly Uint8Array[];
  readonly outputCrc: number;
  /** The state region of the arena behind the last frame. */
  readonly state: Uint8Array;
}

/** Runs frames one by one. Throws KernelError where a step fails. */
export async function referenceRun(file: Uint8Array, frames: Int16Array): Promise<ReferenceRun> {
  const model = await Model.load(file, { streams: 1 });
  const { frameSize, outputSize, outputType } = model.description;
  const room = new Int32Array(outputSize * model.maxRows(1));
  const steps: Uint8Array[] = [];
  for (let at = 0; at < frames.length; at += frameSize) {
    const rows = model.runRaw(frames.subarray(at, at + frameSize), room);
    const values = room.slice(0, rows * outputSize);
    steps.push(new Uint8Array(outputType === "int32" ? values.buffer : Int16Array.from(values).buffer));
  }
  return {
    steps,
    outputCrc: crc32(Buffer.concat(steps)),
    state: model.saveState().slice(STATE_HEADER_BYTES),
  };
}
