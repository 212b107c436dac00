/**
 * `npm run conformance [-- --windows 200|all] [--models a,b] [--bits 8,4] [--scalar-stride 1]`: engines x models. The same frames
 * go into every engine; output rows and saved states must be the same bytes. Exit code 1 where one differs.
 * `WAMR_IWASM=path` and `WASM3=path` add engines of one's own (first frames only: interpreters are slow).
 */
import { parseArgs } from "node:util";
import { missing } from "../support/requirements.js";
import { sharedModel, sharedModelNames } from "../support/shared-models.js";
import { agreesWithReference, type CheckedModel, checkedModel } from "./check.js";
import { type Answer, ENGINES } from "./engines.js";
import { ownEngines } from "./own-engine.js";
import { RuntimeCheck } from "./runtime-check.js";
import { type Runtime, removeHosts, startRuntimes } from "./runtimes.js";

const { values } = parseArgs({
  options: {
    windows: { type: "string", default: "200" },
    models: { type: "string" },
    bits: { type: "string", default: "8,4" },
    "scalar-stride": { type: "string", default: "1" },
  },
});
if (missing("shared")) process.exit(0);
const windows = values.windows === "all" ? Number.POSITIVE_INFINITY : Number(values.windows);
const names = values.models?.split(",") ?? sharedModelNames();
const scalarStride = Number(values["scalar-stride"]);

const own = ownEngines();
let differences = 0;
const cell = (equal: boolean | undefined, width: number): string => {
  if (equal === false) differences++;
  return (equal === undefined ? "-" : equal ? "equal" : "DIFFERS").padEnd(width);
};

async function checkModel(test: CheckedModel, runtimes: readonly Runtime[]): Promise<string> {
  const cells = [cell(await agreesWithReference(test), "reference".length)];
  let first: Answer | undefined;
  for (const [engine, run] of Object.entries(ENGINES)) {
    const answer = await run(test);
    first ??= answer;
    cells.push(cell(answer && JSON.stringify(answer) === JSON.stringify(first), engine.length));
  }
  const check = new RuntimeCheck(runtimes[0], scalarStride);
  for (const runtime of runtimes) {
    const { differing } = await check.compare(runtime, test.work);
    cells.push(cell(differing === 0, columnOf(runtime).length));
  }
  for (const engine of own) cells.push(cell(await engine.agrees(test), engine.name.length));
  return [test.work.name.padEnd(16), String(first?.rows).padStart(7), ...cells].join("  ");
}

const columnOf = ({ name, version }: Runtime): string => `${name} ${version}`;

async function main(): Promise<void> {
  const runtimes: Runtime[] = [];
  try {
    for await (const runtime of startRuntimes()) runtimes.push(runtime);
    const columns = [...Object.keys(ENGINES), ...runtimes.map(columnOf), ...own.map(({ name }) => name)];
    console.log(["model".padEnd(16), "rows".padStart(7), "reference", ...columns].join("  "));
    for (const name of names) {
      for (const bits of values.bits.split(",").map((text) => (text === "4" ? 4 : 8))) {
        console.log(await checkModel(await checkedModel(sharedModel(name), bits, windows), runtimes));
      }
    }
  } finally {
    for (const runtime of runtimes) await runtime.stop();
    removeHosts();
  }
  console.log(differences === 0 ? "all engines give the same bytes" : `${differences} differences`);
  process.exitCode = differences === 0 ? 0 : 1;
}

await main();
