import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { runJob } from "../hosts/job.js";
import { BENCH_FOLDER, benchPackage, benchVersion, importBench, PYTHON, pythonPackage } from "./optional.js";

/** A JavaScript or WebAssembly runtime outside this process that runs jobs (hosts/job.ts). */
export interface Runtime {
  readonly name: string;
  readonly version: string;
  run(job: Uint8Array<ArrayBuffer>): Promise<Int32Array>;
  stop(): Promise<void>;
}

type Process = ChildProcessByStdio<Writable, Readable, null>;
const DIST = fileURLToPath(new URL("../../packages/kernels-as/dist/", import.meta.url));

/** Folder with the bundled hosts and the kernels' modules; removed by `stopHosts`. */
let folder: string | undefined;

export async function prepareHosts(): Promise<string> {
  if (folder !== undefined) return folder;
  folder = mkdtempSync(join(tmpdir(), "gatelet-bench-"));
  const names = ["deno", "bun", "workerd", "page"];
  await build({
    entryPoints: names.map((name) => join(BENCH_FOLDER, "hosts", `${name}.ts`)),
    outdir: folder,
    bundle: true,
    format: "esm",
    target: "es2022",
    external: ["*.wasm"],
    logLevel: "warning",
  });
  for (const name of ["simd", "scalar"]) copyFileSync(join(DIST, `${name}.wasm`), join(folder, `${name}.wasm`));
  return folder;
}

export function removeHosts(): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  folder = undefined;
}

function start(command: string, args: readonly string[]): Process {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, NO_COLOR: "1" } });
  child.on("error", (error) => console.warn(`${command}: ${error.message}`));
  return child;
}

async function end(child: Process): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

const toInt32 = (bytes: ArrayBuffer): Int32Array => new Int32Array(bytes);

/** A runtime that serves jobs over HTTP on the loopback interface. */
function overHttp(name: string, version: string, child: Process, port: number): Runtime {
  const address = `http://127.0.0.1:${port}/`;
  return {
    name,
    version,
    async run(job) {
      const response = await fetch(address, { method: "POST", body: job });
      if (!response.ok) throw new Error(`${name} answered ${response.status}: ${await response.text()}`);
      return toInt32(await response.arrayBuffer());
    },
    stop: () => end(child),
  };
}

/** The port that a host prints as its first line. */
async function printedPort(child: Process, name: string): Promise<number> {
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    const port = /port (\d+)/.exec(String(chunk))?.[1];
    if (port !== undefined) return Number(port);
  }
  throw new Error(`${name} ended without a port`);
}

async function startDeno(): Promise<Runtime | undefined> {
  const root = benchPackage("@deno/linux-x64-glibc");
  if (root === undefined) return undefined;
  const hosts = await prepareHosts();
  const args = ["run", "--no-lock", "--no-remote", "--allow-net=127.0.0.1", `--allow-read=${hosts}`];
  const child = start(join(root, "deno"), [...args, join(hosts, "deno.js"), hosts]);
  return overHttp("deno", benchVersion("@deno/linux-x64-glibc"), child, await printedPort(child, "deno"));
}

async function startBun(): Promise<Runtime | undefined> {
  const root = benchPackage("@oven/bun-linux-x64-baseline");
  if (root === undefined) return undefined;
  const hosts = await prepareHosts();
  const child = start(join(root, "bin/bun"), [join(hosts, "bun.js"), hosts]);
  return overHttp("bun", benchVersion("@oven/bun-linux-x64-baseline"), child, await printedPort(child, "bun"));
}

async function freePort(): Promise<number> {
  const socket = createSocket().listen(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address() as AddressInfo;
  socket.close();
  await once(socket, "close");
  return port;
}

const workerdConfig = (port: number): string => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .gatelet)],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]
);
const gatelet :Workerd.Worker = (
  modules = [
    (name = "workerd.js", esModule = embed "workerd.js"),
    (name = "scalar.wasm", wasm = embed "scalar.wasm"),
    (name = "simd.wasm", wasm = embed "simd.wasm")
  ],
  compatibilityDate = "2026-01-01"
);
`;

async function answering(address: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const ready = await fetch(address).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) return;
    await new Promise((done) => setTimeout(done, 25));
  }
  throw new Error("workerd does not answer after 5 s");
}

export async function startWorkerd(): Promise<Runtime | undefined> {
  const root = benchPackage("@cloudflare/workerd-linux-64");
  if (root === undefined) return undefined;
  const hosts = await prepareHosts();
  const port = await freePort();
  const config = join(hosts, `workerd-${port}.capnp`);
  writeFileSync(config, workerdConfig(port));
  const child = start(join(root, "bin/workerd"), ["serve", config]);
  await answering(`http://127.0.0.1:${port}/`);
  return overHttp("workerd", benchVersion("@cloudflare/workerd-linux-64"), child, port);
}

