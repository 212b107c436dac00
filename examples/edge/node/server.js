// SECRET=... PORT=8080 node server.js
import { createServer } from "node:http";
import { card, load } from "../model/index.js";
import { cookieHandler } from "../serve.js";

const { SECRET, PORT = "8080" } = process.env;
if (!SECRET) throw new Error("SECRET is not set");
const handle = await cookieHandler(await load(), card, SECRET);
const MOST_BYTES = 64 * 1024;

createServer(async (incoming, outgoing) => {
  const parts = [];
  let bytes = 0;
  for await (const part of incoming) {
    bytes += part.length;
    if (bytes <= MOST_BYTES) parts.push(part);
  }
  if (bytes > MOST_BYTES) return outgoing.writeHead(413).end();
  const { method, headers, url } = incoming;
  const body = method === "POST" ? Buffer.concat(parts) : undefined;
  const request = new Request(new URL(url, "http://localhost"), {
    method,
    headers: { cookie: headers.cookie ?? "" },
    body,
  });
  const response = await handle(request);
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(Buffer.from(await response.arrayBuffer()));
}).listen(Number(PORT), "127.0.0.1");
