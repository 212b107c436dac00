import { decodeBase64 } from "../base64.js";
import { ByteWriter } from "./bytes.js";
import { COMPONENT_FUNCTIONS } from "./component-abi.js";
import { EXPORT_KIND, encodeModule, I32 } from "./module.js";

/** Section of a component that holds a core module. */
export const CORE_MODULE_SECTION = 1;

/**
 * A component of the world `gatelet:model/model` around a core module made with `LinkOptions.component`. Types, instance and
 * exports depend on the WIT alone, so that they are put together when Gatelet is built (tools/generate).
 */
export async function componentOf(core: Uint8Array): Promise<Uint8Array> {
  const { COMPONENT_SHELL } = await import("./component-shell.gen.js");
  return new ByteWriter()
    .raw(decodeBase64(COMPONENT_SHELL.before))
    .u8(CORE_MODULE_SECTION)
    .block(new ByteWriter().raw(core).raw(decodeBase64(COMPONENT_SHELL.coreTail)).toBytes())
    .raw(decodeBase64(COMPONENT_SHELL.after))
    .toBytes();
}

/** Text of wit/model.wit. */
export async function componentWit(): Promise<string> {
  return (await import("./component-shell.gen.js")).COMPONENT_WIT;
}

/** The smallest core module that has a component's exports. */
export function emptyComponentCore(): Uint8Array {
  const type = (parameters: number, hasResult: boolean): Uint8Array => {
    const encoded = new ByteWriter().u8(0x60).u32(parameters);
    for (let i = 0; i < parameters; i++) encoded.u8(I32);
    return (hasResult ? encoded.u32(1).u8(I32) : encoded.u32(0)).toBytes();
  };
  return encodeModule({
    types: COMPONENT_FUNCTIONS.map(([, , parameters, hasResult]) => type(parameters, hasResult)),
    imports: [],
    functions: COMPONENT_FUNCTIONS.map((_, i) => ({ type: i, body: Uint8Array.of(0, 0x00, 0x0b) })),
    memory: { minimum: 1, maximum: 1 },
    globals: [],
    exports: [
      { name: "memory", kind: EXPORT_KIND.MEMORY, index: 0 },
      ...COMPONENT_FUNCTIONS.map(([, name], index) => ({ name, kind: EXPORT_KIND.FUNCTION, index })),
    ],
    data: [],
  });
}
