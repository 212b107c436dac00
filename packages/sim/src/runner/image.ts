import { BoardError } from "../board.js";
import { RUNNER } from "./map.gen.js";

export interface FramesOptions {
  /** Instruction cache stays off. */
  readonly noCache?: boolean;
  /** No text on the UART: results leave through memory only. */
  readonly quiet?: boolean;
  /** Bytes of RAM that the runner may use: the budget; 0 or absent: all. */
  readonly ramBytes?: number;
}

/**
 * The image that the runner firmware finds at RUNNER.FRAMES_ADDRESS: a header, then the frames one behind the other.
 * @param frames    int16 raw counts (or uint16 tokens), whole frames
 * @param frameSize values in a frame
 * @param room      bytes of flash there; default those of the chip
 * Throws BoardError where they do not fit the flash set aside for them, RangeError for a piece of a frame.
 */
export function framesImage(
  frames: Int16Array,
  frameSize: number,
  options: FramesOptions = {},
  room: number = RUNNER.FRAMES_BYTES,
): Uint8Array {
  if (frames.length % frameSize !== 0)
    throw new RangeError(`${frames.length} values are not whole frames of ${frameSize}`);
  const bytes = RUNNER.FRAMES_HEADER_BYTES + 2 * frames.length;
  if (bytes > room) {
    throw new BoardError(`frames image needs ${bytes} bytes, the runner has ${room} for it: run fewer windows`);
  }
  const image = new Uint8Array(bytes);
  const view = new DataView(image.buffer);
  const flags = (options.noCache ? RUNNER.FLAG_NO_CACHE : 0) | (options.quiet ? RUNNER.FLAG_QUIET : 0);
  view.setUint32(RUNNER.FRAMES_MAGIC_AT, RUNNER.FRAMES_MAGIC, true);
  view.setUint32(RUNNER.FRAMES_VERSION_AT, RUNNER.VERSION, true);
  view.setUint32(RUNNER.FRAMES_COUNT_AT, frames.length / frameSize, true);
  view.setUint32(RUNNER.FRAMES_VALUES_AT, frameSize, true);
  view.setUint32(RUNNER.FRAMES_FLAGS_AT, flags, true);
  view.setUint32(RUNNER.FRAMES_RAM_BYTES_AT, options.ramBytes ?? 0, true);
  frames.forEach((value, i) => {
    view.setInt16(RUNNER.FRAMES_HEADER_BYTES + 2 * i, value, true);
  });
  return image;
}

/** Frames that fit the runner's flash at once. */
export function framesThatFit(frameSize: number): number {
  return Math.floor((RUNNER.FRAMES_BYTES - RUNNER.FRAMES_HEADER_BYTES) / (2 * frameSize));
}
