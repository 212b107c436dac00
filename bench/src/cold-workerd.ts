import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeJob, type Work } from "../../test/conformance/job-files.js";
import { type Runtime, serveWorkerd, startWorkerd } from "../../test/conformance/runtimes.js";
import { writeEsmPackage } from "./cold-esm.js";
import { COLD_GOAL_MS, COLD_STARTS, coldFigure, sizeOf } from "./cold-figure.js";
import { type Figure, median } from "./figures.js";

/** First requests of fresh workers: ms each, and CPU ms of workerd meanwhile. */
interface Requests {
  readonly ms: number[];
  readonly cpuMs: number[];
}

/** CPU time of all threads of a process (Linux, as workerd's package). */
function cpuMs(pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = tasks.map((task) =>
    Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]),
  );
  return nanoseconds.reduce((sum, ns) => sum + ns, 0) / 1e6;
}

async function firstRequest(runtime: Runtime, body: Uint8Array<ArrayBuffer>, to: Requests): Promise<void> {
  const cpuBefore = cpuMs(runtime.pid!);
  const start = performance.now();
  await runtime.run(body);
  to.ms.push(performance.now() - start);
  to.cpuMs.push(cpuMs(runtime.pid!) - cpuBefore);
}

interface WorkerdStarts {
  readonly work: Requests;
  readonly control: Requests;
}

/** First requests with a body, each to a fresh workerd whose connection is open: one with work and a control in turn. */
async function workerdStarts(
  begin: () => Promise<Runtime | undefined>,
  work: Uint8Array<ArrayBuffer>,
  control: Uint8Array<ArrayBuffer>,
): Promise<WorkerdStarts | undefined> {
  const starts: WorkerdStarts = { work: { ms: [], cpuMs: [] }, control: { ms: [], cpuMs: [] } };
  for (let i = 0; i < COLD_STARTS; i++)
    for (const [requests, body] of [[starts.work, work] as const, [starts.control, control] as const]) {
      const runtime = await begin();
      if (runtime === undefined) return undefined;
      await firstRequest(runtime, body, requests);
      await runtime.stop();
    }
  return starts;
}

const cpuText = ({ cpuMs }: Requests): string => `CPU time of workerd ${median(cpuMs).toFixed(1)} ms`;

function figuresOf(id: string, text: string, starts: WorkerdStarts | undefined): Figure[] {
  if (starts === undefined) return [];
  const { work, control } = starts;
  const alone = `with the HTTP request, which alone takes ${median(control.ms).toFixed(1)} ms`;
  return [
    coldFigure(id, `${text}, bytes to first answer`, work.ms, `${alone}; ${cpuText(work)}`, COLD_GOAL_MS),
    coldFigure(`${id}.control`, "control: as many bytes, answered without a model", control.ms, cpuText(control)),
  ];
}

/** The .gate file comes with the request, the kernels are imported. */
async function gateInWorkerd(work: Work): Promise<Figure[]> {
  const [job, echo] = (["time", "echo"] as const).map((mode) => makeJob(work, mode, "simd", 1, 1).job);
  const text = `Gatelet in a fresh workerd: ${work.name}.gate of ${sizeOf(work.file)} in the request`;
  return figuresOf(`workerd.${work.name}`, text, await workerdStarts(startWorkerd, job, echo));
}

/** A worker around the package of `--target esm`: frames to rows; an odd number of bytes is answered without a model. */
const ESM_WORKER = `import { load } from "index.js";
import wasm from "model.wasm";
export default {
  async fetch(request) {
    const body = await request.arrayBuffer();
    if (body.byteLength % 2 === 1 || body.byteLength === 0) return new Response(new Int32Array(1));
    return new Response((await load(wasm)).run(new Int16Array(body)));
  },
};
`;

/** What is deployed: the self-contained module is imported, frames come with the request. */
async function esmInWorkerd(work: Work, folder: string): Promise<Figure[]> {
  const home = await writeEsmPackage(work, folder);
  writeFileSync(join(home, "worker.js"), ESM_WORKER);
  const begin = () => serveWorkerd(home, ["worker.js", "index.js", "model.wasm"]);
  const frames = Int16Array.from(work.frames.subarray(0, work.windowValues));
  const bytes = new Uint8Array(frames.buffer);
  const text = `package of --target esm in a fresh workerd: ${work.name} of ${sizeOf(work.file)}`;
  return figuresOf(`workerd-esm.${work.name}`, text, await workerdStarts(begin, bytes, bytes.slice(1)));
}

/** First answers of both ways into workerd: a model that comes with the request, and one that was deployed. */
export const workerdFigures = async (work: Work, folder: string): Promise<Figure[]> => [
  ...(await gateInWorkerd(work)),
  ...(await esmInWorkerd(work, folder)),
];
