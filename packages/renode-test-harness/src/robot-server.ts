import { request } from "node:http";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { EmulatorProcess } from "./emulator-process.js";
import { RenodeError } from "./errors.js";
import { keywordArguments } from "./monitor-text.js";
import { decodeResponse, encodeCall, isStruct, XmlRpcFault, type XmlRpcValue } from "./xmlrpc.js";

export interface RobotServerOptions {
  readonly executable: string;
  readonly env: NodeJS.ProcessEnv;
  readonly extraArgs: readonly string[];
  /** TCP port of the robot server; 0 looks for a free one. */
  readonly port: number;
  readonly startTimeoutMs: number;
  /** Wall-clock limit of one call; beyond it the process group is killed. */
  readonly wallTimeoutMs: number;
  readonly maxOutputBytes: number;
  readonly transcriptBytes: number;
}

const MAX_REPLY_BYTES = 256 * 1024 * 1024;
const NOTED_REPLY_CHARACTERS = 2000;
/** A blocking keyword never returns after a CPU abort; this long it may still try. */
const ABORT_GRACE_MS = 300;
const POLL_MS = 20;
const PORT_TRIES = 3;

/**
 * A running Renode and its robot server: keywords in, values out. Calls are carried out one after another by Renode.
 */
export class RobotServer {
  private constructor(
    readonly process: EmulatorProcess,
    readonly port: number,
    readonly options: RobotServerOptions,
  ) {}

  /**
   * @throws RenodeError "start-failed" (not runnable, port taken), "process-exited", "wall-timeout"
   */
  static async start(options: RobotServerOptions): Promise<RobotServer> {
    for (let attempt = 1; ; attempt++) {
      const port = options.port === 0 ? await freePort() : options.port;
      const emulator = new EmulatorProcess({
        ...options,
        // --console keeps port 1234 closed and makes the closing of our pipe end the process.
        args: ["--disable-gui", "--console", "--plain", "--hide-analyzers", "--robot-server-port", `${port}`].concat(
          options.extraArgs,
        ),
      });
      try {
        await waitForPort(emulator, port, options.startTimeoutMs);
        return new RobotServer(emulator, port, options);
      } catch (error) {
        emulator.kill("start-failed", "start was given up");
        await emulator.closed;
        // Somebody took the port between our look and Renode's bind.
        if (options.port === 0 && emulator.portTaken && attempt < PORT_TRIES) continue;
        throw error;
      }
    }
  }

  /**
   * Runs a robot keyword.
   * @returns what it returns, null if nothing
   * @throws RenodeError "command-failed" when the keyword says FAIL, "rpc-fault" when Renode does not know it in this
   *   form, "cpu-abort", "wall-timeout", "process-exited", "output-flood" when the process is gone afterwards
   */
  async keyword(
    name: string,
    args: readonly string[],
    wallTimeoutMs = this.options.wallTimeoutMs,
  ): Promise<XmlRpcValue> {
    const what = `${name}${args.map((arg) => ` ${arg}`).join("")}`;
    if (!this.process.alive) throw this.process.endedError(what);
    this.process.note(`> ${what}`);
    let body: string;
    try {
      body = await this.#post(encodeCall("run_keyword", [name, args]), what, wallTimeoutMs);
    } catch (error) {
      if (error instanceof RenodeError) throw error;
      // A dying process closes the connection a little before its end is reported.
      await Promise.race([this.process.closed, sleep(1000)]);
      if (!this.process.alive) throw this.process.endedError(what);
      throw this.process.error("bad-reply", `connection to renode failed during ${what}: ${String(error)}`, {
        cause: error,
      });
    }
    return this.#read(body, what);
  }

  /** A monitor command; its output without surrounding white space. */
  async command(command: string, wallTimeoutMs?: number): Promise<string> {
    const value = await this.keyword("ExecuteCommand", keywordArguments([["command", command]]), wallTimeoutMs);
    return String(value ?? "")
      .replace(/\n\n/g, "\n")
      .trim();
  }

