/** A page in a browser: `gateletJob(address)` fetches a job, runs it and returns its result as numbers. */
import { type KernelModules, runJob } from "./job.js";

const compile = async (name: string) => WebAssembly.compile(await (await fetch(`/${name}.wasm`)).arrayBuffer());
let modules: Promise<KernelModules> | undefined;

async function gateletJob(): Promise<void> {
  modules ??= (async () => ({ simd: await compile("simd"), scalar: await compile("scalar") }))();
  const job = await (await fetch("/job")).arrayBuffer();
  const result = await runJob(job, await modules);
  await fetch("/result", { method: "POST", body: new Uint8Array(result.buffer as ArrayBuffer, 0, result.byteLength) });
}

Object.assign(globalThis, { gateletJob });
