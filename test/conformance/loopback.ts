import { Agent, type IncomingMessage, request } from "node:http";

/** One kept-alive connection to a server on the loopback interface: as little as possible between a job and its answer. */
export class Loopback {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(private readonly port: number) {}

  /** POST of a body, GET without one. Rejects where nobody listens. */
  send(body?: Uint8Array): Promise<{ readonly status: number; readonly body: Buffer }> {
    const { agent, port } = this;
    return new Promise((resolve, reject) => {
      const answered = (response: IncomingMessage): void => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
      };
      const method = body === undefined ? "GET" : "POST";
      const sent = request({ host: "127.0.0.1", port, method, agent }, answered);
      sent.on("error", reject);
      sent.end(body);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}
