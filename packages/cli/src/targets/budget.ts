import { CliError } from "../cli-error.js";
import type { BuiltWasm } from "./build-wasm.js";

/** Refuses a module that, with its linear memory, is larger than the RAM it is to run in. Throws `BUDGET`. */
export function checkRam({ bytes, layout, facts, ramBytes }: BuiltWasm, limit: number | undefined): void {
  if (limit === undefined || ramBytes <= limit) return;
  const memory = `linear memory ${layout.end} (static data ${layout.staticBytes}, arena ${facts.arenaBytes}, buffers ${layout.end - layout.staticBytes - facts.arenaBytes})`;
  const parts = `module ${bytes.length}, ${memory}`;
  const advice = `the c target keeps weights in flash and takes ${facts.arenaBytes} bytes of RAM for a stream`;
  throw new CliError("BUDGET", `wamr needs ${ramBytes} bytes of RAM (${parts}), budget is ${limit}: ${advice}`);
}
