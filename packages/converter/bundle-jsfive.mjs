// Puts jsfive itself in place of dist/archive/jsfive.js, which tsc made to import it: the installed package and its pako take 3.4 MB
// on disk, of which 80 KB are the reader. Run by `npm run build`, and again before packing.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const folder = fileURLToPath(new URL(".", import.meta.url));
const require = createRequire(import.meta.url);
/** Folder of an installed package, whatever its `exports` allow. */
const home = (name, from = require) => {
  const path = from.resolve(name);
  return path.slice(0, path.lastIndexOf(join("node_modules", name)) + join("node_modules", name).length);
};
const jsfive = home("jsfive");
const pako = home("pako", createRequire(join(jsfive, "package.json")));
const licences = [
  `jsfive ${JSON.parse(readFileSync(join(jsfive, "package.json"), "utf8")).version}`,
  readFileSync(join(jsfive, "LICENSE.txt"), "utf8"),
  "pako, inside jsfive",
  readFileSync(join(pako, "LICENSE"), "utf8"),
  readFileSync(join(pako, "lib/zlib/README"), "utf8"),
];

await build({
  entryPoints: [join(folder, "src/archive/jsfive.ts")],
  outfile: join(folder, "dist/archive/jsfive.js"),
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "inline",
  banner: {
    js: `/*!\n${licences
      .map((text) => text.trim())
      .join("\n\n")
      .replaceAll("*/", "* /")}\n*/`,
  },
  absWorkingDir: dirname(folder),
  logLevel: "warning",
});
