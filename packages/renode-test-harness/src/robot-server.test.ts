import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { RenodeError } from "./errors.js";
import { RobotServer, type RobotServerOptions } from "./robot-server.js";

const executable = fileURLToPath(new URL("../test/fake-renode.mjs", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "fake-renode-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const started: RobotServer[] = [];
afterEach(async () => {
  for (const server of started.splice(0)) await server.stop(500);
});

async function start(scenario: object = {}, options: Partial<RobotServerOptions> = {}): Promise<RobotServer> {
  const server = await RobotServer.start({
    executable,
    env: { ...process.env, FAKE_RENODE: JSON.stringify(scenario) },
    extraArgs: [],
    port: 0,
    startTimeoutMs: 5000,
    wallTimeoutMs: 5000,
    maxOutputBytes: 1_000_000,
    transcriptBytes: 8192,
    ...options,
  });
  started.push(server);
  return server;
}

async function failure(promise: Promise<unknown>): Promise<RenodeError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof RenodeError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // A killed process whose parent has not asked for it yet is still listed, as a zombie.
  return !/^\d+ \(.*\) Z/.test(existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, "utf8") : "");
}

async function isGone(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 100 && isAlive(pid); tries++) await sleep(20);
  return !isAlive(pid);
}

describe("start", () => {
  it("gives the process a private home, a fixed locale of switches and the chosen port", async () => {
    const server = await start();
    const { command } = server.process.facts();
    expect(command.slice(1)).toEqual(
      `--disable-gui --console --plain --hide-analyzers --robot-server-port ${server.port}`.split(" "),
    );
    expect(server.process.robotPorts()).toEqual([server.port]);
    const { folder } = server.process;
    await server.stop();
    expect(existsSync(folder)).toBe(false);
    expect(server.process.facts().exitCode).toBe(0);
  });

  it("says that an executable cannot be run", async () => {
    const error = await failure(start({}, { executable: "/nonexistent/renode" }));
    expect(error.code).toBe("start-failed");
    expect(error.message).toContain("/nonexistent/renode");
  });

  it("does not take exit code 0 for success", async () => {
    const error = await failure(start({ start: "exit", log: "usage: renode [options]\n" }));
    expect(error).toMatchObject({ code: "process-exited", exitCode: 0, signal: null });
    expect(error.transcript).toContain("usage: renode");
  });

  it("gives up, kills the group and keeps the transcript when no port opens", async () => {
    const file = join(scratch, "silent");
    const error = await failure(
      start({ start: "silent", log: "loading\n", grandchild: file }, { startTimeoutMs: 700 }),
    );
    expect(error).toMatchObject({ code: "wall-timeout", transcript: "loading\n" });
    expect(await isGone(Number(readFileSync(file, "utf8")))).toBe(true);
  });

  it("names a port that is taken, and does not mistake another program's port for its own", async () => {
    const other = createServer().listen(0, "0.0.0.0");
    await new Promise((resolve) => other.once("listening", resolve));
    const { port } = other.address() as { port: number };
    const error = await failure(start({ start: "port-taken" }, { port }));
    other.close();
    expect(["start-failed", "process-exited"]).toContain(error.code);
    expect(error.message).toContain("Could not start the HTTP server");
  });
});

