import { encodeModel, readModel } from "@gatelet/converter/format";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { randomFrames, randomModel } from "../../../../test/support/random-models.js";
import { missing } from "../../../../test/support/requirements.js";
import type { Board } from "../board.js";
import { runnerElf } from "../runner/elf-file.js";
import { type RunnerReport, runOnBoard } from "../runner/run.js";
import { demoElf } from "../testing/demo.gen.js";
import { BuiltinBoard } from "./builtin.js";
import { QemuBoard } from "./qemu.js";
import { RenodeBoard } from "./renode.js";

const SEEDS = [3, 8, 21];

function job(seed: number) {
  const model = encodeModel(randomModel(seed, { wildness: 0 }));
  const { header } = readModel(model);
  const frames = randomFrames(seed, header, header.window > 0 ? header.window + 2 : 6);
  const flat = Int16Array.from(frames.flatMap((frame) => [...frame]));
  return { elf: runnerElf(), model, frames: flat, frameSize: header.frameSize, quiet: true };
}

/** What all engines must agree on. */
const facts = ({ status, frames, steps, outputCrc, stateCrc, state, marked }: RunnerReport) => ({
  status,
  frames,
  steps,
  outputCrc,
  stateCrc,
  state,
  instructions: marked.instructions,
});

async function agrees(boardFor: () => Board): Promise<void> {
  for (const seed of SEEDS) {
    const board = boardFor();
    const expected = await runOnBoard(new BuiltinBoard(), job(seed));
    expect(facts(await runOnBoard(board, job(seed))), `seed ${seed}`).toEqual(facts(expected));
    expect(expected.marked.instructions).toBeGreaterThan(100);
  }
}

describe.skipIf(missing("renode"))("the renode engine", () => {
  let board: RenodeBoard;
  beforeAll(() => {
    board = new RenodeBoard();
  });
  afterAll(() => board.close());

  it("runs the runner to the same bytes and counts the same instructions as the built-in engine", () =>
    agrees(() => board));

  it("runs to lines and addresses, resets, reads and writes memory like the built-in engine", async () => {
    const builtin = new BuiltinBoard();
    const seen = [];
    for (const each of [builtin, board] as Board[]) {
      await each.load(demoElf());
      const toSymbol = await each.run({ until: { symbol: "compute" }, maxInstructions: 1e6 });
      await each.writeMemory(each.symbol("mode"), new Uint8Array(4));
      const toAddress = await each.run({ until: { address: each.symbol("bench_begin") }, maxInstructions: 1e6 });
      const results = await each.readMemory(each.symbol("results"), 8);
      await each.reset();
      const again = await each.run({ until: { symbol: "compute" }, maxInstructions: 1e6 });
      seen.push({ toSymbol, toAddress, results, again, text: each.uartText });
    }
    const [expected, actual] = seen.map((one) =>
      JSON.parse(JSON.stringify(one, (key, value) => (key === "cycles" ? undefined : value))),
    );
    expect(actual).toEqual(expected);
  });

  it("says what it cannot do, and when a limit came first", async () => {
    await board.load(demoElf());
    await expect(board.run({ until: { halt: true } })).rejects.toThrow(/symbol, an address or a uart line only/);
    await expect(board.run({ maxCycles: 5 })).rejects.toThrow(/no cycle model/);
    const { reason } = await board.run({ until: { address: 0xf0000 }, maxInstructions: 1e6 });
    expect(reason).toBe("max-instructions");
  });
});

describe.skipIf(missing("qemu"))("the qemu engine under the runner", () => {
  it("leaves the same bytes and counts the same instructions as the built-in engine", async () => {
    const boards: QemuBoard[] = [];
    try {
      await agrees(() => {
        boards.push(new QemuBoard({ skip: ["board_uart_start", "board_enable_cache", "board_print"] }));
        return boards.at(-1)!;
      });
    } finally {
      for (const board of boards) await board.close();
    }
  });
});
