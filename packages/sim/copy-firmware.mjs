// Puts the generated firmware images beside the built package, where a published one finds them.
import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const from = new URL("../../firmware/generated/", import.meta.url);
const to = new URL("assets/", import.meta.url);
mkdirSync(to, { recursive: true });
for (const name of readdirSync(from)) {
  if (name.endsWith("-nrf52840.gen.elf") || /-nrf52840-0x[0-9a-f]+\.gen\.elf$/.test(name)) {
    copyFileSync(fileURLToPath(new URL(name, from)), fileURLToPath(new URL(name, to)));
  }
}
