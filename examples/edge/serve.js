// POST /step with frames (little-endian int16) answers { rows, decision }. One instance serves all users: each request brings its
// user's stream in, carries it on, and takes it out again. `restoreState` to `saveState` is without `await`, so that no other
// request can come between.
import { cookieOf, keyOf, seal, unseal } from "./cookie.js";

const MOST_BYTES = 64 * 1024;
const refuse = (status, error) => Response.json({ error }, { status });

/** Frames of a request's body, or undefined where they are none. */
export async function framesOf(request, frameSize) {
  const body = await request.arrayBuffer();
  if (body.byteLength === 0 || body.byteLength > MOST_BYTES || body.byteLength % (2 * frameSize) !== 0)
    return undefined;
  return new Int16Array(body);
}

/** Carries a stream on: state in, frames, state out. `state` undefined: from the first frame. */
export function carryOn(model, state, frames) {
  if (state === undefined) model.reset();
  else model.restoreState(state);
  const rows = model.run(frames);
  return {
    answer: { rows: [...rows], decision: rows.length > 0 ? model.decide(rows) : null },
    state: model.saveState(),
  };
}

/** A handler of requests that keeps each user's stream in a signed cookie. */
export async function cookieHandler(model, card, secret) {
  const key = await keyOf(secret);
  return async (request) => {
    if (request.method !== "POST" || new URL(request.url).pathname !== "/step") return refuse(404, "POST /step");
    const frames = await framesOf(request, card.frameSize);
    if (frames === undefined) return refuse(400, `body must be frames of ${card.frameSize} int16 values`);
    const cookie = cookieOf(request, "stream");
    const state = cookie === undefined ? undefined : await unseal(key, cookie);
    if (cookie !== undefined && state === undefined) return refuse(403, "the stream's cookie was changed");
    try {
      const next = carryOn(model, state, frames);
      const value = await seal(key, next.state);
      return Response.json(next.answer, {
        headers: { "set-cookie": `stream=${value}; Path=/; HttpOnly; SameSite=Strict; Secure` },
      });
    } catch (error) {
      return refuse(400, error.message); // e.g. a state of an older model
    }
  };
}
