import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { afterAll, describe, expect, it } from "vitest";
import { convertExample, startCli, temporaryFolder } from "./cli-harness.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());

const FRAMES = 1_000_000;
const PIECE = 10_000;

/** Resident memory of a process in bytes (Linux). */
async function residentBytes(pid: number): Promise<number> {
  const match = /VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, "utf8"));
  return Number(match?.[1]) * 1024;
}

describe.skipIf(process.platform !== "linux")("run on a million frames", () => {
  it.each(["csv", "int16"])(
    "of %s keeps its memory",
    async (format) => {
      const gate = await convertExample(folder.path(`${format}.gate`));
      const child = startCli(["run", gate, "--format", format, "--hop", "8"], ["--max-old-space-size=96"]);
      let decisions = 0;
      child.stdout.on("data", (data: Buffer) => {
        for (const byte of data) if (byte === 10) decisions++;
      });
      const closed = once(child, "close");
      const samples = Int16Array.from(
        { length: PIECE * 3 },
        (_, i) => 1000 * Math.sin(i * 0.37) + (i % 3 === 2 ? 2000 : 0),
      );
      const lines =
        Array.from({ length: PIECE }, (_, t) => samples.subarray(3 * t, 3 * t + 3).join(",")).join("\n") + "\n";
      const piece = format === "csv" ? lines : new Uint8Array(samples.buffer);
      const resident: number[] = [];
      for (let sent = 0; sent < FRAMES; sent += PIECE) {
        if (!child.stdin.write(piece)) await once(child.stdin, "drain");
        if (sent % (10 * PIECE) === 0) resident.push(await residentBytes(child.pid!));
      }
      child.stdin.end();
      expect((await closed)[0]).toBe(0);
      expect(decisions).toBe(1 + Math.floor((FRAMES - 64) / 8) + 1);
      // After the first fifth, in which caches fill, nothing grows by more than noise.
      const settled = resident.slice(2);
      expect(Math.max(...settled)).toBeLessThan(Math.min(...settled) * 1.35);
    },
    120_000,
  );
});
