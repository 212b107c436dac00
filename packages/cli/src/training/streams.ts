import { join } from "node:path";
import { evaluateStream, type PlacedJob, prepareSamples, readModelMeta, type StreamFigures } from "@gatelet/train";
import type { Terminal } from "../terminal.js";
import { percent } from "../text/numbers.js";
import { renderTable } from "../text/table.js";
import { writeFileWhole } from "../write-file.js";
import { loadInteger } from "./engines.js";

/** Converts what was trained into `stream.gate` and scores it in the integer engine on the test recordings. */
export async function scoreStreams(placed: readonly PlacedJob[]): Promise<StreamFigures[]> {
  const figures: StreamFigures[] = [];
  for (const { job, folder } of placed) {
    const model = join(folder, "best");
    const { streams } = await prepareSamples(job);
    if (streams === undefined) throw new TypeError(`${folder} holds no stream training`);
    const { inputScale, mean, std } = await readModelMeta(model);
    const { rejection } = job.stream ?? {};
    const input = { name: streams.test.name, model, ...streams, inputScale, normalization: { mean, std } };
    const scored = await evaluateStream(
      { ...input, bits: 8, ...(rejection === undefined ? {} : { rejection }) },
      loadInteger,
    );
    await writeFileWhole(join(folder, "stream.gate"), scored.gate);
    figures.push(scored.figures);
  }
  return figures;
}

/** A line for each run: float and integer scores over all frames. */
export function renderStreams(
  terminal: Terminal,
  runs: readonly { readonly name: string; readonly folder: string; readonly stream: StreamFigures }[],
): string {
  const right = (head: string) => ({ head, align: "right" as const });
  return renderTable(
    [{ head: "stream", cutTo: 10 }, ...["frames", "float", "int8", "F1", "agree", "bytes", "RAM"].map(right)],
    runs.map(({ name, folder, stream }) => [
      name === "" ? folder : name,
      `${stream.frames}`,
      percent(stream.floatAccuracy),
      percent(stream.accuracy),
      percent(stream.macroF1),
      percent(stream.agreement),
      `${stream.gateBytes}`,
      `${stream.ramBytes}`,
    ]),
    terminal.width,
    terminal.style,
  );
}
