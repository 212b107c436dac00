import { makeJob, type Work } from "./job-files.js";
import type { Runtime } from "./runtimes.js";

/** Windows whose outputs or states are not equal, bit for bit; every window has as many integers. */
function differingWindows(expected: Int32Array, got: Int32Array, windows: number): number {
  if (expected.length !== got.length) return windows;
  const each = expected.length / windows;
  let differing = 0;
  for (let i = 0; i < windows; i++) {
    const end = (i + 1) * each;
    for (let at = i * each; at < end; at++) {
      if (expected[at] === got[at]) continue;
      differing++;
      break;
    }
  }
  return differing;
}

/** Compares runtimes with Node: rows of all windows (SIMD; scalar of every so many) and the state in the middle of each. */
export class RuntimeCheck {
  private readonly expected = new Map<string, Int32Array>();

  constructor(
    private readonly node: Runtime,
    private readonly scalarStride: number,
  ) {}

  /** What Node gives: SIMD for all windows, scalar for every so many. */
  private async expectedOf(work: Work, kind: "simd" | "scalar"): Promise<Int32Array> {
    const key = `${work.name}/${kind}`;
    let result = this.expected.get(key);
    if (result === undefined) {
      result = await this.node.run(this.job(work, kind).job);
      this.expected.set(key, result);
    }
    return result;
  }

  private job(work: Work, kind: "simd" | "scalar") {
    return makeJob(work, "check", kind, kind === "simd" ? 1 : this.scalarStride);
  }

  /** Node itself is compared between its two builds, on every so many windows. */
  async compare(runtime: Runtime, work: Work): Promise<{ readonly differing: number; readonly compared: number }> {
    if (runtime === this.node) {
      const { job, windows } = makeJob(work, "check", "simd", this.scalarStride);
      const expected = await this.expectedOf(work, "scalar");
      return { differing: differingWindows(expected, await runtime.run(job), windows), compared: windows };
    }
    let differing = 0;
    let compared = 0;
    for (const kind of ["simd", "scalar"] as const) {
      const { job, windows } = this.job(work, kind);
      differing += differingWindows(await this.expectedOf(work, kind), await runtime.run(job), windows);
      compared += windows;
    }
    return { differing, compared };
  }
}
