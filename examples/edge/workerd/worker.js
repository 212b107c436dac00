// Each user's stream is a Durable Object: it is the only one that runs the stream, and its storage keeps the state.
import { cookieOf, keyOf, seal, unseal } from "cookie.js";
import { card, load } from "model/index.js";
import wasm from "model/pump.wasm";
import { carryOn, framesOf } from "serve.js";

const refuse = (status, error) => Response.json({ error }, { status });

export class Stream {
  #storage;
  #model = load(wasm);

  constructor({ storage }) {
    this.#storage = storage;
  }

  async fetch(request) {
    const frames = await framesOf(request, card.frameSize);
    if (frames === undefined) return refuse(400, `body must be frames of ${card.frameSize} int16 values`);
    const model = await this.#model;
    const kept = await this.#storage.get("state");
    try {
      const next = carryOn(model, kept, frames);
      await this.#storage.put("state", next.state);
      return Response.json(next.answer);
    } catch (error) {
      return refuse(400, error.message);
    }
  }
}

export default {
  async fetch(request, { STREAMS, SECRET }) {
    if (request.method !== "POST" || new URL(request.url).pathname !== "/step") return refuse(404, "POST /step");
    const key = await keyOf(SECRET);
    const cookie = cookieOf(request, "stream");
    const name = cookie === undefined ? crypto.getRandomValues(new Uint8Array(16)) : await unseal(key, cookie);
    if (name === undefined) return refuse(403, "the stream's cookie was changed");
    const answer = await STREAMS.get(STREAMS.idFromName(name.join("."))).fetch(request);
    const response = new Response(answer.body, answer);
    response.headers.set("set-cookie", `stream=${await seal(key, name)}; Path=/; HttpOnly; SameSite=Strict; Secure`);
    return response;
  },
};
