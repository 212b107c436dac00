/**
 * `npm run bench [-- section ...] [--write] [--json file]`: prints every figure of the project with its goal and the change against
 * the committed baseline. Sections: importer, accuracy, sizes, engines, speed, convert, peers,
 * cold, runtimes, training. Peers need `npm ci --prefix bench`, runtimes `npm run extras`, and both say what they leave out; bench/report.ts makes docs/BENCHMARKS.md of the file.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { missing } from "../test/support/requirements.js";
import { accuracyFigures } from "./src/accuracy.js";
import { coldFigures } from "./src/cold.js";
import { conversionFigures } from "./src/conversion.js";
import { engineFigures } from "./src/engines.js";
import { type Figure, isReached, printSection, readBaseline, writeBaseline } from "./src/figures.js";
import { importerFigures } from "./src/importer.js";
import { peerFigures } from "./src/peers.js";
import { runtimeFigures } from "./src/runtimes.js";
import { sizeFigures } from "./src/sizes.js";
import { speedFigures } from "./src/speed.js";
import { trainingFigures } from "./src/training.js";

const SECTIONS: Record<string, () => Promise<Figure[]>> = {
  convert: conversionFigures,
  sizes: sizeFigures,
  speed: speedFigures,
  accuracy: async () => [...(await accuracyFigures(8)), ...(await accuracyFigures(4))],
  engines: engineFigures,
  importer: importerFigures,
  peers: peerFigures,
  cold: coldFigures,
  runtimes: runtimeFigures,
  training: trainingFigures,
};
const BASELINE = fileURLToPath(new URL("baseline.json", import.meta.url));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: "boolean" }, json: { type: "string" } },
});
const unknown = positionals.find((name) => !(name in SECTIONS));
if (unknown !== undefined) throw new RangeError(`no section ${unknown}; there are ${Object.keys(SECTIONS).join(", ")}`);
if (missing("shared")) process.exit(0);

const machine = `node ${process.version}, ${cpus()[0].model.trim()}, ${cpus().length} cores`;
console.log(`measured on: ${machine}`);
const commit = spawnSync("git", ["rev-parse", "--short=10", "HEAD"], { encoding: "utf8" }).stdout?.trim() || "unknown";
const baseline = readBaseline(BASELINE);
const all: Figure[] = [];
for (const name of positionals.length > 0 ? positionals : Object.keys(SECTIONS)) {
  const figures = await SECTIONS[name]();
  all.push(...figures);
  printSection(name, figures, baseline);
  // after every section: a run that is stopped keeps what it has measured
  const load = `load average ${loadavg()[1].toFixed(1)} (shared where it is above 1)`;
  if (values.json)
    writeFileSync(
      values.json,
      `${JSON.stringify({ machine: `${machine}, ${load}`, commit, figures: all }, null, 2)}\n`,
    );
}
if (values.write) writeBaseline(BASELINE, baseline, all);
const short = all.filter((figure) => isReached(figure) === false);
console.log(short.length === 0 ? "\nevery goal is reached" : `\nnot reached: ${short.map(({ id }) => id).join(", ")}`);
