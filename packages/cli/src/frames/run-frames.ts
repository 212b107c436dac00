import type { Decider, Decision } from "./decider.js";
import type { DecisionWriter } from "./decision-writer.js";
import type { FrameBatch } from "./frame-source.js";

/** Decisions gathered before they are written, so that a long chunk of frames costs few writes and little memory. */
const WRITE_EVERY = 256;

/**
 * Pushes frames through a model until the input ends or `stopped` says so, writing decisions as they fall.
 * @param count turns read values into the model's counts
 */
export async function runFrames(
  source: AsyncIterable<FrameBatch>,
  width: number,
  count: (values: FrameBatch) => Int16Array,
  decider: Decider,
  writer: DecisionWriter,
  stopped: () => boolean,
): Promise<void> {
  let fallen: Decision[] = [];
  for await (const batch of source) {
    const counts = count(batch);
    for (let at = 0; at < counts.length; at += width) {
      decider.push(counts.subarray(at, at + width), fallen);
      if (fallen.length < WRITE_EVERY) continue;
      await writer.write(fallen);
      fallen = [];
      if (stopped()) return;
    }
    await writer.write(fallen);
    fallen = [];
    if (stopped()) return;
  }
}
