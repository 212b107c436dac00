import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ReferenceModel } from "../reference/index.js";
import { randomFrames } from "../support/random-models.js";
import { extrasPackage, missing } from "../support/requirements.js";
import { convertExample, ROOT, runCli, temporaryFolder } from "./cli-harness.js";

const SECRET = "only for this test";
const folder = temporaryFolder();
let gate: Uint8Array;

/** Frames of one user in pieces of uneven length, and the rows of an uninterrupted run. */
interface User {
  readonly parts: Int16Array[];
  readonly rows: number[];
  readonly answers: number[];
  cookie: string | undefined;
}

function newUser(seed: number): User {
  const reference = new ReferenceModel(gate);
  const { header } = reference.gate;
  const stream = reference.createStream();
  const steps = randomFrames(seed, header, 2 * header.window + 20);
  const rows = steps.flatMap((frame) => stream.step(frame).rows.flatMap((row) => [...row]));
  const parts: Int16Array[] = [];
  for (let at = 0, size = 1 + (seed % 7); at < steps.length; at += size, size = 1 + ((size * 5) % 37)) {
    parts.push(Int16Array.from(steps.slice(at, at + size).flatMap((frame) => [...frame])));
  }
  return { parts, rows, answers: [], cookie: undefined };
}

beforeAll(async () => {
  cpSync(join(ROOT, "examples/edge"), folder.path("edge"), { recursive: true });
  const file = await convertExample(folder.path("pump.gate"));
  gate = new Uint8Array(readFileSync(file));
  const built = await runCli(["build", file, "--target", "esm", "--simd", "-o", folder.path("edge/model")]);
  expect(built.stderr).toBe("");
});
afterAll(() => folder.remove());

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

interface Server {
  readonly url: string;
  stop(): Promise<void>;
}

async function start(command: string, args: readonly string[], cwd: string, port: number): Promise<Server> {
  const env = {
    PATH: process.env["PATH"],
    HOME: folder.path("."),
    DENO_NO_UPDATE_CHECK: "1",
    SECRET,
    PORT: String(port),
  };
  const child: ChildProcess = spawn(command, args, { cwd, env: { ...env, STORE: folder.path("kv") }, stdio: "pipe" });
  let said = "";
  child.stdout!.on("data", (text) => (said += text));
  child.stderr!.on("data", (text) => (said += text));
  const ended = once(child, "close");
  const url = `http://127.0.0.1:${port}/step`;
  const stop = async () => {
    child.kill();
    await ended;
  };
  for (let attempt = 0; attempt < 400 && child.exitCode === null; attempt++) {
    if ((await fetch(url).catch(() => undefined)) !== undefined) return { url, stop };
    await new Promise((done) => setTimeout(done, 25));
  }
  await stop();
  throw new Error(`${command} does not answer: ${said}`);
}

const EDGE = {
  node: (port: number) => start(process.execPath, ["server.js"], folder.path("edge/node"), port),
  bun: (port: number) => start(binaryOf("bun"), ["server.js"], folder.path("edge/bun"), port),
  deno: (port: number) => {
    const flags = ["--unstable-kv", "--no-remote", "--allow-net", "--allow-env", "--allow-read", "--allow-write"];
    return start(binaryOf("deno"), ["run", ...flags, "server.js"], folder.path("edge/deno"), port);
  },
  workerd: (port: number) => {
    const file = folder.path("edge/workerd/config.capnp");
    writeFileSync(file, readFileSync(file, "utf8").replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${port}`));
    return start(binaryOf("workerd"), ["serve", "config.capnp"], folder.path("edge/workerd"), port);
  },
} as const;

function binaryOf(runtime: "deno" | "bun" | "workerd"): string {
  const home = extrasPackage(runtime);
  return [join(home, "bin", runtime), join(home, runtime)].find((path) => existsSync(path))!;
}

const send = (url: string, body: Uint8Array | Int16Array, cookie: string | undefined): Promise<Response> =>
  fetch(url, {
    method: "POST",
    body: new Uint8Array(body.buffer as ArrayBuffer, body.byteOffset, body.byteLength),
    headers: cookie === undefined ? {} : { cookie: `other=1; stream=${cookie}` },
  });

async function advance(url: string, user: User, part: Int16Array): Promise<void> {
  const response = await send(url, part, user.cookie);
  const answer = (await response.json()) as { rows: number[] };
  expect(response.status, JSON.stringify(answer)).toBe(200);
  user.answers.push(...answer.rows);
  user.cookie = /^stream=([^;]+);.*HttpOnly/.exec(response.headers.get("set-cookie")!)![1];
}

/** The value with one character exchanged. */
const changed = (text: string, at: number): string =>
  text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);

for (const name of Object.keys(EDGE) as (keyof typeof EDGE)[]) {
  describe.skipIf(name !== "node" && missing(name))(`examples/edge/${name}`, () => {
    let server: Server;
    beforeAll(async () => {
      server = await EDGE[name](await freePort());
    });
    afterAll(() => server?.stop());

    it("carries the streams of users on whose requests alternate, bit for bit", async () => {
      const users = [newUser(3), newUser(4)];
      const most = Math.max(...users.map(({ parts }) => parts.length));
      for (let i = 0; i < most; i++) {
        const waiting = users.filter(({ parts }) => parts[i] !== undefined);
        await Promise.all(waiting.map((user) => advance(server.url, user, user.parts[i])));
      }
      for (const { answers, rows } of users) {
        expect(rows.length).toBeGreaterThan(0);
        expect(answers).toEqual(rows);
      }
    });

    it("refuses a cookie that was changed, and one of nobody", async () => {
      const user = newUser(5);
      await advance(server.url, user, user.parts[0]);
      const cookie = user.cookie!;
      const forged = [changed(cookie, 8), changed(cookie, cookie.indexOf(".") + 3), cookie.split(".")[0], "a.b", "."];
      for (const value of forged) {
        const response = await send(server.url, user.parts[1], value);
        expect(response.status, value).toBe(403);
        expect(response.headers.get("set-cookie")).toBeNull();
      }
      for (const part of user.parts.slice(1)) await advance(server.url, user, part);
      expect(user.answers).toEqual(user.rows);
    });

    it("refuses bodies that are no frames", async () => {
      for (const bytes of [0, 5, 8, 70_002]) {
        expect([400, 413]).toContain((await send(server.url, new Uint8Array(bytes), undefined)).status);
      }
      expect((await fetch(server.url)).status).toBe(404);
    });
  });
}
