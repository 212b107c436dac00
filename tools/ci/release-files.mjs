// Tarballs of all packages, and the software bill of materials of what `npm i` of them brings along, into build/release.
// node tools/ci/release-files.mjs
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const release = join(root, "build/release");

function npm(args, cwd) {
  const { status, stdout } = spawnSync("npm", args, {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    shell: process.platform === "win32",
  });
  if (status === 0) return stdout;
  console.error(`npm ${args.join(" ")}: exit ${status}`);
  process.exit(1);
}

rmSync(release, { recursive: true, force: true });
mkdirSync(release, { recursive: true });
for (const entry of readdirSync(join(root, "packages")))
  npm(["pack", "--silent", "--pack-destination", release], join(root, "packages", entry));

const blank = mkdtempSync(join(tmpdir(), "gatelet-sbom-"));
const tarballs = readdirSync(release).map((name) => join(release, name));
writeFileSync(join(blank, "package.json"), '{ "name": "gatelet-release", "version": "0.0.0", "private": true }\n');
npm(["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", ...tarballs], blank);
const sbom = npm(["sbom", "--sbom-format", "cyclonedx"], blank);
writeFileSync(join(release, "gatelet.cdx.json"), sbom);
rmSync(blank, { recursive: true, force: true });

const { components } = JSON.parse(sbom);
console.log(`${tarballs.length} tarballs, ${components.length} components in gatelet.cdx.json`);
