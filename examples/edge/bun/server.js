// SECRET=... PORT=8080 bun server.js
import { card, load } from "../model/index.js";
import { cookieHandler } from "../serve.js";

const { SECRET, PORT = "8080" } = process.env;
if (!SECRET) throw new Error("SECRET is not set");
Bun.serve({ port: Number(PORT), hostname: "127.0.0.1", fetch: await cookieHandler(await load(), card, SECRET) });
