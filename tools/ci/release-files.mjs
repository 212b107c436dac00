// Tarballs of all packages, and the software bill of materials of what `npm i` of them brings along, into build/release.
// node tools/ci/release-files.mjs
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
const sbom = JSON.parse(npm(["sbom", "--sbom-format", "cyclonedx"], blank));
rmSync(blank, { recursive: true, force: true });

/** Packages that a tarball holds inside a file of its own, with the notice by which their version is found there. */
const BUNDLED = [
  { name: "jsfive", license: "LicenseRef-public-domain AND BSD-3-Clause", version: /^jsfive ([\d.]+)$/m },
  { name: "pako", license: "MIT AND Zlib", version: /pako ([\d.]+) https:/ },
];
const holder = sbom.components.find(({ purl }) => purl?.startsWith("pkg:npm/%40gatelet/converter@"));
const text = readFileSync(join(root, "packages/converter/dist/archive/jsfive.js"), "utf8");
for (const { name, license, version: pattern } of BUNDLED) {
  const version = pattern.exec(text)?.[1];
  if (holder === undefined || version === undefined) {
    console.error(`sbom: ${name} not found inside @gatelet/converter`);
    process.exit(1);
  }
  const purl = `pkg:npm/${name}@${version}`;
  const licenses = [{ expression: license }];
  sbom.components.push({
    "bom-ref": `${name}@${version}`,
    type: "library",
    name,
    version,
    scope: "required",
    purl,
    licenses,
  });
  sbom.dependencies.push({ ref: `${name}@${version}`, dependsOn: [] });
  sbom.dependencies.find(({ ref }) => ref === holder["bom-ref"]).dependsOn.push(`${name}@${version}`);
}
writeFileSync(join(release, "gatelet.cdx.json"), JSON.stringify(sbom, null, 2));
console.log(`${tarballs.length} tarballs, ${sbom.components.length} components in gatelet.cdx.json`);
