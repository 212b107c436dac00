// A signed cookie: `text.signature`, HMAC-SHA-256. Web Crypto alone, so that Node, Deno, Bun and workers all run it.

const encoder = new TextEncoder();

/** A key of a secret that only the server knows. */
export const keyOf = (secret) =>
  crypto.subtle.importKey("raw", encoder.encode(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);

const toText = (bytes) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
const toBytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));

/** State as the value of a cookie. */
export async function seal(key, state) {
  const text = toText(state);
  return `${text}.${toText(new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(text))))}`;
}

/** The state in a cookie's value; undefined where it was not signed with this key. */
export async function unseal(key, value) {
  const [text, signature, ...rest] = value.split(".");
  if (signature === undefined || rest.length > 0) return undefined;
  try {
    const isOurs = await crypto.subtle.verify("HMAC", key, toBytes(signature), encoder.encode(text));
    return isOurs ? toBytes(text) : undefined;
  } catch {
    return undefined; // not base64
  }
}

/** Value of a cookie of a request. */
export const cookieOf = (request, name) =>
  (request.headers.get("cookie") ?? "")
    .split(/;\s*/)
    .find((part) => part.startsWith(`${name}=`))
    ?.slice(name.length + 1);