describe("keywords", () => {
  it("returns what a keyword returns, an array, bytes, nothing", async () => {
    const server = await start({
      keywords: [
        ["ExecuteCommand version", { return: "Renode, version 1.16.1\n\n" }],
        ["ExecutePython bytes", { base64: "AP9/" }],
      ],
    });
    expect(await server.command("version")).toBe("Renode, version 1.16.1");
    expect(await server.python("bytes")).toEqual(Buffer.from([0, 255, 127]));
    expect(await server.keyword("ResetEmulation", [])).toBeNull();
  });

  it("sends arguments that look like named ones under their name", async () => {
    const calls = join(scratch, "calls");
    const server = await start({ calls });
    await server.command("x=5");
    await server.command("cpu PC");
    await server.command("$bin=@/a&b<c>.elf");
    expect(
      readFileSync(calls, "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual([
      ["ExecuteCommand", "command=x=5"],
      ["ExecuteCommand", "cpu PC"],
      ["ExecuteCommand", "$bin=@/a&b<c>.elf"],
    ]);
  });

  it("tells a failed keyword from one that renode does not know", async () => {
    const server = await start({
      keywords: [
        ["nonsense", { fail: "KeywordException: No such command or device: nonsense\n" }],
        ["Nope", { fault: [1, 'Keyword "Nope" not found'] }],
      ],
    });
    const failed = await failure(server.command("nonsense"));
    expect(failed.code).toBe("command-failed");
    expect(failed.message).toContain("No such command or device: nonsense");
    expect(failed.transcript).toContain("> ExecuteCommand nonsense\n! KeywordException");
    const fault = await failure(server.keyword("Nope", []));
    expect(fault.code).toBe("rpc-fault");
    expect(fault.message).toContain('Keyword "Nope" not found');
    expect(server.process.alive).toBe(true);
  });

  it.each([
    ["no xml", { garbage: "<html>404</html>" }, "bad-reply"],
    ["half a reply", { garbage: "<methodResponse><params><param><value><struct>" }, "bad-reply"],
    ["a closed connection", { drop: true }, "bad-reply"],
    ["an exit", { exit: 3 }, "process-exited"],
    ["an exit with code 0", { exit: 0 }, "process-exited"],
    ["a crash", { signal: "SIGSEGV" }, "process-exited"],
  ])("reports %s", async (_, action, code) => {
    const server = await start({ keywords: [["version", action]] });
    expect((await failure(server.command("version"))).code).toBe(code);
  });

  it("keeps exit code and signal of a process that ends", async () => {
    const exiting = await start({ keywords: [["version", { log: "last words\n", exit: 3 }]] });
    expect(await failure(exiting.command("version"))).toMatchObject({ exitCode: 3, signal: null });
    expect(await failure(exiting.command("again"))).toMatchObject({ code: "process-exited", exitCode: 3 });
    const crashing = await start({ keywords: [["version", { signal: "SIGSEGV" }]] });
    expect(await failure(crashing.command("version"))).toMatchObject({ exitCode: null, signal: "SIGSEGV" });
  });
});

describe("limits", () => {
  it("kills the whole group when a call does not return", async () => {
    const file = join(scratch, "hanging");
    const server = await start({ grandchild: file, keepRunning: true, keywords: [["RunFor", { hang: true }]] });
    const error = await failure(server.command('emulation RunFor "1.0"', 300));
    expect(error).toMatchObject({ code: "wall-timeout", signal: "SIGKILL" });
    expect(error.message).toContain("300 ms");
    expect(error.durationMs).toBeGreaterThan(290);
    expect(await isGone(Number(readFileSync(file, "utf8")))).toBe(true);
    expect(await failure(server.command("version"))).toMatchObject({ code: "wall-timeout" });
  });

  it("does not wait out a call that a cpu abort has made endless", async () => {
    const log = "[ERROR] cpu: CPU abort [PC=0x60000000]: Trying to execute code outside RAM or ROM\n";
    const server = await start({ keywords: [["RunFor", { log, hang: true }]] });
    const error = await failure(server.command('emulation RunFor "1.0"'));
    expect(error.code).toBe("cpu-abort");
    expect(error.message).toContain("CPU abort [PC=0x60000000]");
    expect(error.durationMs).toBeLessThan(3000);
  });

  it("kills a process that floods its output, and keeps both ends of the transcript", async () => {
    const server = await start({ log: "first line\n", keywords: [["RunFor", { flood: 3_000_000 }]] });
    const error = await failure(server.command('emulation RunFor "1.0"'));
    expect(error.code).toBe("output-flood");
    expect(error.message).toContain("1000000 bytes");
    expect(error.transcript.length).toBeLessThan(8300);
    expect(error.transcript).toMatch(/^first line/);
    expect(error.transcript).toMatch(/bytes left out/);
  });

  it("kills a process that ignores the end of its input", async () => {
    const server = await start({ keepRunning: true });
    const begin = performance.now();
    await server.stop(200);
    expect(performance.now() - begin).toBeLessThan(2000);
    expect(server.process.facts().signal).toBe("SIGKILL");
  });

  it("leaves no process behind when its own is killed without a word", async () => {
    const module = new URL("./robot-server.ts", import.meta.url).href;
    const options = { executable, extraArgs: [], port: 0, startTimeoutMs: 5000, wallTimeoutMs: 5000 };
    const code = `
      const { RobotServer } = await import(${JSON.stringify(module)});
      const options = ${JSON.stringify({ ...options, maxOutputBytes: 1e6, transcriptBytes: 8192 })};
      const server = await RobotServer.start({ ...options, env: { ...process.env, FAKE_RENODE: "{}" } });
      console.log(server.process.pid);
      setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", code], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, TMPDIR: scratch },
    });
    const pid = await new Promise<number>((resolve) =>
      parent.stdout.once("data", (chunk) => resolve(Number(String(chunk)))),
    );
    expect(isAlive(pid)).toBe(true);
    parent.kill("SIGKILL");
    expect(await isGone(pid)).toBe(true);
  });
});
