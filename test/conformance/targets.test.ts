import { type ChildProcess, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { convertExample, runCli, temporaryFolder } from "../e2e/cli-harness.js";
import { ReferenceModel } from "../reference/index.js";
import { randomFrames } from "../support/random-models.js";
import { missing } from "../support/requirements.js";
import { killChromium, spawnChromium } from "./chromium.js";

const folder = temporaryFolder();
let gate: Uint8Array;
/** Frames over several windows, and what the reference answers to them. */
let frames: Int16Array;
let expected: number[];
let classes: number[];
let outputSize: number;

const argmax = (row: readonly number[]) => row.indexOf(Math.max(...row));

beforeAll(async () => {
  gate = new Uint8Array(readFileSync(await convertExample(folder.path("pump.gate"))));
  const reference = new ReferenceModel(gate);
  const { header } = reference.gate;
  const steps = randomFrames(7, header, header.window === 0 ? 100 : 3 * header.window + 5);
  frames = Int16Array.from(steps.flatMap((frame) => [...frame]));
  const stream = reference.createStream();
  const rows = steps.flatMap((frame) => stream.step(frame).rows.map((row) => [...row]));
  expected = rows.flat();
  classes = rows.map(argmax);
  outputSize = header.outputSize;
});
afterAll(() => folder.remove());

const build = (...args: string[]) => runCli(["build", folder.path("pump.gate"), ...args]);

describe("gatelet build --target wasm", () => {
  it("writes the module, its header and an example", async () => {
    const result = await build("-o", folder.path("wasm"));
    expect(result.stderr).toBe("");
    expect(result.code).toBe(0);
    expect(readdirSync(folder.path("wasm")).sort()).toEqual(["pump.h", "pump.wasm", "pump_example.c"]);
    const { length } = readFileSync(folder.path("wasm/pump.wasm"));
    expect(readFileSync(folder.path("wasm/pump.h"), "utf8")).toContain(`#define PUMP_MODULE_BYTES ${length} `);
    expect(length - gate.length).toBeLessThan(4096);
  });
  it("writes one file where it is asked for one", async () => {
    expect((await build("--simd", "-o", folder.path("one.wasm"))).code).toBe(0);
    expect(WebAssembly.validate(readFileSync(folder.path("one.wasm")))).toBe(true);
  });
  it("counts module and linear memory against --ram, and says what would fit", async () => {
    const { code, stderr } = await build("--ram", "8K", "-o", folder.path("small"));
    expect(code).toBe(3);
    expect(stderr).toMatch(
      /wamr needs \d+ bytes of RAM \(module \d+, linear memory \d+ .*budget is 8192: the c target/,
    );
    const roomy = await build("--ram", "64K", "--json", "-o", folder.path("roomy"));
    expect(roomy.code).toBe(0);
    const { moduleBytes, memoryBytes, ramBytes } = JSON.parse(roomy.stdout);
    expect(ramBytes).toBe(moduleBytes + memoryBytes);
  });
  it("makes folders, and says why one cannot be made", async () => {
    expect((await build("-o", folder.path("deep/er/still"))).code).toBe(0);
    writeFileSync(folder.path("file"), "");
    const { code, stderr } = await build("-o", folder.path("file/below"));
    expect(code).toBe(1);
    expect(stderr).toMatch(/cannot make folder .*file: a file is in the way/);
    if (process.platform !== "linux") return;
    // ENOENT without end: Node's own recursive mkdir hangs here
    expect((await build("-o", "/proc/nowhere/below")).stderr).toContain("cannot make folder /proc/nowhere: ENOENT");
  });
  it("refuses a broken model, an unknown target and --ram for others", async () => {
    writeFileSync(folder.path("broken.gate"), gate.slice(0, -16));
    expect((await runCli(["build", folder.path("broken.gate"), "-o", folder.path("x")])).code).toBe(1);
    expect((await build("--target", "cobol", "-o", folder.path("x"))).code).toBe(2);
    expect((await build("--target", "c", "--ram", "16K", "-o", folder.path("x"))).code).toBe(2);
  });
});

describe("gatelet build --target esm", () => {
  beforeAll(async () => {
    expect((await build("--target", "esm", "-o", folder.path("esm"))).stderr).toBe("");
  });
  const load = async (source?: unknown) =>
    (await import(/* @vite-ignore */ pathToFileURL(folder.path("esm/index.js")).href)).load(source);

  it("answers in Node from its own copy, from bytes and from a compiled module", async () => {
    const bytes = readFileSync(folder.path("esm/pump.wasm"));
    for (const source of [undefined, bytes, await WebAssembly.compile(bytes), new Response(bytes)]) {
      const model = await load(source);
      expect([...model.run(frames)]).toEqual(expected);
    }
  });
  it("never names Response, for whose sake Node would load its fetch", () => {
    const code = `Object.defineProperty(globalThis, "Response", { get: () => process.exit(9) });
      const { load } = await import(${JSON.stringify(pathToFileURL(folder.path("esm/index.js")).href)});
      console.log((await load()).saveState().length);`;
    const { status, stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8" });
    expect(status).toBe(0);
    expect(Number(stdout)).toBeGreaterThan(0);
  });
  it("carries a state to another instance and refuses a broken one without a change", async () => {
    const [a, b] = [await load(), await load()];
    const half = frames.length / 2 - ((frames.length / 2) % (frames.length / (expected.length / outputSize)));
    const cut = half - (half % new ReferenceModel(gate).gate.header.frameSize);
    const first = [...a.run(frames.subarray(0, cut))];
    const state = a.saveState();
    b.restoreState(state);
    const broken = state.slice();
    broken[60] ^= 1;
    expect(() => b.restoreState(broken)).toThrow(expect.objectContaining({ code: "BAD_STATE" }));
    expect(() => b.restoreState(state.subarray(1))).toThrow(expect.objectContaining({ code: "BAD_STATE" }));
    expect([...first, ...b.run(frames.subarray(cut))]).toEqual(expected);
  });
  it("refuses values of another type and frames of another width", async () => {
    const model = await load();
    for (const wrong of [Float32Array.from(frames), [...frames], frames.subarray(1)]) {
      expect(() => model.run(wrong)).toThrow(expect.objectContaining({ code: "BAD_FRAME" }));
    }
  });
  it("answers in a worker", async () => {
    const source = `import { parentPort, workerData } from "node:worker_threads";
      const { load } = await import(workerData.url);
      parentPort.postMessage([...(await load()).run(workerData.frames)]);`;
    const url = pathToFileURL(folder.path("esm/index.js")).href;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
      workerData: { url, frames },
    });
    const answer = await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
    await worker.terminate();
    expect(answer).toEqual(expected);
  });
  it.skipIf(missing("chromium"))("answers in Chromium, on the page and in its worker", async () => {
    const script = `import { load } from "./index.js";
      const frames = Int16Array.from(${JSON.stringify([...frames])});
      const page = [...(await load(fetch("./pump.wasm"))).run(frames)];
      const worker = new Worker("./worker.js", { type: "module" });
      worker.onmessage = ({ data }) => fetch("/answer", { method: "POST", body: JSON.stringify({ page, worker: data }) });
      worker.postMessage(frames);`;
    writeFileSync(folder.path("esm/page.html"), `<body></body><script type="module">${script}</script>`);
    writeFileSync(
      folder.path("esm/worker.js"),
      `import { load } from "./index.js"; onmessage = async ({ data }) => postMessage([...(await load()).run(data)]);`,
    );
    const types: Record<string, string> = { html: "text/html", js: "text/javascript", wasm: "application/wasm" };
    const answer = await inChromium("page.html", (name, response) => {
      response.setHeader("content-type", types[name.split(".").pop()!] ?? "text/plain");
      response.end(readFileSync(join(folder.path("esm"), name)));
    });
    expect(JSON.parse(answer)).toEqual({ page: expected, worker: expected });
  });
});

/** Opens a page from loopback in headless Chromium; resolves to what the page posts to /answer. */
function inChromium(page: string, serve: (name: string, response: ServerResponse) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const server = createServer(async (request, response) => {
      const name = request.url!.slice(1);
      if (name !== "answer") {
        if (name === "favicon.ico") response.writeHead(404).end();
        else serve(name, response);
        return;
      }
      let body = "";
      for await (const part of request) body += String(part);
      response.end();
      killChromium(browser);
      server.close();
      resolve(body);
    });
    let browser: ChildProcess;
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      browser = spawnChromium(folder.path("chromium"), `http://127.0.0.1:${port}/${page}`);
      browser.on("error", reject);
    });
  });
}

