import { readModel } from "@gatelet/converter/format";
import { type ComponentDescription, componentOf, componentWit, kernelsFor, linkModule } from "@gatelet/kernels";
import type { BuiltWasm } from "./build-wasm.js";
import { COMPONENT_TYPES, componentLoader, componentReadme } from "./component-files.js";
import { esmBytes, esmPackage, modelCard } from "./esm-files.js";
import { JCO_INSTALL, transpile } from "./jco.js";
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

/** The files of `--target component`; the JavaScript package only where jco is found. */
export async function componentFiles(
  built: BuiltComponent,
  name: string,
): Promise<{ readonly files: Map<string, Uint8Array | string>; readonly note?: string }> {
  const files = new Map<string, Uint8Array | string>([
    [`${name}.component.wasm`, built.component],
    ["wit/model.wit", await componentWit()],
    ["README.md", componentReadme(built, name)],
  ]);
  const glue = await transpile(built.component);
  if (glue === undefined) {
    return { files, note: `jco is not installed, so there is no JavaScript package: ${JCO_INSTALL}` };
  }
  files.set("js/package.json", esmPackage(name, "glue/model.core.wasm"));
  files.set("js/index.js", componentLoader(built));
  files.set("js/index.d.ts", COMPONENT_TYPES);
  files.set("js/bytes.js", esmBytes(built));
  for (const [path, bytes] of Object.entries(glue)) files.set(`js/glue/${path}`, bytes);
  return { files };
}
