import { encodeModel, readModel } from "@gatelet/converter/format";
import { describe, expect, it } from "vitest";
import { randomFrames, randomModel } from "../../../../test/support/random-models.js";
import { BuiltinBoard } from "../board/builtin.js";
import { RUNNER } from "../runner/map.gen.js";
import { runOnBoard } from "../runner/run.js";
import { BOOT_TARGETS, type BootTarget } from "./boot-target.js";
import { type FlashPiece, joinPieces, writeBinary } from "./flash-piece.js";
import { readIntelHex, writeIntelHex } from "./intel-hex.js";
import { parseRunnerText } from "./runner-text.js";
import { selfTimingImage } from "./self-timing-image.js";
import { NRF52840_FAMILY, readUf2, writeUf2 } from "./uf2.js";

const bytes = (count: number, seed = 1): Uint8Array => Uint8Array.from({ length: count }, (_, i) => i * 31 + seed);
const PIECES: readonly FlashPiece[] = [
  { address: 0x2fff5, bytes: bytes(40, 3) },
  { address: 7, bytes: bytes(300) },
  { address: 307, bytes: bytes(5, 9) },
];

describe("Intel HEX", () => {
  it("writes known records", () => {
    const piece = { address: 0x10000, bytes: Uint8Array.of(1, 2, 255) };
    expect(writeIntelHex([piece])).toBe(":020000040001F9\n:030000000102FFFB\n:00000001FF\n");
  });

  it("gives back what was written, across 64 KB and with gaps", () => {
    expect(readIntelHex(writeIntelHex(PIECES))).toEqual(joinPieces(PIECES));
  });

  it("refuses a changed digit, a cut line and a missing end", () => {
    const text = writeIntelHex(PIECES);
    const lines = text.split("\n");
    expect(() => readIntelHex(text.replace(lines[3]!, lines[3]!.replace(/.{3}$/, "0$&").slice(0, -1)))).toThrow(
      "line 4",
    );
    expect(() => readIntelHex(text.replace(lines[2]!, lines[2]!.slice(0, -2)))).toThrow("line 3 of the hex file is no");
    expect(() => readIntelHex(lines.slice(0, -2).join("\n"))).toThrow("no end record");
  });
});

describe("UF2", () => {
  it("gives back what was written, padded to blocks with erased bytes", () => {
    const file = writeUf2(PIECES);
    const read = readUf2(file);
    expect(read.map(({ address, bytes: { length } }) => [address, length])).toEqual([
      [0, 512],
      [0x2ff00, 512],
    ]);
    for (const { address, bytes: wanted } of joinPieces(PIECES)) {
      const piece = read.find(({ address: from, bytes: { length } }) => from <= address && address < from + length)!;
      expect(piece.bytes.subarray(address - piece.address).subarray(0, wanted.length)).toEqual(wanted);
      expect(piece.bytes[0]).toBe(255);
    }
  });

  it("carries the family, and blocks of others are passed over", () => {
    const file = writeUf2(PIECES);
    expect(new DataView(file.buffer).getUint32(28, true)).toBe(NRF52840_FAMILY);
    expect(readUf2(file, 0x12345678)).toEqual([]);
  });

  it("refuses pieces of blocks, wrong magic numbers and wrong counts", () => {
    const file = writeUf2(PIECES);
    expect(() => readUf2(file.subarray(0, 600))).toThrow("600 bytes");
    expect(() => readUf2(file.subarray(0, 512))).toThrow("block 0 of the uf2 file says it is 0 of 4, there are 1");
    file[1023] ^= 1;
    expect(() => readUf2(file)).toThrow("block 1 of the uf2 file is no uf2 block");
  });
});

describe("binaries and pieces", () => {
  it("fills gaps with erased bytes and begins where it is told", () => {
    const pieces = [
      { address: 0x10002, bytes: Uint8Array.of(1) },
      { address: 0x10005, bytes: Uint8Array.of(2) },
    ];
    expect([...writeBinary(pieces, 0x10000)]).toEqual([255, 255, 1, 255, 255, 2]);
    expect(() => writeBinary(pieces, 0x10004)).toThrow("image begins at 0x10002, before 0x10004");
  });

  it("refuses an overlap", () => {
    expect(() => joinPieces([...PIECES, { address: 306, bytes: bytes(1) }])).toThrow(
      "overlap: 0x132 lies before 0x133",
    );
  });
});

const model = encodeModel(randomModel(3));
const { header } = readModel(model);
const list = randomFrames(3, header, 40);
const frames = Int16Array.from(list.flatMap((frame) => [...frame]));
const build = (target: BootTarget, uartPin?: number) =>
  selfTimingImage({ target, model, frames, frameSize: header.frameSize, uartPin });

