import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** The version whose output the tests run; others of its line may do as well. */
export const JCO_INSTALL = "npm install --save-dev --save-exact @bytecodealliance/jco@1.34.0";

/** What is used of jco. */
interface Jco {
  transpile(
    component: Uint8Array,
    options: { name: string; instantiation: "async"; minify: boolean },
  ): Promise<{ files: Readonly<Record<string, Uint8Array>> }>;
}

/** Modules from which jco is looked for: the user's project, then this package. */
const places = (): string[] => [pathToFileURL(join(process.cwd(), "package.json")).href, import.meta.url];

async function findJco(from: readonly string[]): Promise<Jco | undefined> {
  for (const place of from) {
    let path: string;
    try {
      path = createRequire(place).resolve("@bytecodealliance/jco");
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "MODULE_NOT_FOUND") continue;
      throw error;
    }
    return (await import(pathToFileURL(path).href)) as Jco;
  }
  return undefined;
}

/** The glue asks for this several times a call: slow in Node, and a permission in Deno. */
const DEBUG_SWITCH = "globalThis?.process?.env?.JCO_DEBUG";

/**
 * JavaScript glue and core module of a component, by file name; undefined where jco is not installed.
 * @param from URLs of modules from which jco is looked for
 */
export async function transpile(
  component: Uint8Array,
  from: readonly string[] = places(),
): Promise<Readonly<Record<string, Uint8Array>> | undefined> {
  const jco = await findJco(from);
  if (jco === undefined) return undefined;
  const { files } = await jco.transpile(component, { name: "model", instantiation: "async", minify: true });
  const glue = new TextDecoder().decode(files["model.js"]);
  return { ...files, "model.js": new TextEncoder().encode(glue.replaceAll(DEBUG_SWITCH, "false")) };
}
