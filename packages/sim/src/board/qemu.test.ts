import { afterEach, describe, expect, it } from "vitest";
import { missing } from "../../../../test/support/requirements.js";
import { demoElf } from "../testing/demo.gen.js";
import { BuiltinBoard } from "./builtin.js";
import { QemuBoard } from "./qemu.js";

describe.skipIf(missing("qemu"))("the qemu engine", () => {
  const board = new QemuBoard({ skip: ["print"] });
  afterEach(() => board.close());

  it("counts the same instructions between two symbols as the built-in engine", async () => {
    const builtin = new BuiltinBoard();
    for (const each of [builtin, board]) {
      await each.load(demoElf());
      await each.writeMemory(each.symbol("mode"), new Uint8Array(4));
    }
    for (const [from, to] of [
      ["compute", "bench_begin"],
      ["fibonacci", "crc32"],
      ["dot", "wait_ticks"],
    ]) {
      const counts: number[] = [];
      for (const each of [builtin, board]) {
        await each.run({ until: { symbol: from }, maxInstructions: 1e6 });
        counts.push((await each.run({ until: { symbol: to }, maxInstructions: 1e6 })).instructions);
      }
      expect(counts[1]).toBe(counts[0]);
      expect(counts[0]).toBeGreaterThan(2);
    }
    const result = async (each: BuiltinBoard | QemuBoard) => each.readMemory(each.symbol("results"), 8);
    expect(await result(board)).toEqual(await result(builtin));
  });

  it("refuses what it cannot do", async () => {
    await board.load(demoElf());
    await expect(board.run({ until: { halt: true } })).rejects.toThrow(/symbol or an address only/);
    expect(() => board.symbol("nothing")).toThrow(/no symbol nothing/);
  });
});
