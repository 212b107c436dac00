import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { identifierOf } from "./names.js";

describe("identifierOf", () => {
  it("makes names for files and C of whatever a model is called", () => {
    expect(["pump", "My-Model v2", "3 axes", "", "--"].map(identifierOf)).toEqual([
      "pump",
      "my_model_v2",
      "model_3_axes",
      "model_unnamed",
      "model_unnamed",
    ]);
  });

  it("takes no name of the C library or of C's headers", () => {
    const firmware = fileURLToPath(new URL("../../../../firmware", import.meta.url));
    for (const file of [...readdirSync(`${firmware}/src`), ...readdirSync(`${firmware}/include`)]) {
      const stem = file.replace(/(\.gen)?\.[chS]$/, "");
      expect(identifierOf(stem), stem).not.toBe(stem);
    }
    for (const name of ["main", "stdio", "math", "string"]) expect(identifierOf(name)).toBe(`model_${name}`);
  });
});
