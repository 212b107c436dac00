// What a user gets from npm: every package packed, installed into a blank project, and used there.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { extrasPackage, missing } from "../support/requirements.js";
import { EXAMPLE, ROOT, temporaryFolder } from "./cli-harness.js";

const MOST_BYTES = 10e6;
const MOST_PACKAGES = 20;
/** Files that a tarball may hold; anything else is a slip of `files`. */
const EXPECTED: Record<string, RegExp> = {
  gatelet: /^(bin\/gatelet\.mjs|dist\/.+\.(js|d\.ts)|firmware\/(include|src)\/\w+(\.gen)?\.[chS])$/,
  "@gatelet/converter": /^dist\/.+\.(js|d\.ts)$/,
  "@gatelet/kernels": /^(dist\/.+\.(js|d\.ts)|dist\/(scalar|simd|scalar-own-memory)\.wasm|wit\/.+\.wit)$/,
  "@gatelet/sim": /^(dist\/.+\.(js|d\.ts)|assets\/[\w-]+\.gen\.elf)$/,
  "@gatelet/train": /^dist\/.+\.(js|d\.ts)$/,
  "renode-test-harness": /^(dist\/.+\.(js|d\.ts)|platforms\/[\w-]+\.(repl|resc|robot))$/,
};
const EVERYWHERE = /^(package\.json|LICENSE|NOTICE|README\.md)$/;

const folder = temporaryFolder();
const blank = folder.path("blank");
interface Tarball {
  readonly name: string;
  readonly path: string;
  readonly files: readonly string[];
}
let tarballs: Tarball[];

function run(command: string, args: readonly string[], cwd = blank, input: string | Buffer = "") {
  const env = { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0", npm_config_update_notifier: "false" };
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    input,
    encoding: "utf8",
    env,
    shell: process.platform === "win32",
  });
  if (error) throw error;
  return { status, stdout, stderr };
}

