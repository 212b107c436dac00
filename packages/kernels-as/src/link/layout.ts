import type { LinkFacts } from "./facts.js";

export const SAVED_HEADER_BYTES = 48;
const pad16 = (bytes: number): number => Math.ceil(bytes / 16) * 16;

/**
 * Addresses in the memory of a self-contained module:
 * ```
 * | tables | model | zero ranges | frames | output | 48 | arena: state, scratch |
 *                                                  ^ saved state: 48 bytes, then the state where it is
 * ```
 */
export interface Layout {
  /** Where byte 0 of the file would be: parts of it that no step reads are left out. */
  readonly model: number;
  readonly zeroRanges: number;
  readonly frame: number;
  /** Frames that the buffer holds. */
  readonly frames: number;
  readonly output: number;
  readonly outputRows: number;
  readonly saved: number;
  readonly savedBytes: number;
  readonly arena: number;
  /** First byte behind all, a multiple of 16. */
  readonly end: number;
  /** Bytes of constants, from 0 to the last. */
  readonly staticBytes: number;
}

/** @param skipped bytes at the beginning of the file that are left out, a multiple of 16 */
export function layOut(
  facts: LinkFacts,
  staticEnd: number,
  skipped: number,
  modelEnd: number,
  zeroRangeBytes: number,
  frames: number,
): Layout {
  const first = pad16(staticEnd);
  const model = first - skipped;
  const zeroRanges = pad16(model + modelEnd);
  const frame = pad16(zeroRanges + zeroRangeBytes);
  const output = pad16(frame + 2 * facts.frameSize * frames);
  const outputRows = facts.maxRows(frames);
  const saved = pad16(output + outputRows * facts.outputSize * facts.outputBytesEach);
  const arena = saved + SAVED_HEADER_BYTES;
  return {
    model,
    zeroRanges,
    frame,
    frames,
    output,
    outputRows,
    saved,
    savedBytes: SAVED_HEADER_BYTES + facts.stateBytes,
    arena,
    end: pad16(arena + facts.arenaBytes),
    staticBytes: frame,
  };
}
