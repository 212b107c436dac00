/** A stretch of the arena, in use from one record to another, both included. */
export interface ArenaBuffer {
  floats: number;
  from: number;
  to: number;
}

/**
 * Offsets for buffers so that none overlap while both are in use: the largest first, each at the lowest place that is free,
 * as TensorFlow Lite Micro's greedy planner does.
 */
export function planArena(buffers: readonly ArenaBuffer[]): { offsets: number[]; floats: number } {
  const offsets = new Array<number>(buffers.length).fill(0);
  const order = buffers.map((_, index) => index).sort((a, b) => buffers[b].floats - buffers[a].floats || a - b);
  const placed: number[] = [];
  let total = 0;
  for (const index of order) {
    const { floats, from, to } = buffers[index];
    const others = placed
      .filter((other) => buffers[other].from <= to && from <= buffers[other].to)
      .sort((a, b) => offsets[a] - offsets[b]);
    let at = 0;
    for (const other of others) {
      if (at + floats <= offsets[other]) break;
      at = Math.max(at, offsets[other] + buffers[other].floats);
    }
    offsets[index] = at;
    placed.push(index);
    total = Math.max(total, at + floats);
  }
  return { offsets, floats: total };
}
