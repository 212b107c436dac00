import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { extrasPackage, missing } from "../support/requirements.js";
import { convertExample, runCli, temporaryFolder } from "./cli-harness.js";

const folder = temporaryFolder();
const FRAMES = 130;
const TYPES: Record<string, string> = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };

/** The same frames in every file: pseudo-random counts, two windows of 64 and a rest. */
const FRAMES_JS = `export const frames = Int16Array.from({ length: ${3 * FRAMES} }, (_, i) => ((i * 7919) % 4001) - 2000);\n`;

const FILES: Record<string, string> = {
  "frames.js": FRAMES_JS,
  "index.html": `<!doctype html><title>model</title><script type="module" src="./main.js"></script>`,
  "main.js": `
import { load } from "./model/index.js";
import { frames } from "./frames.js";
import wasmUrl from "./model/pump.wasm?url";
import workletUrl from "./worklet.js?worker&url";
const message = (port) => new Promise((resolve) => { port.onmessage = ({ data }) => resolve(data); });
async function audio() {
  const context = new OfflineAudioContext(1, 128 * 64, 8000);
  await context.audioWorklet.addModule(workletUrl);
  const module = await WebAssembly.compileStreaming(fetch(wasmUrl));
  const node = new AudioWorkletNode(context, "gatelet", { processorOptions: { module } });
  const answer = message(node.port);
  node.connect(context.destination);
  await context.startRendering();
  return answer;
}
async function all() {
  const page = [...(await load()).run(frames)];
  const worker = await message(new Worker(new URL("./worker.js", import.meta.url), { type: "module" }));
  return { page, worker, worklet: await audio() };
}
window.answers = all().catch((error) => ({ error: String(error) }));
`,
  "worker.js": `
import { load } from "./model/index.js";
import { frames } from "./frames.js";
load().then((model) => postMessage([...model.run(frames)]), (error) => postMessage(String(error)));
`,
  "worklet.js": `
import { Model } from "./model/index.js";
import { frames } from "./frames.js";
registerProcessor("gatelet", class extends AudioWorkletProcessor {
  constructor({ processorOptions: { module } }) {
    super();
    this.port.postMessage([...new Model(new WebAssembly.Instance(module)).run(frames)]);
  }
  process() { return false; }
});
`,
};

const chromiumPath = () => spawnSync("sh", ["-c", "command -v chromium"], { encoding: "utf8" }).stdout.trim();

let server: Server;
afterAll(async () => {
  server?.close();
  await folder.remove();
});

describe.skipIf(missing("vite", "playwright", "chromium"))("the esm package behind Vite, in Chromium", () => {
  const site = folder.path("site");
  let expected: number[];

  beforeAll(async () => {
    const gate = await convertExample(folder.path("pump.gate"));
    await mkdir(site, { recursive: true });
    const built = await runCli(["build", gate, "--target", "esm", "-o", join(site, "model")]);
    expect(built.code, built.stderr).toBe(0);
    for (const [name, text] of Object.entries(FILES)) await writeFile(join(site, name), text);
    const { load } = await import(pathToFileURL(join(site, "model/index.js")).href);
    const { frames } = await import(pathToFileURL(join(site, "frames.js")).href);
    expected = [...(await load()).run(frames)];

    const { build } = createRequire(import.meta.url)(`${extrasPackage("vite")}/dist/node/index.js`);
    await build({ root: site, base: "./", logLevel: "error", worker: { format: "es" } });
    server = createServer((request, response) => {
      const path = new URL(request.url ?? "/", "http://localhost").pathname;
      try {
        const body = readFileSync(join(site, "dist", path === "/" ? "index.html" : path));
        response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "text/html" }).end(body);
      } catch {
        response.writeHead(404).end();
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });

  it("answers on the page, in a Web Worker and in an AudioWorklet as in Node", async () => {
    const { chromium } = createRequire(import.meta.url)(extrasPackage("playwright"));
    const browser = await chromium.launch({ executablePath: chromiumPath(), args: ["--no-sandbox"] });
    try {
      const page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      const answers = await page.evaluate("window.answers");
      expect(expected).toHaveLength(2 * 5);
      expect(answers).toEqual({ page: expected, worker: expected, worklet: expected });
    } finally {
      await browser.close();
    }
  });

  it("ships no Node built-in to the browser", async () => {
    expect(await readFile(join(site, "model/index.js"), "utf8")).not.toMatch(/node:|require\(/);
  });
});
