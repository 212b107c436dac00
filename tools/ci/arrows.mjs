// Arrows between packages point one way (docs/DESIGN.md): cli -> train -> converter, cli -> sim -> converter/format,
// sim -> renode-test-harness; kernels depend on nothing. Fails on an import, a declared dependency or a reference that breaks it.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const ALLOWED = {
  "kernels-as": [],
  converter: [],
  "renode-test-harness": [],
  sim: ["@gatelet/converter/format", "renode-test-harness"],
  train: ["@gatelet/converter"],
  cli: ["@gatelet/converter", "@gatelet/kernels", "@gatelet/sim", "@gatelet/train", "renode-test-harness"],
};
const OURS = /from\s+"((?:@gatelet\/|gatelet$|renode-test-harness)[^"]*)"/g;
const ESCAPE = /from\s+"((?:\.\.\/)+(?:packages|test|firmware|tools)\/[^"]*)"/g;
const problems = [];

function* sources(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* sources(path);
    else if (/\.tsx?$/.test(entry.name) && !/\.test\.ts$/.test(entry.name)) yield path;
  }
}

for (const [name, allowed] of Object.entries(ALLOWED)) {
  for (const path of sources(`${root}/packages/${name}/src`)) {
    const text = readFileSync(path, "utf8");
    const where = path.slice(root.length);
    for (const [, target] of text.matchAll(OURS)) {
      if (!allowed.some((prefix) => target === prefix || target.startsWith(`${prefix}/`)))
        problems.push(`${where} imports ${target}; packages/${name} may import: ${allowed.join(", ") || "nothing"}`);
    }
    for (const [, target] of text.matchAll(ESCAPE)) problems.push(`${where} reaches into ${target}`);
  }
}
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
