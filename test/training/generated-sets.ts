import { join } from "node:path";
import { createRandom, UEA5_SETS } from "@gatelet/train";
import { type GeneratedSeries, writeSeriesFolder } from "../support/data-folders.js";

/** Channels, length of a series, classes and kind of each set of the study, as its folder has them; much smaller. */
const FORMS: Readonly<Record<string, { channels: number; length: number; classes: number; counts?: true }>> = {
  asphalt_obstacles: { channels: 1, length: 500, classes: 4 },
  basic_motions: { channels: 6, length: 100, classes: 4 },
  handwriting: { channels: 3, length: 152, classes: 5 },
  uwave_gesture: { channels: 3, length: 315, classes: 3 },
  motion_sense: { channels: 6, length: 640, classes: 3, counts: true },
};

/** The five sets of `study --preset uea5` as folders with the real names and forms: each class a wave of its own. */
export async function writeGeneratedSets(folder: string): Promise<void> {
  const random = createRandom(8);
  for (const set of UEA5_SETS) {
    const { channels, length, classes, counts } = FORMS[set];
    const series = Array.from({ length: counts ? 24 : 6 * classes }, (_, i): GeneratedSeries => {
      const label = i % classes;
      // Obstacles are passed at different speeds: shorter and longer than the window.
      const frames = set === "asphalt_obstacles" ? length + 40 * (i % 9) : length;
      const values = Array.from({ length: frames * channels }, (_, at) => {
        const t = Math.floor(at / channels);
        return 2 * Math.sin((t * (label + 1) * 8) / length + (at % channels)) + 0.3 * random.normal();
      });
      return counts
        ? { values, label, subject: `${i + 1}` }
        : { values, label, split: i < 3 * classes ? "train" : "test" };
    });
    const names = Array.from({ length: classes }, (_, id) => `class ${id}`);
    await writeSeriesFolder(join(folder, set), {
      channels,
      classes: names,
      series,
      ...(counts ? { scale: 0.0004 } : {}),
    });
  }
}
