// Commands that the documentation shows: they exist, with the options and choices that stand there.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { ROOT, runCli } from "./cli-harness.js";

const COMMANDS = "convert inspect eval run check flash build train study prune shrink".split(" ");
/** Written by a generator from what was measured, with its own commands. */
const GENERATED = /BENCHMARKS\.md$/;

/** Markdown files of a folder, and of those below it where `deep`. */
const markdownIn = (folder: string, deep = false): string[] =>
  readdirSync(join(ROOT, folder), { recursive: deep, encoding: "utf8" })
    .filter((name) => name.endsWith(".md") && !name.includes("node_modules") && !GENERATED.test(name))
    .map((name) => join(folder, name));

const packages = readdirSync(join(ROOT, "packages")).flatMap((name) => markdownIn(join("packages", name)));
const pages = [".", "firmware", "bench"].flatMap((folder) => markdownIn(folder)).concat(packages);
for (const folder of ["docs", "examples"]) pages.push(...markdownIn(folder, true));

/** Options of a command: their long and short names, each with the values it may have (empty: any). */
type Options = ReadonlyMap<string, readonly string[]>;
const known = new Map<string, Options>();

function optionsOf(help: string): Options {
  const options = new Map<string, readonly string[]>();
  for (const entry of help.split(/\n(?= {2}-)/).slice(1)) {
    const text = entry.replaceAll(/\s+/g, " ");
    const choices = /one of ([^;)]+)/.exec(text)?.[1]?.split(" | ") ?? [];
    const flags = /^ *(.*?)(?: {2}|$)/m.exec(entry)![1]!;
    for (const [name] of flags.matchAll(/--?[a-z][a-z-]*/gi)) options.set(name, choices);
  }
  return options;
}

/** `gatelet COMMAND ...` in fenced blocks, indented blocks and code spans; a span may go over the end of a line. */
function commandsIn(page: string): string[] {
  const text = readFileSync(join(ROOT, page), "utf8");
  const fenced = [...text.matchAll(/^```[^\n]*\n([\s\S]*?)^```/gm)].flatMap((match) => match[1]!.split("\n"));
  const indented = text.split("\n").filter((line) => /^ {4}\S/.test(line));
  const spans = [...text.replaceAll(/^```[\s\S]*?^```/gm, "").matchAll(/`([^`]+)`/g)].map((match) =>
    match[1]!.replaceAll("\n", " "),
  );
  const start = new RegExp(`^\\s*(?:npx )?(gatelet (?:${COMMANDS.join("|")})\\b.*)`);
  return [...fenced, ...indented, ...spans].flatMap((line) => start.exec(line)?.[1] ?? []);
}

/** What is wrong with one command of a page. */
function mistakesIn(command: string): string[] {
  const words = command.replaceAll(/"[^"]*"/g, "TEXT").split(/[\s[\]]+/);
  const options = known.get(words[1]!)!;
  return words.flatMap((word, i) => {
    const name = /^--?[a-z][a-z-]*/.exec(word)?.[0];
    if (name === undefined) return [];
    const choices = options.get(name);
    if (choices === undefined) return [`${name} is no option of ${words[1]}`];
    const value = words[i + 1] ?? "";
    const plain = /^[a-z0-9,-]+$/.test(value);
    return choices.length > 0 && plain && !choices.includes(value) ? [`${name} ${value}: ${choices.join(", ")}`] : [];
  });
}

describe("documented commands", () => {
  beforeAll(async () => {
    const helps = await Promise.all(COMMANDS.map((command) => runCli([command, "--help"])));
    COMMANDS.forEach((command, i) => {
      known.set(command, optionsOf(helps[i]!.stdout));
    });
  }, 60_000);

  it("are understood by this test", () => {
    expect(known.get("build")!.get("--target")).toContain("zephyr");
    expect(known.get("train")!.has("-d")).toBe(true);
    expect(mistakesIn("gatelet build a.gate --target stone --nope")).toEqual([
      expect.stringContaining("--target stone"),
      "--nope is no option of build",
    ]);
    expect(pages.flatMap(commandsIn).length).toBeGreaterThan(40);
  });

  it.each(pages)("%s shows commands that are there", (page) => {
    const mistakes = commandsIn(page).flatMap((command) => mistakesIn(command).map((text) => `${command}: ${text}`));
    expect(mistakes).toEqual([]);
  });

  it.each(pages)("%s links to files that are there", (page) => {
    const text = readFileSync(join(ROOT, page), "utf8").replaceAll(/^```[\s\S]*?^```/gm, "");
    const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map((match) => match[1]!);
    const missing = links.filter((link) => !link.includes("://") && !existsSync(join(ROOT, page, "..", link)));
    expect(missing).toEqual([]);
  });
});
