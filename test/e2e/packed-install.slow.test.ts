// What a user gets from npm: every package packed, installed into a blank project, and used there.
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { extrasPackage, missing } from "../support/requirements.js";
import { codeBlocks, EXAMPLE, ROOT, temporaryFolder } from "./cli-harness.js";

/** What `du` says of node_modules: whole blocks of files and folders. */
const MOST_BYTES_ON_DISK = 10e6;
const BLOCK = 4096;
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
    // npm and npx are scripts there; the path of node may have blanks
    shell: process.platform === "win32" && command !== process.execPath,
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

/** Bytes that a folder takes where files and folders take whole blocks: the same everywhere, unlike `du` itself. */
function bytesOnDisk(folder: string): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sum + bytesOnDisk(path);
    return sum + (entry.isFile() ? Math.ceil(statSync(path).size / BLOCK) * BLOCK : 0);
  }, BLOCK);
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
  it(`has at most ${MOST_PACKAGES} packages and ${MOST_BYTES_ON_DISK / 1e6} MB on disk, none with an install script`, () => {
    const lock = JSON.parse(readFileSync(join(blank, "package-lock.json"), "utf8"));
    const installed = Object.entries<{ hasInstallScript?: true }>(lock.packages).filter(([path]) => path !== "");
    expect(installed.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path)).toEqual([]);
    expect(installed.length).toBeLessThanOrEqual(MOST_PACKAGES);
    const bytes = bytesOnDisk(join(blank, "node_modules"));
    console.log(`npm i gatelet: ${installed.length} packages, ${bytes} bytes on disk`);
    expect(bytes).toBeLessThanOrEqual(MOST_BYTES_ON_DISK);
    for (const page of ["README.md", "packages/cli/README.md"]) {
      const said = /(\d+) packages, ([\d.]+) MB on disk/.exec(readFileSync(join(ROOT, page), "utf8"));
      expect(Number(said?.[1]), page).toBe(installed.length);
      expect(Math.abs(Number(said?.[2]) - bytes / 1e6), page).toBeLessThan(0.2);
    }
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
    for (const target of ["wasm", "esm", "component", "c", "arduino", "zephyr"])
      gatelet("build", "pump.gate", "--target", target, "-o", target);
    const made = ["wasm/pump.wasm", "esm/index.js", "component/pump.component.wasm", "c/gatelet/src/step.c"];
    for (const file of made) expect(existsSync(join(blank, file)), file).toBe(true);
  }, 300_000);

  it("reads Keras archives without the package of their reader", () => {
    expect(existsSync(join(blank, "node_modules/jsfive"))).toBe(false);
    const rows = Array.from({ length: 240 }, (_, i) => [i % 7, (i * i) % 11, -(i % 5)].join(","));
    writeFileSync(join(blank, "keras.csv"), `${rows.join("\n")}\n`);
    const model = join(ROOT, "test/import/fixtures/chain.k3.keras");
    done("npx", ["--no-install", "gatelet", "convert", model, "--calibrate", "keras.csv", "-o", "keras.gate"]);
    expect(existsSync(join(blank, "keras.gate"))).toBe(true);
  });

  it("makes a component's JavaScript package once jco is there, and says how to get it before", async () => {
    const build = ["--no-install", "gatelet", "build", "pump.gate", "--target", "component", "-o"];
    expect(done("npx", [...build, "bare"])).toContain("npm install --save-dev --save-exact @bytecodealliance/jco@");
    expect(existsSync(join(blank, "bare/js"))).toBe(false);
    if (missing("jco")) return;
    mkdirSync(join(blank, "node_modules/@bytecodealliance"));
    symlinkSync(extrasPackage("jco"), join(blank, "node_modules/@bytecodealliance/jco"), "junction");
    done("npx", [...build, "component"]);
    rmSync(join(blank, "node_modules/@bytecodealliance"), { recursive: true });
    const program = `import { readFileSync } from "node:fs";
import { Model } from "gatelet";
import { load } from "./component/js/index.js";
const whole = await Model.load(readFileSync("pump.gate"));
const component = await load();
const { frameSize, mostFrames } = component.describe();
const rows = [];
const expected = [];
for (let call = 0; call < 8; call++) {
  const frames = Int16Array.from({ length: mostFrames * frameSize }, (_, i) => ((i + call) * 7919) % 4001 - 2000);
  rows.push(...component.run(frames));
  expected.push(...whole.run(frames).outputs);
}
console.log(JSON.stringify([rows, expected]));
`;
    writeFileSync(join(blank, "component.js"), program);
    const [rows, expected] = JSON.parse(done(process.execPath, ["component.js"]));
    expect(rows.length).toBeGreaterThan(0);
    expect(rows).toEqual(expected);
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

  describe("runs what the packages' pages and DEPLOY.md say, word for word", () => {
    /** What a block takes for granted. */
    const GIVEN: Record<string, string> = {
      "packages/cli/README.md": "",
      "packages/converter/README.md": "",
      "packages/train/README.md": "",
      "packages/kernels-as/README.md":
        'const gateBytes = (await import("node:fs")).readFileSync("model.gate"), frame = Int16Array.of(1, 2, 3);',
      "docs/DEPLOY.md": "const frames = new Int16Array(3 * 64 * 2);",
    };
    beforeAll(() => {
      for (const file of ["model.json", "weights.bin", "meta.json", "recording.csv"])
        copyFileSync(join(EXAMPLE, file), join(blank, file));
      copyFileSync(join(EXAMPLE, "calibration.csv"), join(blank, "recordings.csv"));
      const lines = codeBlocks(join(ROOT, "packages/cli/README.md"), "sh").join("").trim().split("\n");
      expect(lines.length).toBeGreaterThan(3);
      for (const line of lines.filter((each) => !each.startsWith("npm i "))) {
        const { status, stderr } = spawnSync(line, { cwd: blank, shell: true, encoding: "utf8" });
        expect(status, `${line}\n${stderr}`).toBe(0);
      }
      done("npx", ["--no-install", "gatelet", "build", "model.gate", "--target", "esm", "-o", "node_modules/har"]);
    }, 300_000);
    it.each(Object.entries(GIVEN))("%s", (file, given) => {
      const blocks = codeBlocks(join(ROOT, file), "js");
      expect(blocks.length).toBeGreaterThan(0);
      for (const block of blocks) {
        writeFileSync(join(blank, "block.js"), `${given}\n${block}`);
        done(process.execPath, ["block.js"]);
      }
    });
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
      const flags = ["--noEmit", "--strict", "--target", "es2022", "--lib", "es2023,dom", "--types", "node"];
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
