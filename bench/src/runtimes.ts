import type { JobHeader } from "../../test/conformance/hosts/job.js";
import { makeJob, type Work } from "../../test/conformance/job-files.js";
import { RuntimeCheck } from "../../test/conformance/runtime-check.js";
import { type Runtime, removeHosts, startRuntimes } from "../../test/conformance/runtimes.js";
import { sharedModelNames } from "../../test/support/shared-models.js";
import { STUDY_NETS } from "./converted.js";
import { type Figure, median } from "./figures.js";
import { workOf } from "./job-files.js";

/** Every how many windows the scalar build runs too; SIMD runs all of them. */
const SCALAR_STRIDE = Number(process.env["GATELET_SCALAR_STRIDE"] ?? 20);
/** Smaller models take less time than the transport of their windows varies. */
const TIMED_MODELS: readonly string[] = STUDY_NETS;
const TIMED_ROUNDS = 5;
const TIMED_WINDOWS = 400;

type Engine = JobHeader["engine"];

/** ms a window: a job of many windows less the same job of one, so that loading and transport cancel. */
async function timeWindows(runtime: Runtime, work: Work, engine: Engine): Promise<number[]> {
  const many = makeJob(work, "time", engine, 1, TIMED_WINDOWS);
  const one = makeJob(work, "time", engine, 1, 1);
  const timed = async (job: Uint8Array<ArrayBuffer>): Promise<number> => {
    const start = performance.now();
    await runtime.run(job);
    return performance.now() - start;
  };
  await timed(many.job);
  const times: number[] = [];
  for (let round = 0; round < TIMED_ROUNDS; round++) {
    const base = await timed(one.job);
    times.push((await timed(many.job)) - base);
  }
  return times.map((time) => time / (many.windows - 1));
}

async function compareRuntime(runtime: Runtime, works: readonly Work[], check: RuntimeCheck): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const work of works) {
    const { differing, compared } = await check.compare(runtime, work);
    const what = runtime.name === "node" ? "SIMD against scalar" : "SIMD and scalar";
    figures.push({
      id: `runtimes.${runtime.name}.${work.name}`,
      text: `${runtime.name} ${runtime.version}: ${work.name}, ${what}, ${compared.toLocaleString("en-US")} windows`,
      value: differing,
      unit: "windows differ",
      kind: "exact",
      goal: { atMost: 0 },
    });
    if (!TIMED_MODELS.includes(work.name)) continue;
    const times = await timeWindows(runtime, work, "simd");
    figures.push({
      id: `runtimes.${runtime.name}.${work.name}.ms`,
      text: `${runtime.name} ${runtime.version}: ${work.name}, a window, SIMD`,
      value: median(times),
      unit: "ms",
      kind: "measured",
      spread: [Math.min(...times), Math.max(...times)],
      ...(runtime.name === "wasmtime" ? { note: "with the calls from Python" } : {}),
    });
  }
  return figures;
}

/**
 * The same .gate files and kernels in every runtime: outputs and mid-window states of all test windows (SIMD) and of every
 * 20th (scalar), compared with Node byte for byte, and the time of a window of the study's networks.
 */
export async function runtimeFigures(): Promise<Figure[]> {
  const names = process.env["GATELET_MODELS"]?.split(",") ?? sharedModelNames();
  const works: Work[] = [];
  for (const name of names) works.push(await workOf(name));
  const figures: Figure[] = [];
  let check: RuntimeCheck | undefined;
  try {
    for await (const runtime of startRuntimes()) {
      check ??= new RuntimeCheck(runtime, SCALAR_STRIDE);
      try {
        figures.push(...(await compareRuntime(runtime, works, check)));
      } finally {
        await runtime.stop();
      }
    }
  } finally {
    removeHosts();
  }
  return figures;
}
