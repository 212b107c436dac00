import { STATIC_BYTES } from "./engine.js";
import { KernelError } from "./errors.js";

/** Bytes of a guard between regions, filled with GUARD_WORD. */
export const GUARD_BYTES = 16;
export const GUARD_WORD = 0xa5c3_5a3c;

const pad16 = (n: number): number => Math.ceil(n / 16) * 16;

/** Sizes that decide how memory is laid out. */
export interface MemoryNeeds {
  readonly modelBytes: number;
  readonly arenaBytes: number;
  /** Bytes for frames, output rows and saved states. */
  readonly bufferBytes: number;
}

/**
 * ```
 * 0        STATIC_BYTES
 * | tables | guard | model | guard | buffer | guard | arena 0 | guard | arena 1 | guard ...
 * ```
 */
export interface MemoryLayout {
  readonly model: number;
  readonly buffer: number;
  readonly bufferBytes: number;
  readonly arenas: readonly number[];
  readonly guards: readonly number[];
  readonly bytes: number;
}

/** Bytes of a layout with so many streams. */
export function layoutBytes(needs: MemoryNeeds, streams: number): number {
  const fixed = pad16(needs.modelBytes) + pad16(needs.bufferBytes) + 3 * GUARD_BYTES;
  return STATIC_BYTES + fixed + streams * (pad16(needs.arenaBytes) + GUARD_BYTES);
}

export function layOut(needs: MemoryNeeds, streams: number): MemoryLayout {
  const guards: number[] = [];
  let free = STATIC_BYTES;
  const take = (bytes: number): number => {
    const at = free;
    free += pad16(bytes);
    guards.push(free);
    free += GUARD_BYTES;
    return at;
  };
  take(0);
  const model = take(needs.modelBytes);
  const buffer = take(needs.bufferBytes);
  const arenas = Array.from({ length: streams }, () => take(needs.arenaBytes));
  return { model, buffer, bufferBytes: pad16(needs.bufferBytes), arenas, guards, bytes: free };
}

/** Streams that a model gets where nobody says how many. */
const DEFAULT_STREAMS = 16;
const DEFAULT_STREAM_BYTES = 1 << 20;
/** Largest memory that is asked for where nobody says a limit. */
const DEFAULT_LIMIT_BYTES = 1 << 28;

/**
 * Number of streams: as asked, or up to 16 within 1 MiB of arenas and the limit, at least one.
 * @throws KernelError OUT_OF_BUDGET with the numbers
 */
export function planStreams(needs: MemoryNeeds, streams: number | undefined, limitBytes = DEFAULT_LIMIT_BYTES): number {
  const fits = (n: number) => layoutBytes(needs, n) <= limitBytes;
  let count = streams ?? DEFAULT_STREAMS;
  if (streams === undefined) {
    while (count > 1 && (count * needs.arenaBytes > DEFAULT_STREAM_BYTES || !fits(count))) count--;
  }
  if (!fits(count)) {
    const detail = `static data ${STATIC_BYTES}, model ${needs.modelBytes}, buffers ${needs.bufferBytes}, ${count} x arena ${needs.arenaBytes}`;
    throw new KernelError(
      "OUT_OF_BUDGET",
      `model needs ${layoutBytes(needs, count)} bytes of memory (${detail}), limit is ${limitBytes}`,
    );
  }
  return count;
}
