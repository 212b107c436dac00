import { readModel } from "@gatelet/converter/format";
import { type ComponentDescription, componentOf, componentWit, kernelsFor, linkModule } from "@gatelet/kernels";
import type { BuiltWasm } from "./build-wasm.js";
import { modelCard } from "./esm-files.js";
import { linkFacts } from "./link-facts.js";

export interface BuiltComponent extends BuiltWasm {
  readonly component: Uint8Array;
  readonly description: ComponentDescription;
}

/**
 * A component of the world `gatelet:model/model` from a `.gate` file.
 * @param frames frames that one call can take
 * Throws FormatError for a file that is refused.
 */
export async function buildComponent(
  bytes: Uint8Array,
  name: string,
  options: { readonly simd?: boolean; readonly frames: number },
): Promise<BuiltComponent> {
  const model = readModel(bytes);
  const facts = linkFacts(model);
  const description: ComponentDescription = modelCard({ model, facts }, name);
  const simd = options.simd === true;
  const kernels = await kernelsFor(facts, simd);
  const linked = linkModule(kernels, bytes, facts, { simd, frames: options.frames, component: description });
  const component = await componentOf(linked.bytes);
  return { ...linked, component, description, model, facts, ramBytes: component.length + linked.layout.end };
}

/** The text that goes to `wit/`. */
export const witFile = componentWit;
