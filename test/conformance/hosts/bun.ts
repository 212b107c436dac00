/** Bun: `bun bun.js FOLDER` prints its port, then serves jobs. */
import { handle } from "./job.js";

declare const Bun: {
  readonly argv: readonly string[];
  file(path: string): { arrayBuffer(): Promise<ArrayBuffer> };
  serve(options: {
    port: number;
    hostname: string;
    maxRequestBodySize: number;
    idleTimeout: number;
    fetch(request: Request): Promise<Response>;
  }): { readonly port: number };
};

const compile = async (name: string) =>
  WebAssembly.compile(await Bun.file(`${Bun.argv[2]}/${name}.wasm`).arrayBuffer());
const modules = { simd: await compile("simd"), scalar: await compile("scalar") };
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  maxRequestBodySize: 1 << 28,
  idleTimeout: 255,
  fetch: (request) => handle(request, modules),
});
console.log(`port ${server.port}`);