  /** A Python expression or script inside Renode; the value of its last line. */
  async python(code: string, wallTimeoutMs?: number): Promise<XmlRpcValue> {
    return this.keyword("ExecutePython", keywordArguments([["command", code]]), wallTimeoutMs);
  }

  async stop(graceMs = 3000): Promise<void> {
    await this.process.stop(graceMs);
  }

  #read(body: string, what: string): XmlRpcValue {
    let reply: XmlRpcValue;
    try {
      reply = decodeResponse(body);
    } catch (cause) {
      if (cause instanceof XmlRpcFault) {
        this.process.note(`! ${cause.faultString}`);
        throw this.process.error("rpc-fault", `renode refused ${what}: ${cause.faultString}`, { cause });
      }
      throw this.process.error("bad-reply", `renode answered ${what} with no xml-rpc reply`, { cause });
    }
    if (!isStruct(reply)) throw this.process.error("bad-reply", `renode answered ${what} with no struct`);
    if (reply["status"] !== "PASS") {
      const reason = String(reply["error"] ?? "no reason given").trim();
      this.process.note(`! ${reason}`);
      throw this.process.error("command-failed", `${what} failed: ${reason}`);
    }
    const value = reply["return"] ?? null;
    if (typeof value === "string" && value.trim() !== "") {
      this.process.note(`< ${value.trim().slice(0, NOTED_REPLY_CHARACTERS)}`);
    }
    return value;
  }

  #post(xml: string, what: string, wallTimeoutMs: number): Promise<string> {
    const emulator = this.process;
    return new Promise((resolve, reject) => {
      let abortSeen: number | undefined;
      const watch = setInterval(() => {
        if (!emulator.alive) return stop(emulator.endedError(what));
        if (performance.now() > deadline) {
          return kill("wall-timeout", `${what} did not return in ${wallTimeoutMs} ms; process group killed`);
        }
        if (emulator.cpuAbort === undefined) return;
        abortSeen ??= performance.now();
        if (performance.now() - abortSeen < ABORT_GRACE_MS) return;
        kill("cpu-abort", `${what} never returns after: ${emulator.cpuAbort}; process group killed`);
      }, POLL_MS);
      const deadline = performance.now() + wallTimeoutMs;
      const call = request(
        { host: "127.0.0.1", port: this.port, method: "POST", path: "/", agent: false, headers: headersFor(xml) },
        (response) => {
          const chunks: Buffer[] = [];
          let bytes = 0;
          response.on("data", (chunk: Buffer) => {
            bytes += chunk.length;
            if (bytes > MAX_REPLY_BYTES) response.destroy(new Error(`reply exceeds ${MAX_REPLY_BYTES} bytes`));
            else chunks.push(chunk);
          });
          response.on("error", stop);
          response.on("end", () => {
            clearInterval(watch);
            resolve(Buffer.concat(chunks).toString("utf8"));
          });
        },
      );
      function stop(error: Error): void {
        clearInterval(watch);
        call.destroy();
        reject(error);
      }
      function kill(code: "wall-timeout" | "cpu-abort", reason: string): void {
        clearInterval(watch);
        emulator.kill(code, reason);
        void emulator.closed.then(() => stop(emulator.endedError(what)));
      }
      call.on("error", stop);
      call.end(xml);
    });
  }
}

function headersFor(xml: string): { [name: string]: string | number } {
  return { "content-type": "text/xml", "content-length": Buffer.byteLength(xml), connection: "close" };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "0.0.0.0", resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === "string") throw new RenodeError("start-failed", "no free tcp port");
  return address.port;
}

/** Ready means: this very process has written the port down. Another program that answers there does not count. */
async function waitForPort(emulator: EmulatorProcess, port: number, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    if (!emulator.alive) {
      await emulator.closed;
      throw emulator.endedError("start");
    }
    if (emulator.robotPorts().includes(port)) return;
    if (emulator.portTaken) throw emulator.error("start-failed", `robot server could not bind port ${port}`);
    if (performance.now() > deadline) {
      throw emulator.error("wall-timeout", `robot server was not up within ${timeoutMs} ms`);
    }
    await sleep(POLL_MS);
  }
}
