import type { Profiler } from "./profiler.js";

type Paths = ReturnType<Profiler["paths"]>;

/** Collapsed stacks ("main;step;matvec 1234" a line), what flame-graph scripts read. Unit: cycles. */
export function toCollapsedStacks(paths: Paths): string {
  return `${paths.map(({ path, cycles }) => `${path.join(";")} ${Math.round(cycles)}`).join("\n")}\n`;
}

/** A speedscope file (https://www.speedscope.app/file-format-schema.json), one sampled profile in cycles. */
export function toSpeedscope(paths: Paths, name: string): string {
  const frames: { name: string }[] = [];
  const index = new Map<string, number>();
  const frameOf = (frame: string) => {
    let at = index.get(frame);
    if (at === undefined) {
      at = frames.push({ name: frame }) - 1;
      index.set(frame, at);
    }
    return at;
  };
  const samples = paths.map(({ path }) => path.map(frameOf));
  const weights = paths.map(({ cycles }) => cycles);
  const endValue = weights.reduce((sum, weight) => sum + weight, 0);
  return JSON.stringify({
    $schema: "https://www.speedscope.app/file-format-schema.json",
    name,
    shared: { frames },
    profiles: [
      { type: "sampled", name: `${name}, simulated cycles`, unit: "none", startValue: 0, endValue, samples, weights },
    ],
    exporter: "gatelet",
  });
}
