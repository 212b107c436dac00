/** A fresh Node without a loader of TypeScript, as a user has it: `cold-esm.mjs INDEX FRAMES` prints what hosts/cold.ts prints. */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [index, framesPath] = process.argv.slice(2);
const frames = new Int16Array(Uint8Array.from(readFileSync(framesPath)).buffer);
const start = performance.now();
const { load } = await import(pathToFileURL(index).href);
const imported = performance.now();
const before = process.cpuUsage();
if ((await load()).run(frames).length === 0) throw new Error("the package gave no answer");
const answerMs = performance.now() - imported;
const { user, system } = process.cpuUsage(before);
console.log(JSON.stringify({ importMs: imported - start, answerMs, cpuMs: (user + system) / 1000 }));
