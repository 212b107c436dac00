import { afterEach, expect, it, vi } from "vitest";
import type { BuiltWasm } from "./build-wasm.js";
import { esmBytes } from "./esm-files.js";

afterEach(() => vi.unstubAllGlobals());

const MODULE = Uint8Array.from({ length: 1000 }, (_, i) => i * 7);
/** The package's bytes.js as a host would import it. */
async function load(): Promise<{ bytes(): Uint8Array }> {
  const source = Buffer.from(esmBytes({ bytes: MODULE } as BuiltWasm)).toString("base64");
  return import(/* @vite-ignore */ `data:text/javascript;base64,${source}`);
}

it("the module's text is decoded in hosts with Buffer, with Uint8Array.fromBase64, and with neither", async () => {
  const { bytes } = await load();
  expect(bytes()).toEqual(MODULE);
  vi.stubGlobal("Buffer", undefined);
  expect(bytes()).toEqual(MODULE);
  const fromBase64 = vi.fn(() => MODULE);
  Object.assign(Uint8Array, { fromBase64 });
  try {
    expect(bytes()).toEqual(MODULE);
    expect(fromBase64).toHaveBeenCalledOnce();
  } finally {
    Reflect.deleteProperty(Uint8Array, "fromBase64");
  }
});
