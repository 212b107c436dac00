// Puts the C library beside the built package, where `gatelet build --target c` of a published one finds it.
import { cpSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const from = new URL("../../firmware/", import.meta.url);
const to = new URL("firmware/", import.meta.url);
rmSync(fileURLToPath(to), { recursive: true, force: true });
for (const folder of ["include", "src"]) {
  cpSync(fileURLToPath(new URL(folder, from)), fileURLToPath(new URL(folder, to)), { recursive: true });
}