async function startWasmtime(): Promise<Runtime | undefined> {
  const version = pythonPackage("wasmtime");
  if (version === undefined) return undefined;
  const hosts = await prepareHosts();
  const child = start(PYTHON, [join(BENCH_FOLDER, "hosts/wasmtime_host.py"), hosts]);
  let pending = Buffer.alloc(0);
  let finish: ((bytes: Buffer) => void) | undefined;
  let fail: ((error: Error) => void) | undefined;
  child.stdout.on("data", (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    if (pending.length < 4 || pending.length < 4 + pending.readUInt32LE(0)) return;
    const result = pending.subarray(4, 4 + pending.readUInt32LE(0));
    pending = Buffer.alloc(0);
    finish?.(result);
  });
  child.on("exit", (code) => fail?.(new Error(`wasmtime host ended with ${code}`)));
  return {
    name: "wasmtime",
    version,
    async run(job) {
      const result = new Promise<Buffer>((resolve, reject) => {
        finish = resolve;
        fail = reject;
      });
      const prefix = Buffer.alloc(4);
      prefix.writeUInt32LE(job.length);
      child.stdin.write(prefix);
      child.stdin.write(job);
      return toInt32(Uint8Array.from(await result).buffer);
    },
    stop: () => end(child),
  };
}

interface Browser {
  version(): string;
  newPage(): Promise<{ goto(address: string): Promise<unknown>; evaluate(code: string): Promise<unknown> }>;
  close(): Promise<void>;
}
interface Playwright {
  chromium: { launch(options: object): Promise<Browser> };
}
interface PackagedChromium {
  default: { args: string[]; executablePath(): Promise<string> };
}

async function startChromium(): Promise<Runtime | undefined> {
  // the packaged browser brings the libraries it needs only where it believes to be in such a host
  process.env["AWS_LAMBDA_JS_RUNTIME"] ??= "nodejs22.x";
  const playwright = await importBench<Playwright>("playwright-core");
  const packaged = await importBench<PackagedChromium>("@sparticuz/chromium");
  if (playwright === undefined || packaged === undefined) return undefined;
  const hosts = await prepareHosts();
  const { args, executablePath } = packaged.exports.default;
  const browser = await playwright.exports.chromium.launch({
    executablePath: await executablePath.call(packaged.exports.default),
    args,
  });
  let job: Uint8Array | undefined;
  let result: ArrayBuffer | undefined;
  const server = createServer(async (request, response) => {
    if (request.method === "POST") {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      result = Uint8Array.from(Buffer.concat(chunks)).buffer;
      response.end();
    } else if (request.url === "/job") response.end(job);
    else if (request.url === "/") {
      response.setHeader("content-type", "text/html");
      response.end('<!doctype html><script type="module" src="/page.js"></script>');
    } else if (/^\/(page\.js|simd\.wasm|scalar\.wasm)$/.test(request.url ?? "")) {
      if (request.url === "/page.js") response.setHeader("content-type", "text/javascript");
      response.end(readFileSync(join(hosts, request.url!.slice(1))));
    } else response.writeHead(404).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return {
    name: "chromium",
    version: browser.version(),
    async run(next) {
      job = next;
      result = undefined;
      await page.evaluate("gateletJob()");
      if (result === undefined) throw new Error("chromium returned no result");
      return toInt32(result);
    },
    async stop() {
      await browser.close();
      server.close();
      server.closeAllConnections();
    },
  };
}

async function startNode(): Promise<Runtime> {
  const compile = (name: string) => WebAssembly.compile(readFileSync(join(DIST, `${name}.wasm`)));
  const modules = { simd: await compile("simd"), scalar: await compile("scalar") };
  return {
    name: "node",
    version: process.versions.node,
    run: (job) => runJob(job.buffer, modules),
    stop: async () => {},
  };
}

/** All runtimes that are here, Node first; those that are missing are named aloud. */
export async function* startRuntimes(): AsyncGenerator<Runtime> {
  for (const begin of [startNode, startDeno, startBun, startWorkerd, startWasmtime, startChromium]) {
    const runtime = await begin();
    if (runtime !== undefined) yield runtime;
  }
}