function done(command: string, args: readonly string[], cwd = blank, input: string | Buffer = ""): string {
  const { status, stdout, stderr } = run(command, args, cwd, input);
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: exit ${status}\n${stdout}\n${stderr}`);
  return stdout;
}

/** Names of the files in a gzipped tar archive, without npm's leading `package/`. */
function tarNames(path: string): string[] {
  const tar = gunzipSync(readFileSync(path));
  const text = (at: number, length: number) => tar.toString("utf8", at, at + length).replace(/\0.*$/s, "");
  const names: string[] = [];
  for (let at = 0; tar[at] !== 0; ) {
    const name = [text(at + 345, 155), text(at, 100)].filter(Boolean).join("/");
    if (text(at + 156, 1) === "0") names.push(name.replace(/^package\//, ""));
    at += 512 + Math.ceil(Number.parseInt(text(at + 124, 12), 8) / 512) * 512;
  }
  return names;
}

function filesBelow(path: string): string[] {
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesBelow(join(path, entry.name)) : entry.isFile() ? [join(path, entry.name)] : [],
  );
}

beforeAll(() => {
  mkdirSync(blank);
  const entries = readdirSync(join(ROOT, "packages"));
  for (const entry of entries)
    done("npm", ["pack", "--silent", "--pack-destination", folder.path("")], join(ROOT, "packages", entry));
  tarballs = entries.map((entry) => {
    const { name, version } = JSON.parse(readFileSync(join(ROOT, "packages", entry, "package.json"), "utf8"));
    const path = folder.path(`${name.replace("@", "").replace("/", "-")}-${version}.tgz`);
    return { name, path, files: tarNames(path) };
  });
  writeFileSync(join(blank, "package.json"), '{ "name": "blank", "private": true, "type": "module" }\n');
  done("npm", ["install", "--silent", "--no-audit", "--no-fund", ...tarballs.map(({ path }) => path)]);
}, 300_000);
afterAll(() => folder.remove());

describe("tarballs", () => {
  it("hold what they should, with the licence, and nothing of the tests", () => {
    expect(tarballs.map(({ name }) => name).sort()).toEqual(Object.keys(EXPECTED).sort());
    const licence = readFileSync(join(ROOT, "LICENSE"), "utf8");
    for (const { name, files } of tarballs) {
      const strange = files.filter(
        (file) => !EVERYWHERE.test(file) && (!EXPECTED[name]!.test(file) || /[./]test[./]|fixture/.test(file)),
      );
      expect(strange, name).toEqual([]);
      expect(files, name).toContain("README.md");
      expect(readFileSync(join(blank, "node_modules", name, "LICENSE"), "utf8"), name).toBe(licence);
    }
  });
  it("pass publint", () => {
    for (const { path } of tarballs) done("npx", ["--no-install", "publint", "--strict", path], ROOT);
  });
  it.skipIf(missing("attw"))(
    "have types that node16 and bundlers resolve (are-the-types-wrong)",
    () => {
      const attw = join(extrasPackage("attw"), "dist/index.js");
      for (const { path, name } of tarballs) {
        const files = [
          "--exclude-entrypoints",
          "./platforms/*",
          "./scalar.wasm",
          "./simd.wasm",
          "./scalar-own-memory.wasm",
        ];
        const { status, stdout, stderr } = run(process.execPath, [
          attw,
          path,
          "--profile",
          "esm-only",
          "--no-emoji",
          ...files,
        ]);
        expect(status, `${name}\n${stdout}${stderr}`).toBe(0);
      }
    },
    300_000,
  );
});

describe("a blank project after npm i gatelet", () => {
  it(`has at most ${MOST_PACKAGES} packages and ${MOST_BYTES / 1e6} MB, none with an install script`, () => {
    const lock = JSON.parse(readFileSync(join(blank, "package-lock.json"), "utf8"));
    const installed = Object.entries<{ hasInstallScript?: true }>(lock.packages).filter(([path]) => path !== "");
    expect(installed.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path)).toEqual([]);
    expect(installed.length).toBeLessThanOrEqual(MOST_PACKAGES);
    const bytes = filesBelow(join(blank, "node_modules")).reduce((sum, file) => sum + statSync(file).size, 0);
    console.log(`npm i gatelet: ${installed.length} packages, ${bytes} bytes`);
    expect(bytes).toBeLessThanOrEqual(MOST_BYTES);
  });

  it("converts, inspects, runs, checks and builds the example", () => {
    const gatelet = (...args: string[]) => done("npx", ["--no-install", "gatelet", ...args]);
    const calibration = join(EXAMPLE, "calibration.csv");
    gatelet("convert", join(EXAMPLE, "model.json"), "--calibrate", calibration, "-o", "pump.gate");
    expect(gatelet("inspect", "pump.gate", "--json")).toContain('"arenaBytes"');
    const rows = readFileSync(join(EXAMPLE, "recording.csv"), "utf8").split("\n").slice(0, 200).join("\n");
    const decisions = done("npx", ["--no-install", "gatelet", "run", "pump.gate", "--json"], blank, rows);
    expect(decisions.trim().split("\n").length).toBeGreaterThanOrEqual(3);
    gatelet("check", "pump.gate", "--board", "nrf52840");
    for (const target of ["wasm", "esm", "c", "arduino", "zephyr"])
      gatelet("build", "pump.gate", "--target", target, "-o", target);
    for (const file of ["wasm/pump.wasm", "esm/index.js", "c/gatelet/src/step.c"]) {
      expect(existsSync(join(blank, file)), file).toBe(true);
    }
  }, 300_000);

  it("answers with the install command where a heavy part is needed", () => {
    const { status, stderr } = run("npx", [
      "--no-install",
      "gatelet",
      "train",
      "--data",
      join(EXAMPLE, "recording.csv"),
      "--preset",
      "gru",
      "--split",
      "random",
      "--hop",
      "50",
      "-o",
      "out",
    ]);
    expect(status).not.toBe(0);
    expect(stderr).toContain("npm install @tensorflow/tfjs");
  });

  for (const [module, resolution] of [
    ["nodenext", "nodenext"],
    ["esnext", "bundler"],
  ] as const) {
    it(`gives a TypeScript program its types under ${resolution} resolution`, () => {
      const source = `import { convert, folderSource, Model as Full } from "gatelet";
import { Model } from "gatelet/model";
import { readModel } from "@gatelet/converter/format";
import { loadRecordings } from "@gatelet/train";
const { bytes } = await convert(await folderSource("model.json"), { stream: true });
const model = await Model.load(bytes, { engine: "scalar" });
const count: number = readModel(bytes).header.frameSize;
export const answers = [model.run(new Int16Array(count)), Full, loadRecordings];
// @ts-expect-error a path is not a file's bytes
await Model.load("model.gate");
`;
      writeFileSync(join(blank, "program.ts"), source);
      const flags = [
        "--noEmit",
        "--strict",
        "--skipLibCheck",
        "--target",
        "es2022",
        "--lib",
        "es2023,dom",
        "--types",
        "node",
      ];
      const roots = ["--typeRoots", join(ROOT, "node_modules/@types")];
      const modules = ["--module", module, "--moduleResolution", resolution];
      done(process.execPath, [
        join(ROOT, "node_modules/typescript/bin/tsc"),
        ...flags,
        ...roots,
        ...modules,
        "program.ts",
      ]);
    });
  }
});
