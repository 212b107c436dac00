import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildTarget } from "../../packages/cli/src/targets/targets.js";
import type { Work } from "../../test/conformance/job-files.js";

/** Writes the package of `--target esm --simd` of a model, named `model`, and returns its folder below `folder`. */
export async function writeEsmPackage({ name, file }: Work, folder: string): Promise<string> {
  const home = join(folder, `esm-${name}`);
  mkdirSync(home, { recursive: true });
  const { files } = await buildTarget("esm", file, { simd: true, file: "model.gate" });
  for (const [path, content] of files) writeFileSync(join(home, path), content);
  return home;
}
