import { type GateModel, readModel } from "@gatelet/converter/format";
import { checkLinkedModule, kernelsFor, type LinkedModule, type LinkFacts, linkModule } from "@gatelet/kernels";
import { linkFacts } from "./link-facts.js";

export interface BuiltWasm extends LinkedModule {
  readonly model: GateModel;
  readonly facts: LinkFacts;
  /** What WAMR holds in RAM: the module's bytes and its linear memory. */
  readonly ramBytes: number;
}

/**
 * One self-contained module of a `.gate` file.
 * @param frames frames that one call of `run` can take
 * Throws FormatError for a file that is refused.
 */
export async function buildWasm(
  bytes: Uint8Array,
  options: { readonly simd?: boolean; readonly frames?: number } = {},
): Promise<BuiltWasm> {
  const model = readModel(bytes);
  const facts = linkFacts(model);
  const simd = options.simd === true;
  const linked = linkModule(await kernelsFor(facts, simd), bytes, facts, { simd, frames: options.frames ?? 1 });
  const faults = checkLinkedModule(linked.bytes, simd ? "simd" : "mcu");
  if (faults.length > 0) throw new RangeError(`linker made a module that ${faults.join("; ")}`);
  return { ...linked, model, facts, ramBytes: linked.bytes.length + linked.layout.end };
}
