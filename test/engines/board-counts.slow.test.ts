import { afterAll, describe, expect, it } from "vitest";
import { missing } from "../support/requirements.js";
import { BoardRuns, type OtherEngine } from "./board-counts.js";
import { sharedJob } from "./board-steps.js";

/** One window and a piece of the next: QEMU counts some 400,000 instructions a second. */
const MODELS = ["hapt-gru32", "hapt-lstm32", "hapt-rnn32", "hapt-cnn16", "hapt-convgru", "wand-convgru", "digits-gru"];
const TAIL_FRAMES = 3;

const runs = new BoardRuns();
afterAll(() => runs.close());

describe.skipIf(missing("shared")).each<OtherEngine>(["qemu", "renode"])("trained models", (engine) => {
  describe.skipIf(missing(engine))(`${engine} counts as many instructions as the built-in board`, () => {
    it.each(MODELS)("%s, a window of a recording", async (name) => {
      const job = await sharedJob(name, 8, 1, TAIL_FRAMES);
      const expected = await runs.run("builtin", job);
      expect(await runs.run(engine, job)).toEqual(expected);
      console.info(`${name}: ${expected.instructions} instructions, ${engine} differs by 0`);
      expect(expected.instructions).toBeGreaterThan(50_000);
    });
  });
});
