/** Decoders of the host, where it has one: they take a fiftieth of the time of `atob` and a loop. */
const HOST = globalThis as {
  readonly Buffer?: { from(text: string, encoding: "base64"): Uint8Array };
  readonly Uint8Array: { fromBase64?(text: string): Uint8Array<ArrayBuffer> };
};

/** Bytes of a base64 text. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  if (HOST.Uint8Array.fromBase64 !== undefined) return HOST.Uint8Array.fromBase64(text);
  if (HOST.Buffer !== undefined) return new Uint8Array(HOST.Buffer.from(text, "base64"));
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
