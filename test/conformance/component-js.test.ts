import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { convertExample, runCli, temporaryFolder } from "../e2e/cli-harness.js";
import { ReferenceModel } from "../reference/index.js";
import { randomFrames } from "../support/random-models.js";
import { extrasPackage, missing } from "../support/requirements.js";

const folder = temporaryFolder();
let frames: Int16Array[];
let expected: { readonly rows: number[]; readonly state: number[] };
let gate: string;

beforeAll(async () => {
  gate = await convertExample(folder.path("pump.gate"));
  const reference = new ReferenceModel(new Uint8Array(readFileSync(gate)));
  const { header } = reference.gate;
  const stream = reference.createStream();
  const steps = randomFrames(7, header, 2 * header.window + 5);
  const rows = steps.flatMap((frame) => stream.step(frame).rows.flatMap((row) => [...row]));
  expected = { rows, state: [...stream.saveState()] };
  const size = 50;
  frames = Array.from({ length: Math.ceil(steps.length / size) }, (_, i) =>
    Int16Array.from(steps.slice(i * size, (i + 1) * size).flatMap((frame) => [...frame])),
  );
});
afterAll(() => folder.remove());

describe("gatelet build --target component", () => {
  it("writes the component and its WIT, and says what to install for the rest", async () => {
    const { code, stdout, stderr } = await runCli(["build", gate, "--target", "component", "-o", folder.path("bare")]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(readdirSync(folder.path("bare")).sort()).toEqual(["README.md", "pump.component.wasm", "wit"]);
    expect(stdout).toContain("npm install --save-dev --save-exact @bytecodealliance/jco@1.34.0");
  });
});

describe.skipIf(missing("jco"))("the component's JavaScript package", () => {
  const program = () => `
    const frames = ${JSON.stringify(frames.map((part) => [...part]))};
    export const answer = async (source) => {
      const model = await load(source);
      const rows = frames.flatMap((part) => [...model.run(Int16Array.from(part))]);
      return { rows, state: [...model.saveState()] };
    };`;

  beforeAll(async () => {
    process.env["NODE_PATH"] = dirname(dirname(extrasPackage("jco")));
    const { stderr } = await runCli(["build", gate, "--target", "component", "-o", folder.path("out")]);
    delete process.env["NODE_PATH"];
    expect(stderr).toBe("");
    writeFileSync(folder.path("out/js/program.js"), `import { load } from "./index.js";${program()}`);
    const main = 'import { answer } from "./program.js"; console.log(JSON.stringify(await answer()));';
    writeFileSync(folder.path("out/js/main.js"), main);
  });

  it("answers in Node from its own copy, from bytes and from a compiled module", async () => {
    const { answer } = await import(/* @vite-ignore */ pathToFileURL(folder.path("out/js/program.js")).href);
    const bytes = readFileSync(folder.path("out/js/glue/model.core.wasm"));
    for (const source of [undefined, bytes, await WebAssembly.compile(bytes)]) {
      expect(await answer(source)).toEqual(expected);
    }
  });

  it("refuses values of another type, frames of another width, and too many of them", async () => {
    const { load } = await import(/* @vite-ignore */ pathToFileURL(folder.path("out/js/index.js")).href);
    const model = await load();
    const { mostFrames, frameSize, classes } = model.describe();
    expect(classes).toEqual(JSON.parse(readFileSync("examples/pump/meta.json", "utf8")).classes);
    for (const wrong of [Float32Array.from(frames[0]), [...frames[0]], frames[0].subarray(1), null]) {
      expect(() => model.run(wrong)).toThrow(expect.objectContaining({ code: "bad-frame" }));
    }
    expect(() => model.run(Float32Array.of(1, 2, 3))).toThrow("frames are Float32Array, must be Int16Array");
    const tooMany = new Int16Array(frameSize * (mostFrames + 1));
    expect(() => model.run(tooMany)).toThrow(expect.objectContaining({ code: "out-of-budget" }));
    const broken = model.saveState();
    broken[60] ^= 1;
    expect(() => model.restoreState(broken)).toThrow(expect.objectContaining({ code: "bad-state" }));
    const rows = frames.flatMap((part) => [...model.run(part)]);
    expect(rows).toEqual(expected.rows);
  });

  it("goes through jco's glue unrefused: the component itself answers out-of-budget and lives on", async () => {
    const glue = await import(/* @vite-ignore */ pathToFileURL(folder.path("out/js/glue/model.js")).href);
    const core = await WebAssembly.compile(readFileSync(folder.path("out/js/glue/model.core.wasm")));
    const { inference } = await glue.instantiate(() => core, {});
    // 256 MiB are the most that the canonical ABI lets a list have
    for (const length of [1000, 200_000, 500_000, 20_000_000, 1 << 27, 600_000]) {
      expect(() => inference.run(new Int16Array(length))).toThrow(
        expect.objectContaining({ payload: "out-of-budget" }),
      );
    }
    expect(() => inference.restoreState(new Uint8Array(5_000_000))).toThrow(
      expect.objectContaining({ payload: "bad-state" }),
    );
    expect(frames.flatMap((part) => [...inference.run(part)])).toEqual(expected.rows);
  });

  it("grows for a list that is refused, and for nothing else", async () => {
    const { instance } = (await WebAssembly.instantiate(readFileSync(folder.path("out/js/glue/model.core.wasm")))) as {
      instance: WebAssembly.Instance;
    } & WebAssembly.WebAssemblyInstantiatedSource;
    const { memory, cabi_realloc: realloc } = instance.exports as {
      memory: WebAssembly.Memory;
      cabi_realloc(old: number, oldBytes: number, align: number, bytes: number): number;
    };
    const pages = () => memory.buffer.byteLength / 65536;
    expect(pages()).toBeLessThanOrEqual(2);
    const before = pages();
    const tooLong = 500; // 64 frames of three values are 384 bytes
    const room = realloc(0, 0, 2, tooLong);
    for (const bytes of [0, 2, 100, before * 65536 - room]) realloc(0, 0, 2, bytes);
    expect(pages()).toBe(before);
    const at = realloc(0, 0, 2, 1 << 20);
    expect(at + (1 << 20)).toBeLessThanOrEqual(memory.buffer.byteLength);
    expect(pages()).toBeLessThanOrEqual(before + 16);
    expect(realloc(0, 0, 2, 1 << 20)).toBe(at);
    expect(pages()).toBeLessThanOrEqual(before + 16);
    expect(() => realloc(0, 0, 2, (1 << 28) + 2)).toThrow(WebAssembly.RuntimeError);
  });

  it.each(["deno", "bun"] as const)("answers in %s", (runtime) => {
    if (missing(runtime)) return;
    const home = extrasPackage(runtime);
    const binary = [join(home, runtime), join(home, "bin", runtime)].find((path) => existsSync(path))!;
    const args = runtime === "deno" ? ["run", "--no-remote", "--allow-read"] : ["run"];
    const { stdout, stderr } = spawnSync(binary, [...args, folder.path("out/js/main.js")], { encoding: "utf8" });
    expect(stdout, stderr).not.toBe("");
    expect(JSON.parse(stdout)).toEqual(expected);
  });

  it.skipIf(missing("workerd"))("answers in workerd, which compiles nothing at run time", async () => {
    const worker = `import { answer } from "./program.js"; import core from "./core.wasm";
      export default { fetch: async () => Response.json(await answer(core)) };`;
    writeFileSync(folder.path("out/js/worker.js"), worker);
    const port = await freePort();
    writeFileSync(folder.path("out/js/config.capnp"), workerdConfig(port));
    const binary = join(extrasPackage("workerd"), "bin/workerd");
    const child = spawn(binary, ["serve", folder.path("out/js/config.capnp")], { stdio: "ignore" });
    try {
      expect(await (await firstAnswer(child, `http://127.0.0.1:${port}/`)).json()).toEqual(expected);
    } finally {
      child.kill();
    }
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

async function firstAnswer(child: ChildProcess, url: string): Promise<Response> {
  for (let attempt = 0; attempt < 400 && child.exitCode === null; attempt++) {
    const response = await fetch(url).catch(() => undefined);
    if (response !== undefined) return response;
    await new Promise((done) => setTimeout(done, 25));
  }
  throw new Error(`workerd does not answer at ${url}`);
}

const workerdConfig = (port: number): string => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .model)],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]
);
const model :Workerd.Worker = (
  modules = [
    (name = "worker.js", esModule = embed "worker.js"),
    (name = "program.js", esModule = embed "program.js"),
    (name = "index.js", esModule = embed "index.js"),
    (name = "bytes.js", esModule = embed "bytes.js"),
    (name = "glue/model.js", esModule = embed "glue/model.js"),
    (name = "core.wasm", wasm = embed "glue/model.core.wasm")
  ],
  compatibilityDate = "2026-01-01"
);
`;
