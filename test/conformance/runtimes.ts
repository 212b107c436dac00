import { type ChildProcessByStdio, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { engineBytes } from "@gatelet/kernels";
import { build } from "esbuild";
import { extrasPackage, missing, type Requirement } from "../support/requirements.js";
import { killChromium, spawnChromium } from "./chromium.js";
import { runJob } from "./hosts/job.js";
import { Loopback } from "./loopback.js";

/** A JavaScript or WebAssembly runtime outside this process that runs jobs (hosts/job.ts). */
export interface Runtime {
  readonly name: string;
  readonly version: string;
  /** Of its process, where it has one of its own. */
  readonly pid?: number;
  run(job: Uint8Array<ArrayBuffer>): Promise<Int32Array>;
  stop(): Promise<void>;
}

type Process = ChildProcessByStdio<Writable, Readable, null>;
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const KINDS = ["simd", "scalar"] as const;

/** Folder with the bundled hosts and the kernels' modules; removed by `removeHosts`. */
let folder: string | undefined;

export async function prepareHosts(): Promise<string> {
  if (folder !== undefined) return folder;
  folder = mkdtempSync(join(tmpdir(), "gatelet-hosts-"));
  const names = ["deno", "bun", "workerd", "page"];
  await build({
    entryPoints: names.map((name) => here(`hosts/${name}.ts`)),
    outdir: folder,
    bundle: true,
    format: "esm",
    target: "es2022",
    external: ["*.wasm"],
    alias: { "@gatelet/kernels": here("../../packages/kernels-as/src/model.ts") },
    logLevel: "warning",
  });
  for (const kind of KINDS) writeFileSync(join(folder, `${kind}.wasm`), engineBytes(kind));
  return folder;
}

export function removeHosts(): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
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
function overHttp(name: string, version: string, child: Process, server: Loopback): Runtime {
  return {
    name,
    version,
    pid: child.pid,
    async run(job) {
      const { status, body } = await server.send(job);
      if (status !== 200) throw new Error(`${name} answered ${status}: ${body.toString()}`);
      return toInt32(Uint8Array.from(body).buffer);
    },
    async stop() {
      server.close();
      await end(child);
    },
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

const extrasVersion = (requirement: Requirement): string =>
  (JSON.parse(readFileSync(join(extrasPackage(requirement), "package.json"), "utf8")) as { version: string }).version;

async function startDeno(): Promise<Runtime | undefined> {
  if (missing("deno")) return undefined;
  const root = extrasPackage("deno");
  const hosts = await prepareHosts();
  const args = ["run", "--no-lock", "--no-remote", "--allow-net=127.0.0.1", `--allow-read=${hosts}`];
  const child = start(join(root, "deno"), [...args, join(hosts, "deno.js"), hosts]);
  return overHttp("deno", extrasVersion("deno"), child, new Loopback(await printedPort(child, "deno")));
}

async function startBun(): Promise<Runtime | undefined> {
  if (missing("bun")) return undefined;
  const root = extrasPackage("bun");
  const hosts = await prepareHosts();
  const child = start(join(root, "bin/bun"), [join(hosts, "bun.js"), hosts]);
  return overHttp("bun", extrasVersion("bun"), child, new Loopback(await printedPort(child, "bun")));
}

async function freePort(): Promise<number> {
  const socket = createSocket().listen(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address() as AddressInfo;
  socket.close();
  await once(socket, "close");
  return port;
}

/** A worker of JavaScript and WebAssembly modules, the first of which is its entry. */
const workerdConfig = (
  port: number,
  modules: readonly string[],
): string => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .gatelet)],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]
);
const gatelet :Workerd.Worker = (
  modules = [
    ${modules.map((name) => `(name = "${name}", ${name.endsWith(".wasm") ? "wasm" : "esModule"} = embed "${name}")`).join(",\n    ")}
  ],
  compatibilityDate = "2026-01-01"
);
`;

/** Until a server answers; its connection is then open. */
async function answering(server: Loopback, name: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const ready = await server.send().then(
      ({ status }) => status === 200,
      () => false,
    );
    if (ready) return;
    await new Promise((done) => setTimeout(done, 25));
  }
  throw new Error(`${name} does not answer after 5 s`);
}

/** Starts workerd with modules of a folder; it has answered a GET. Undefined, and said aloud, where it is missing. */
export async function serveWorkerd(folder: string, modules: readonly string[]): Promise<Runtime | undefined> {
  if (missing("workerd")) return undefined;
  const port = await freePort();
  const config = join(folder, `workerd-${port}.capnp`);
  writeFileSync(config, workerdConfig(port, modules));
  const child = start(join(extrasPackage("workerd"), "bin/workerd"), ["serve", config]);
  const server = new Loopback(port);
  await answering(server, "workerd");
  return overHttp("workerd", extrasVersion("workerd"), child, server);
}

export const startWorkerd = async (): Promise<Runtime | undefined> =>
  missing("workerd") ? undefined : serveWorkerd(await prepareHosts(), ["workerd.js", "scalar.wasm", "simd.wasm"]);

async function startWasmtime(): Promise<Runtime | undefined> {
  if (missing("wasmtime")) return undefined;
  const code = "import importlib.metadata as m; print(m.version('wasmtime'))";
  const version = spawnSync("python3", ["-c", code], { encoding: "utf8" }).stdout.trim();
  const hosts = await prepareHosts();
  const child = start("python3", [here("hosts/wasmtime_host.py"), hosts]);
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

const WEB_FILES: Readonly<Record<string, string>> = {
  "/page.js": "text/javascript",
  "/simd.wasm": "application/wasm",
  "/scalar.wasm": "application/wasm",
};

async function startChromium(): Promise<Runtime | undefined> {
  if (missing("chromium")) return undefined;
  const hosts = await prepareHosts();
  let pending: { readonly job: Uint8Array; resolve(result: Int32Array): void; reject(error: Error): void } | undefined;
  let waiting: ServerResponse | undefined;
  /** The page asks for its next job before there is one. */
  const hand = (): void => {
    if (waiting === undefined || pending === undefined) return;
    waiting.end(pending.job);
    waiting = undefined;
  };
  const server = createServer(async (request, response) => {
    const path = request.url ?? "";
    if (request.method === "POST") {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks);
      const done = pending;
      pending = undefined;
      response.end();
      if (path === "/result") done?.resolve(toInt32(Uint8Array.from(body).buffer));
      else done?.reject(new Error(`chromium: ${body.toString()}`));
    } else if (path === "/job") {
      waiting = response;
      hand();
    } else if (path === "/") {
      response.setHeader("content-type", "text/html");
      response.end('<!doctype html><script type="module" src="/page.js"></script>');
    } else if (path in WEB_FILES) {
      response.setHeader("content-type", WEB_FILES[path]);
      response.end(readFileSync(join(hosts, path.slice(1))));
    } else response.writeHead(404).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const browser = spawnChromium(join(hosts, "profile"), address);
  browser.once("exit", () => pending?.reject(new Error("chromium has ended")));
  const version = /[\d.]+/.exec(spawnSync("chromium", ["--version"], { encoding: "utf8" }).stdout)?.[0] ?? "unknown";
  return {
    name: "chromium",
    version,
    run: (job) =>
      new Promise((resolve, reject) => {
        pending = { job, resolve, reject };
        hand();
      }),
    async stop() {
      const gone = once(browser, "exit");
      killChromium(browser);
      if (browser.exitCode === null && browser.signalCode === null) await gone;
      server.close();
      server.closeAllConnections();
    },
  };
}

/** This process: what the others are compared with. */
export async function startNode(): Promise<Runtime> {
  const [simd, scalar] = await Promise.all(KINDS.map((kind) => WebAssembly.compile(engineBytes(kind))));
  return {
    name: "node",
    version: process.versions.node,
    run: (job) => runJob(job.buffer, { simd, scalar }),
    stop: async () => {},
  };
}

const STARTS = {
  deno: startDeno,
  bun: startBun,
  workerd: startWorkerd,
  wasmtime: startWasmtime,
  chromium: startChromium,
} as const;

/** Starts a runtime; undefined, and said aloud, where it is missing. */
export const startRuntime = (name: keyof typeof STARTS): Promise<Runtime | undefined> => STARTS[name]();

export const RUNTIME_NAMES = Object.keys(STARTS) as readonly (keyof typeof STARTS)[];

/** Those of `names` that are here, behind Node; those that are missing are named aloud. */
export async function* startRuntimes(names = RUNTIME_NAMES): AsyncGenerator<Runtime> {
  yield await startNode();
  for (const name of names) {
    const runtime = await STARTS[name]();
    if (runtime !== undefined) yield runtime;
  }
}