async function boot(target: BootTarget, pieces: readonly FlashPiece[], symbols: { name: string; address: number }[]) {
  const board = new BuiltinBoard();
  board.loadFlash(pieces, target.vectors);
  expect(board.runNow({ until: { uartLine: "end" }, maxInstructions: 2e8 }).reason).toBe("uart-line");
  board.runNow({ until: { halt: true }, maxInstructions: 1e6 });
  const { address } = symbols.find(({ name }) => name === "g_result")!;
  return { board, block: await board.readMemory(address, RUNNER.RESULT_STACK_USED_AT + 4) };
}

/** Words of the result block that do not depend on where code and data lie. */
const SAME = ["STATUS", "FRAMES", "ROWS", "OUTPUT_CRC", "STATE_CRC", "CYCLES", "MODEL_CRC", "STACK_USED"] as const;

describe("self-timing images", () => {
  it("from a HEX file leave the same result block as separate images, byte for byte", async () => {
    const [none] = BOOT_TARGETS;
    const { pieces, elf } = build(none);
    const { board, block } = await boot(none, readIntelHex(writeIntelHex(pieces)), elf.symbols);
    const separate = new BuiltinBoard();
    const report = await runOnBoard(separate, { elf: none.elf(), model, frames, frameSize: header.frameSize });
    expect(report.status).toBe(0);
    const wanted = await separate.readMemory(separate.symbol("g_result"), block.length);
    expect(Buffer.from(block).equals(Buffer.from(wanted))).toBe(true);
    expect(board.uartText).toBe(report.uartText);
  });

  it.each(BOOT_TARGETS.slice(1).map((target) => [target.name, target] as const))(
    "for %s start behind the boot loader and count the same",
    async (_name, target) => {
      const [none] = BOOT_TARGETS;
      const plain = await boot(none, build(none).pieces, build(none).elf.symbols);
      const { pieces, elf } = build(target);
      const file = target.name === "arduino" ? undefined : readUf2(writeUf2(pieces));
      const { block } = await boot(
        target,
        file ?? [{ address: target.vectors, bytes: writeBinary(pieces, target.vectors) }],
        elf.symbols,
      );
      for (const name of SAME) {
        const at = RUNNER[`RESULT_${name}_AT`];
        expect(Buffer.from(block).readUInt32LE(at), name).toBe(Buffer.from(plain.block).readUInt32LE(at));
      }
    },
  );

  it("say by UART what they counted", async () => {
    const { pieces, elf, target } = build(BOOT_TARGETS[1]);
    const { board, block } = await boot(target, pieces, elf.symbols);
    const text = parseRunnerText(`noise\r\n${board.uartText.replaceAll("\n", "\r\n")}`)!;
    const word = (name: (typeof SAME)[number]) => Buffer.from(block).readUInt32LE(RUNNER[`RESULT_${name}_AT`]);
    expect(text.status).toBe(0);
    expect(text.cycles).toBe(word("CYCLES"));
    expect(text.outputCrc).toBe(word("OUTPUT_CRC"));
    expect(text.modelCrc).toBe(header.crc32);
    expect(text.layerCycles.length).toBe(readModel(model).records.length);
    expect(text.layerCycles.reduce((sum, cycles) => sum + cycles, 0)).toBeLessThanOrEqual(text.cycles);
    expect(parseRunnerText(board.uartText.replace("outputs", "output"))).toBeUndefined();
  });

  it("print on the pin that is asked for, where the target can", async () => {
    const uarte = 0x40002000;
    for (const [pin, wanted] of [
      [undefined, 35],
      [25, 25],
    ]) {
      const { pieces, target, elf } = build(BOOT_TARGETS[1], pin);
      const { board } = await boot(target, pieces, elf.symbols);
      expect(board.core.memory.load(uarte + 0x50c, 4)).toBe(wanted);
    }
    expect(() => build(BOOT_TARGETS[0], 25)).toThrow("an image for none prints on P0.06");
    expect(() => build(BOOT_TARGETS[1], 48)).toThrow("pin 48 is outside 0..47");
  });

  it("refuse models and frames that do not fit", () => {
    const [none, arduino, uf2] = BOOT_TARGETS;
    const request = { model, frames, frameSize: header.frameSize };
    const large = new Uint8Array(0xb3001);
    expect(() => selfTimingImage({ ...request, target: uf2, model: large })).toThrow("model has 733185 bytes");
    const many = new Int16Array(header.frameSize * 20000);
    expect(() => selfTimingImage({ ...request, target: arduino, frames: many })).toThrow("frames image");
    expect(() => selfTimingImage({ ...request, target: none, model: new Uint8Array(0xa0000) })).toThrow("overlap");
  });
});
