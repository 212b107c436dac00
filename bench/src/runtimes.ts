import { sharedModelNames } from "../../test/support/shared-models.js";
import type { JobHeader } from "../hosts/job.js";
import { STUDY_NETS } from "./converted.js";
import { type Figure, median } from "./figures.js";
import { makeJob, type Work, workOf } from "./job-files.js";
import { type Runtime, removeHosts, startRuntimes } from "./runtime-hosts.js";

/** Every how many windows the scalar build runs too; SIMD runs all of them. */
const SCALAR_STRIDE = Number(process.env["GATELET_SCALAR_STRIDE"] ?? 20);
/** Smaller models take less time than the transport of their windows varies. */
const TIMED_MODELS: readonly string[] = STUDY_NETS;
const TIMED_ROUNDS = 5;
const TIMED_WINDOWS = 400;

type Engine = JobHeader["engine"];

/** Windows whose outputs or states are not equal, bit for bit; every window has as many integers. */
function differingWindows(expected: Int32Array, got: Int32Array, windows: number): number {
  if (expected.length !== got.length) return windows;
  const each = expected.length / windows;
  let differing = 0;
  for (let i = 0; i < windows; i++) {
    if (expected.subarray(i * each, (i + 1) * each).join() !== got.subarray(i * each, (i + 1) * each).join())
      differing++;
  }
  return differing;
}

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

/** Expected results in Node by model: SIMD on all windows (stride 1), scalar on every so many. */
class Expectation {
  private readonly kept = new Map<string, Int32Array>();

  constructor(private readonly node: Runtime) {}

  async of(work: Work, stride: number): Promise<Int32Array> {
    const key = `${work.name}/${stride}`;
    let result = this.kept.get(key);
    if (result === undefined) {
      // the section `engines` shows that scalar and SIMD agree on all windows
      const engine = stride === 1 ? "simd" : "scalar";
      result = await this.node.run(makeJob(work, "check", engine, stride).job);
      this.kept.set(key, result);
    }
    return result;
  }
}

/** Node is what the others are compared with; in it the two builds are compared with each other. */
async function compareModel(runtime: Runtime, work: Work, expected: Expectation) {
  if (runtime.name === "node") {
    const { job, windows } = makeJob(work, "check", "simd", SCALAR_STRIDE);
    const differing = differingWindows(await expected.of(work, SCALAR_STRIDE), await runtime.run(job), windows);
    return { differing, compared: windows, what: "SIMD against scalar" };
  }
  let differing = 0;
  let compared = 0;
  for (const [engine, stride] of [
    ["simd", 1],
    ["scalar", SCALAR_STRIDE],
  ] as const) {
    const { job, windows } = makeJob(work, "check", engine, stride);
    differing += differingWindows(await expected.of(work, stride), await runtime.run(job), windows);
    compared += windows;
  }
  return { differing, compared, what: "SIMD and scalar" };
}

async function compareRuntime(runtime: Runtime, works: readonly Work[], expected: Expectation): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const work of works) {
    const { differing, compared, what } = await compareModel(runtime, work, expected);
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
  let expected: Expectation | undefined;
  try {
    for await (const runtime of startRuntimes()) {
      expected ??= new Expectation(runtime);
      try {
        figures.push(...(await compareRuntime(runtime, works, expected)));
      } finally {
        await runtime.stop();
      }
    }
  } finally {
    removeHosts();
  }
  return figures;
}
