/** Writes the committed vectors: `npx tsx test/vectors/generate.ts`. Raise GENERATOR_VERSION when they change on purpose. */
import { writeFileSync } from "node:fs";
import { makeVectorFiles, VECTOR_FOLDER } from "../support/vectors.js";

for (const [name, text] of makeVectorFiles()) writeFileSync(VECTOR_FOLDER + name, text);
