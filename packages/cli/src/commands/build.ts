import { join, relative } from "node:path";
import { Command, Option } from "commander";
import { parseBytes } from "../budget.js";
import { CliError } from "../cli-error.js";
import { readGateFile } from "../load-data.js";
import { buildTarget, TARGETS, type Target } from "../targets/targets.js";
import type { Terminal } from "../terminal.js";
import { grouped } from "../text/numbers.js";
import { makeFolder, writeFileWhole } from "../write-file.js";
import { jsonOption } from "./options.js";

interface BuildFlags {
  readonly target: Target;
  readonly output: string;
  readonly simd?: true;
  readonly ram?: string;
  readonly json?: true;
}

const SIMD_TARGETS: readonly Target[] = ["wasm", "esm", "component"];

export function buildCommand(terminal: Terminal): Command {
  return new Command("build")
    .description("make something to ship from a .gate file")
    .argument("<file>", ".gate file")
    .addOption(new Option("--target <target>", "what to make").choices(TARGETS).default("wasm"))
    .requiredOption("-o, --output <path>", "folder to write to; wasm: also a .wasm file alone")
    .option("--simd", "128-bit vector instructions: Node, browsers, edge runtimes")
    .option("--ram <bytes>", "budget for the module and its linear memory under WAMR, e.g. 16K")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\ntargets:\n  wasm       one self-contained module, C header, example for WAMR and wasm3\n  esm        npm package with a loader for Node, browsers, workers\n  component  WebAssembly component and its WIT; with jco installed a JavaScript package too\n  c          the model as an array, its step, the C library, CMakeLists.txt, main.c, README.md\n  arduino    library folder with a sketch\n  zephyr     module with a sample\n\nexample:\n  gatelet build har.gate --target wasm --ram 32K -o dist/",
    )
    .action((file: string, flags: BuildFlags) => run(terminal, file, flags));
}

async function run(terminal: Terminal, file: string, flags: BuildFlags): Promise<void> {
  if (flags.ram !== undefined && flags.target !== "wasm") {
    throw new CliError("USAGE", `--ram is for --target wasm, this is --target ${flags.target}`);
  }
  if (flags.simd && !SIMD_TARGETS.includes(flags.target)) {
    throw new CliError("USAGE", `--simd is for --target ${SIMD_TARGETS.join(", ")}, this is --target ${flags.target}`);
  }
  const result = await buildTarget(flags.target, await readGateFile(file), {
    file,
    simd: flags.simd === true,
    ...(flags.ram === undefined ? {} : { ramBytes: parseBytes(flags.ram, "--ram") }),
  });
  const alone = flags.target === "wasm" && flags.output.endsWith(".wasm");
  const written: Written[] = [];
  const write = async (path: string, content: Uint8Array | string) => {
    await writeFileWhole(path, content);
    written.push({ path, bytes: typeof content === "string" ? Buffer.byteLength(content) : content.length });
  };
  if (alone) {
    await write(flags.output, result.files.get(`${result.name}.wasm`)!);
  } else {
    for (const [name, content] of result.files) {
      const path = join(flags.output, name);
      await makeFolder(join(path, ".."));
      await write(path, content);
    }
  }
  const { wasm } = result;
  const sizes =
    wasm === undefined
      ? undefined
      : {
          moduleBytes: wasm.bytes.length,
          codeBytes: wasm.codeBytes,
          memoryBytes: wasm.layout.end,
          ramBytes: wasm.ramBytes,
        };
  if (flags.json) {
    terminal.print(JSON.stringify({ target: flags.target, files: written, ...sizes, note: result.note }, null, 2));
    return;
  }
  for (const line of listOf(written, flags.output)) terminal.print(line);
  if (result.note !== undefined) terminal.print(result.note);
  if (sizes === undefined) return;
  const ram = flags.target === "wasm" ? `; with the module ${grouped(sizes.ramBytes)} bytes of RAM under WAMR` : "";
  const memory = `linear memory ${grouped(sizes.memoryBytes)} bytes, never grows`;
  terminal.print(`code ${grouped(sizes.codeBytes)} bytes, ${memory}${ram}`);
}

interface Written {
  readonly path: string;
  readonly bytes: number;
}

/** A line for each file, but one for all of the C library. */
function listOf(written: readonly Written[], output: string): string[] {
  const isLibrary = ({ path }: Written) => /[\\/]gatelet[\\/]/.test(`/${relative(output, path)}`);
  const library = written.filter(isLibrary);
  const lines = written.filter((file) => !isLibrary(file)).map(({ path, bytes }) => `${path}  ${grouped(bytes)} bytes`);
  if (library.length === 0) return lines;
  const bytes = library.reduce((sum, file) => sum + file.bytes, 0);
  return [...lines, `and the C library: ${library.length} files, ${grouped(bytes)} bytes of source`];
}
