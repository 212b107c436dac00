/** A page in a browser: fetches jobs (hosts/job.ts) until there are none, and sends the result of each. */
import { runJob } from "./job.js";

const compile = async (name: string) => WebAssembly.compile(await (await fetch(`/${name}.wasm`)).arrayBuffer());
const modules = { simd: await compile("simd"), scalar: await compile("scalar") };

for (;;) {
  // the answer comes when there is a job
  const response = await fetch("/job");
  if (!response.ok) break;
  const result = await runJob(await response.arrayBuffer(), modules).catch((error: unknown) => String(error));
  const body = typeof result === "string" ? result : new Uint8Array(result.buffer as ArrayBuffer);
  await fetch(typeof result === "string" ? "/error" : "/result", { method: "POST", body });
}
