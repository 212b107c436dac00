// PORT=8080 deno run --unstable-kv --allow-net --allow-env --allow-read --allow-write server.js
// Deno KV keeps the streams; the client holds an unguessable name, signed, so that made-up names are refused at once.
import { cookieOf, keyOf, seal, unseal } from "../cookie.js";
import { card, load } from "../model/index.js";
import { carryOn, framesOf } from "../serve.js";

const [secret, port, store] = [Deno.env.get("SECRET"), Deno.env.get("PORT") ?? "8080", Deno.env.get("STORE")];
if (!secret) throw new Error("SECRET is not set");
const KEPT_MS = 24 * 60 * 60 * 1000;
const key = await keyOf(secret);
const kv = await Deno.openKv(store);
const model = await load();
const refuse = (status, error) => Response.json({ error }, { status });

Deno.serve({ port: Number(port), hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
  if (request.method !== "POST" || new URL(request.url).pathname !== "/step") return refuse(404, "POST /step");
  const frames = await framesOf(request, card.frameSize);
  if (frames === undefined) return refuse(400, `body must be frames of ${card.frameSize} int16 values`);
  const cookie = cookieOf(request, "stream");
  const name = cookie === undefined ? crypto.getRandomValues(new Uint8Array(16)) : await unseal(key, cookie);
  if (name === undefined) return refuse(403, "the stream's cookie was changed");
  const kept = await kv.get(["stream", name]);
  try {
    const next = carryOn(model, kept.value ?? undefined, frames);
    const written = await kv.atomic().check(kept).set(["stream", name], next.state, { expireIn: KEPT_MS }).commit();
    if (!written.ok) return refuse(409, "two requests of one stream at the same time");
    return Response.json(next.answer, {
      headers: { "set-cookie": `stream=${await seal(key, name)}; Path=/; HttpOnly; SameSite=Strict; Secure` },
    });
  } catch (error) {
    return refuse(400, error.message);
  }
});
