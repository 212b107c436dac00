import { decodeBase64 } from "../base64.js";
import type { LinkFacts } from "./facts.js";

/** The smallest prebuilt module of kernels that can do what a model needs. */
export async function kernelsFor(facts: LinkFacts, simd: boolean): Promise<Uint8Array> {
  // loaded when it is needed: programs that only run models never touch it
  const { LINKABLE_BASE64 } = await import("../wasm/linkable.gen.js");
  if (simd) return decodeBase64(LINKABLE_BASE64.simd);
  if (!facts.usualActivations || facts.weightBits === 0) return decodeBase64(LINKABLE_BASE64.general);
  return decodeBase64(facts.weightBits === 8 ? LINKABLE_BASE64.bits8 : LINKABLE_BASE64.bits4);
}
