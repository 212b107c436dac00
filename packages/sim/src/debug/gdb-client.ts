import { connect, type Socket } from "node:net";
import { hexBytes, packet, parseHex } from "./gdb-packets.js";

/** A small client of the GDB remote protocol, for emulators that offer a stub. One command at a time. */
export class GdbClient {
  private buffer = "";
  private waiting: { resolve: (reply: string) => void; reject: (error: Error) => void } | undefined;
  private failure: Error | undefined;

  private constructor(private readonly socket: Socket) {
    socket.on("data", (data) => {
      this.buffer += data.toString("latin1");
      this.deliver();
    });
    const fail = () => {
      this.failure = new Error("gdb connection closed");
      this.waiting?.reject(this.failure);
    };
    socket.on("error", fail);
    socket.on("close", fail);
  }

  /** Connects to a Unix socket path, trying for `timeoutMs`. */
  static async open(path: string, timeoutMs: number): Promise<GdbClient> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      try {
        const socket = await new Promise<Socket>((resolve, reject) => {
          const attempt = connect(path);
          attempt.once("connect", () => resolve(attempt));
          attempt.once("error", reject);
        });
        return new GdbClient(socket);
      } catch (error) {
        if (Date.now() > deadline) throw new Error(`no gdb stub at ${path} after ${timeoutMs} ms`, { cause: error });
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  private deliver(): void {
    const match = /\$([^#]*)#[0-9a-f]{2}/.exec(this.buffer);
    if (match === null || this.waiting === undefined) return;
    this.buffer = this.buffer.slice(match.index + match[0].length);
    const { resolve } = this.waiting;
    this.waiting = undefined;
    this.socket.write("+");
    resolve(match[1]);
  }

  /** Sends a command and waits for its reply. */
  send(command: string): Promise<string> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.socket.write(packet(command));
      this.deliver();
    });
  }

  /** Sends Ctrl-C; the pending continue replies. */
  interrupt(): void {
    this.socket.write("\u0003");
  }

  async read(address: number, bytes: number): Promise<Uint8Array> {
    const result = new Uint8Array(bytes);
    for (let at = 0; at < bytes; at += 1024) {
      const length = Math.min(1024, bytes - at);
      result.set(parseHex(await this.send(`m${(address + at).toString(16)},${length.toString(16)}`)), at);
    }
    return result;
  }

  async write(address: number, data: Uint8Array): Promise<void> {
    const reply = await this.send(`M${address.toString(16)},${data.length.toString(16)}:${hexBytes(data)}`);
    if (reply !== "OK") throw new Error(`gdb stub refused a write at 0x${address.toString(16)}: ${reply}`);
  }

  close(): void {
    this.socket.destroy();
  }
}
