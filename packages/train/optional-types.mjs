// tfjs is an optional peer: where it is not installed its types become `any` in the declarations, instead of errors for everybody who
// compiles without skipLibCheck. tsc drops such comments, so they are put in behind it. Run by `npm run build`, and before packing.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const MARK = "// @ts-ignore types of an optional peer\n";
const dist = fileURLToPath(new URL("dist/", import.meta.url));

for (const name of readdirSync(dist, { recursive: true })) {
  if (!name.endsWith(".d.ts")) continue;
  const file = join(dist, name);
  const text = readFileSync(file, "utf8");
  const marked = text.replaceAll(MARK, "").replace(/^(?=import [^;]* from "@tensorflow\/)/gm, MARK);
  if (marked !== text) writeFileSync(file, marked);
  if (/import\("@tensorflow\//.test(text)) {
    throw new Error(`${name} names tfjs in an inferred type, which no comment can excuse: write that type out`);
  }
}
