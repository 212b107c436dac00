/**
 * `npm run conformance [-- --windows 200|all] [--models a,b] [--bits 8,4] [--engines a,b] [--scalar-stride 1]`: engines x models. The
 * same frames go into every engine; output rows and saved states must be the same bytes. Exit code 1 where one differs.
 * `--engines` takes names or parts of names, as the table's head has them. wizer's wasmtime stands in where Python has none.
 * `WAMR_IWASM=path` and `WASM3=path` add engines of one's own.
 */
import { parseArgs } from "node:util";
import { missing } from "../support/requirements.js";
import { sharedModel, sharedModelNames } from "../support/shared-models.js";
import { agreesWithReference, type CheckedModel, checkedModel } from "./check.js";
import { type Answer, ENGINES } from "./engines.js";
import { RECORDER_ENGINE_NAMES, recorderEngines } from "./recorder-engines.js";
import { RuntimeCheck } from "./runtime-check.js";
import { RUNTIME_NAMES, type Runtime, removeHosts, startRuntimes } from "./runtimes.js";
import { WIZER_ENGINES } from "./wizer.js";

const { values } = parseArgs({
  options: {
    windows: { type: "string", default: "200" },
    models: { type: "string" },
    bits: { type: "string", default: "8,4" },
    engines: { type: "string" },
    "scalar-stride": { type: "string", default: "1" },
  },
});
if (missing("shared")) process.exit(0);
const windows = values.windows === "all" ? Number.POSITIVE_INFINITY : Number(values.windows);
const names = values.models?.split(",") ?? sharedModelNames();
const scalarStride = Number(values["scalar-stride"]);

const wanted = values.engines?.split(",");
const isWanted = (engine: string): boolean => wanted?.some((part) => engine.includes(part)) ?? true;
const known = [...Object.keys(ENGINES), ...RUNTIME_NAMES, ...RECORDER_ENGINE_NAMES];
for (const part of wanted ?? []) {
  if (known.some((name) => name.includes(part))) continue;
  console.error(`no engine has ${part} in its name; there are: ${known.join(", ")}`);
  process.exit(2);
}
const [judge, ...others] = Object.entries(ENGINES);
const engines = [judge, ...others.filter(([name]) => isWanted(name))];
const runtimeNames = RUNTIME_NAMES.filter(isWanted);
const wizerIsWanted = Object.keys(WIZER_ENGINES).some(isWanted) && (wanted !== undefined || missing("wasmtime"));
const recorders = recorderEngines(wizerIsWanted).filter(({ name }) => isWanted(name));
let differences = 0;
const cell = (equal: boolean | undefined, width: number): string => {
  if (equal === false) differences++;
  return (equal === undefined ? "-" : equal ? "equal" : "DIFFERS").padEnd(width);
};

async function checkModel(test: CheckedModel, runtimes: readonly Runtime[]): Promise<string> {
  const cells = [cell(await agreesWithReference(test), "reference".length)];
  let first: Answer | undefined;
  for (const [engine, run] of engines) {
    const answer = await run(test);
    first ??= answer;
    cells.push(cell(answer && JSON.stringify(answer) === JSON.stringify(first), engine.length));
  }
  const check = new RuntimeCheck(runtimes[0], scalarStride);
  for (const runtime of runtimes) {
    const { differing } = await check.compare(runtime, test.work);
    cells.push(cell(differing === 0, columnOf(runtime).length));
  }
  for (const engine of recorders) cells.push(cell(await engine.agrees(test), engine.name.length));
  return [test.work.name.padEnd(16), String(first?.rows).padStart(7), ...cells].join("  ");
}

const columnOf = ({ name, version }: Runtime): string => `${name} ${version}`;

async function main(): Promise<void> {
  const runtimes: Runtime[] = [];
  try {
    for await (const runtime of startRuntimes(runtimeNames)) runtimes.push(runtime);
    const columns = [...engines.map(([name]) => name), ...runtimes.map(columnOf), ...recorders.map(({ name }) => name)];
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
