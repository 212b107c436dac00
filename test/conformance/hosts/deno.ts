/** Deno: `deno run ... deno.js FOLDER` prints its port, then serves jobs. */
import { handle } from "./job.js";

declare const Deno: {
  readonly args: readonly string[];
  readFile(path: string): Promise<Uint8Array<ArrayBuffer>>;
  serve(
    options: { port: number; hostname: string; onListen(address: { port: number }): void },
    handler: (request: Request) => Promise<Response>,
  ): void;
};

const compile = async (name: string) => WebAssembly.compile(await Deno.readFile(`${Deno.args[0]}/${name}.wasm`));
const modules = { simd: await compile("simd"), scalar: await compile("scalar") };
Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: ({ port }) => console.log(`port ${port}`) }, (request) =>
  handle(request, modules),
);
