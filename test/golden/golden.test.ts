import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readModel, STATUS } from "@gatelet/converter/format";
import { describe, expect, it } from "vitest";
import { ReferenceModel } from "../reference/index.js";

const folder = fileURLToPath(new URL(".", import.meta.url));
const names = readdirSync(folder)
  .filter((name) => name.endsWith(".gate"))
  .map((name) => name.slice(0, -5));

interface Golden {
  readonly frames: readonly (readonly number[])[];
  readonly outputs: readonly (readonly (readonly number[])[])[];
  readonly state: string;
}

describe("golden files", () => {
  it("exist for format version 1", () => {
    expect(names).toEqual(["v1-smallest", "v1-stream", "v1-tokens", "v1-window"]);
  });

  for (const name of names) {
    it(`${name} is read and answers as it did when it was written`, () => {
      const golden = JSON.parse(readFileSync(`${folder}${name}.json`, "utf8")) as Golden;
      const reference = new ReferenceModel(readFileSync(`${folder}${name}.gate`));
      expect(reference.gate.meta.name).toBe(name.slice(3));
      const stream = reference.createStream();
      golden.frames.forEach((frame, step) => {
        const { status, rows } = stream.step(Int16Array.from(frame));
        expect(status).toBe(STATUS.OK);
        expect(rows.map((row) => [...row])).toEqual(golden.outputs[step]);
      });
      expect(Buffer.from(stream.saveState()).toString("base64")).toBe(golden.state);
      reference.createStream().restoreState(Buffer.from(golden.state, "base64"));
    });
  }

  it("the hex dump of FORMAT.md is the smallest of them", () => {
    const text = readFileSync(fileURLToPath(new URL("../../docs/FORMAT.md", import.meta.url)), "utf8");
    const bytes: number[] = [];
    for (const [, offset, hex] of text.matchAll(/^([0-9a-f]{4}) {2}((?:[0-9a-f]{2} ?){16})/gm)) {
      expect(Number.parseInt(offset!, 16)).toBe(bytes.length);
      for (const byte of hex!.trim().split(" ")) bytes.push(Number.parseInt(byte, 16));
    }
    const file = readFileSync(`${folder}v1-smallest.gate`);
    expect(Buffer.from(bytes).toString("hex")).toBe(file.toString("hex"));
    expect(readModel(file).records.map(({ kernel }) => kernel)).toEqual(["INPUT", "DENSE"]);
  });
});
