import { firmwareFiles, kernelDefinitions, modelHeader, modelSource } from "./c-target.js";

/** A file and the C library around it, in the folders that a build system of boards wants. */
export type Files = Map<string, Uint8Array | string>;

/**
 * Model and C library below `folder`: `NAME.c`, `NAME.h`, and the library flat in `gatelet/`, so that it compiles without include
 * paths. Its configuration knows the model's kernels, for such build systems take no definitions.
 * @param withAssembly also the routines for Armv7E-M
 */
export async function flatLibrary(
  bytes: Uint8Array,
  name: string,
  folder: string,
  withAssembly: boolean,
): Promise<Files> {
  const files: Files = new Map([
    [`${folder}/${name}.c`, modelSource(bytes, name, { includePrefix: "gatelet/" })],
    [`${folder}/${name}.h`, modelHeader(bytes, name, { includePrefix: "gatelet/" })],
  ]);
  for (const [path, content] of await firmwareFiles()) {
    const file = path.slice(path.lastIndexOf("/") + 1);
    if (file.endsWith(".S") && !withAssembly) continue;
    files.set(
      `${folder}/gatelet/${file}`,
      file === "gatelet_config.h" ? configured(bytes, new TextDecoder().decode(content)) : content,
    );
  }
  return files;
}

function configured(bytes: Uint8Array, config: string): string {
  const lines = kernelDefinitions(bytes).map(([key, value]) => `#ifndef ${key}\n#define ${key} ${value}\n#endif`);
  return `/* This model's kernels, by gatelet build. */\n${lines.join("\n")}\n\n${config}`;
}

/** Index of the largest value of the last row, as a C function that both examples share. */
export function decideSource(name: string): string {
  return `static int decide(const ${name}_value *row) {
  int best = 0;
  for (int i = 1; i < ${name.toUpperCase()}_OUTPUT_SIZE; i++) best = row[i] > row[best] ? i : best;
  return best;
}
`;
}