describe("gatelet build --target c", () => {
  for (const compiler of ["cc", "clang"] as const) {
    it.skipIf(missing(compiler))(
      `compiles with ${compiler} as it stands and decides as the reference does`,
      async () => {
        const out = folder.path(`c-${compiler}`);
        expect((await build("--target", "c", "-o", out)).stderr).toBe("");
        const mask = /GATELET_KERNELS=\S+ GATELET_INT4=\d/.exec(readFileSync(join(out, "CMakeLists.txt"), "utf8"))![0];
        const defines = mask.split(" ").map((define) => `-D${define}`);
        const sources = readdirSync(join(out, "gatelet/src")).filter((name) => name.endsWith(".c"));
        const files = ["main.c", "pump.c", ...sources.map((name) => `gatelet/src/${name}`)];
        const flags = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-Igatelet/include", "-Igatelet/src", "-I."];
        const compiled = spawnSync(compiler, [...flags, ...defines, ...files, "-o", "app"], {
          cwd: out,
          encoding: "utf8",
        });
        expect(compiled.stderr).toBe("");
        const run = spawnSync(join(out, "app"), { input: Buffer.from(frames.buffer), encoding: "utf8" });
        expect(run.status).toBe(0);
        expect(run.stdout.trim().split("\n").map(Number)).toEqual(classes);
      },
    );
  }
});
