import { KernelError, statusError } from "./errors.js";
import { encodeFrames, type FrameValues, frameCount } from "./input.js";
import type { StepResult } from "./output.js";
import type { Workspace } from "./workspace.js";

/** One run of frames through a model: its state between two steps. All streams of a model share one copy of the weights. */
export class Stream {
  private arena: number | undefined;

  /** Made by `Model.createStream`. */
  constructor(
    private readonly workspace: Workspace,
    private readonly release: (stream: Stream) => void,
    arena: number,
  ) {
    this.arena = arena;
    const status = workspace.kernels.init(workspace.layout.model, arena, workspace.description.arenaBytes);
    if (status < 0) throw statusError(status, "stream");
  }

  /** Frames taken so far, in the window where the model has one. */
  get frames(): number {
    return this.workspace.kernels.frames(this.address()) >>> 0;
  }

  /** One frame. @throws RangeError for a wrong width, KernelError BAD_TOKEN, SCHEDULE */
  step(frame: FrameValues): StepResult {
    frameCount(this.workspace.description, frame, true);
    return this.take(encodeFrames(this.workspace.description, frame), 1);
  }

  /** Frames one behind the other: the same rows as as many steps. */
  run(frames: FrameValues): StepResult {
    const count = frameCount(this.workspace.description, frames, false);
    return this.take(encodeFrames(this.workspace.description, frames), count);
  }

  /**
   * The fast path: raw counts in, integers out, nothing allocated.
   * @param out room for maxRows(frames) * outputSize integers
   * @returns rows written
   */
  runRaw(frames: Int16Array, out: Int32Array): number {
    const { description } = this.workspace;
    const count = frameCount(description, frames, false);
    if (out.length < description.outputSize * this.workspace.maxRows(count)) {
      const needed = description.outputSize * this.workspace.maxRows(count);
      throw new RangeError(`out holds ${out.length} integers, ${count} frames may need ${needed}`);
    }
    return this.workspace.run(this.address(), frames, count, out);
  }

  /** Back to the first frame. */
  reset(): void {
    const { kernels, layout } = this.workspace;
    const status = kernels.reset(layout.model, this.address());
    if (status < 0) throw statusError(status, "reset");
  }

  /** The state as a checked, versioned blob, equal in every engine. */
  saveState(): Uint8Array {
    return this.workspace.saveState(this.address());
  }

  /** Continues from a saved state. @throws KernelError BAD_STATE, and nothing has changed */
  restoreState(blob: Uint8Array): void {
    this.workspace.restoreState(this.address(), blob);
  }

  /** Gives the stream's memory back. Any later use throws STREAM_FREED. */
  free(): void {
    if (this.arena === undefined) return;
    this.release(this);
    this.arena = undefined;
  }

  /** Address of the arena in the engine's memory, for tests and tools. */
  address(): number {
    if (this.arena === undefined) throw new KernelError("STREAM_FREED", "stream was freed");
    return this.arena;
  }

  private take(raw: Int16Array, count: number): StepResult {
    const { description } = this.workspace;
    const room = new Int32Array(description.outputSize * this.workspace.maxRows(count));
    const rows = this.workspace.run(this.address(), raw, count, room);
    const length = rows * description.outputSize;
    return { rows, outputs: length === room.length ? room : room.slice(0, length) };
  }
}
