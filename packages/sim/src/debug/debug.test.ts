import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { missing } from "../../../../test/support/requirements.js";
import { BuiltinBoard } from "../board/builtin.js";
import { decode } from "../cpu/decode.js";
import { demoElf } from "../testing/demo.gen.js";
import { disassemble } from "./disassemble.js";
import { GdbServer } from "./gdb.js";
import { packet } from "./gdb-packets.js";
import { traceInstructions } from "./trace.js";

function demo(): BuiltinBoard {
  const board = new BuiltinBoard();
  board.loadNow(demoElf());
  return board;
}

describe("disassembler", () => {
  const cases: [number, number, string][] = [
    [0x4602, 0, "mov r2, r0"],
    [0xb5f0, 0, "push {r4-r7, lr}"],
    [0xbf36, 0, "itet cc"],
    [0x0152, 0, "lsls r2, r2, #5"],
    [0x6055, 0, "str r5, [r2, #4]"],
    [0xf852, 0x0b04, "ldr r0, [r2], #4"],
    [0xe9d9, 0x5355, "ldrd r5, r3, [r9, #340]"],
    [0xfa2f, 0xf698, "sxtb16 r6, r8, ror #8"],
    [0xfb28, 0x440a, "smlad r4, r8, r10, r4"],
    [0xfbc9, 0xab85, "smlalbb r10, r11, r9, r5"],
    [0xeba8, 0x3463, "sub r4, r8, r3, asr #13"],
    [0xeee9, 0xea4b, "vfms.f32 s29, s18, s22"],
    [0xeebd, 0xaac8, "vcvt.s32.f32 s20, s16"],
    [0xed9f, 0x7a26, "vldr s14, [pc, #152]"],
    [0xf7ff, 0xfffe, "bl 0x0"],
    [0xd1fe, 0, "bne 0x0"],
  ];
  for (const [hw1, hw2, text] of cases) {
    it(text, () => {
      expect(disassemble(decode(hw1, hw2, 0))).toBe(text);
    });
  }
});

describe("trace", () => {
  it("prints a line per instruction and leaves the counts alone", () => {
    const board = demo();
    const lines: string[] = [];
    const stop = traceInstructions(board, (line) => lines.push(line));
    board.runNow({ until: { symbol: "compute" } });
    stop();
    expect(lines.length).toBe(board.instructions);
    expect(lines[0]).toMatch(/^ {9}0 {2}[0-9a-f]{8} {2}[0-9a-f]{4,8} .*; reset$/);
    expect(lines.some((line) => line.includes("bl print") || line.includes("bl reset") || / bl /.test(line))).toBe(
      true,
    );
    const plain = demo();
    plain.runNow({ until: { symbol: "compute" } });
    expect([board.cycles, board.instructions]).toEqual([plain.cycles, plain.instructions]);
  });
});

/** A minimal client: sends one packet, waits for one reply. */
async function talk(port: number, commands: string[]): Promise<string[]> {
  const socket = connect(port, "127.0.0.1");
  const replies: string[] = [];
  let buffer = "";
  let wake: () => void = () => {};
  socket.on("data", (data) => {
    buffer += data.toString("latin1");
    wake();
  });
  for (const command of commands) {
    socket.write(packet(command));
    for (;;) {
      const match = /\$([^#]*)#../.exec(buffer);
      if (match !== null) {
        replies.push(match[1]);
        buffer = buffer.slice(match.index + match[0].length);
        break;
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  socket.destroy();
  return replies;
}

describe("gdb stub", () => {
  it("reads and writes registers and memory, breaks, steps and continues", async () => {
    const board = demo();
    const server = new GdbServer(board);
    const port = await server.listen();
    const at = board.symbol("crc32").toString(16);
    const replies = await talk(port, [
      "qSupported:multiprocess+",
      "?",
      `Z0,${at},2`,
      "c",
      "pf",
      "m20000100,4",
      "M20000200,2:abcd",
      "m20000200,2",
      "Pc=78563412",
      "pc",
      "s",
      "pf",
      `z0,${at},2`,
      "c",
      `qRcmd,${Buffer.from("counts").toString("hex")}`,
    ]);
    server.close();
    expect(replies[0]).toContain("PacketSize=");
    expect(replies.slice(1, 4)).toEqual(["S05", "OK", "S05"]);
    const little = (value: number) => Buffer.from(Uint32Array.of(value).buffer).toString("hex");
    expect(replies[4]).toBe(little(board.symbol("crc32")));
    expect(replies.slice(6, 10)).toEqual(["OK", "abcd", "OK", "78563412"]);
    expect(Number.parseInt(replies[11].slice(0, 2), 16)).toBeGreaterThan(board.symbol("crc32") & 255);
    expect(replies[13]).toBe("S05");
    const counts = `${board.instructions} instructions, ${board.cycles} simulated cycles since reset\n`;
    expect(Buffer.from(replies[14], "hex").toString()).toBe(counts);
    expect(board.uartText).toBe("start\ndone\n");
  });

  it.skipIf(missing("gdb"))("works with gdb-multiarch", async () => {
    const board = demo();
    const server = new GdbServer(board);
    const port = await server.listen();
    const folder = mkdtempSync(join(tmpdir(), "gatelet-gdb-"));
    try {
      const elf = join(folder, "demo.elf");
      writeFileSync(elf, demoElf());
      const script = [
        `target remote 127.0.0.1:${port}`,
        "break *fibonacci",
        "continue",
        "info registers r0",
        "stepi",
        "delete",
        "break *dot",
        "continue",
        "x/1xw &results",
        "print $pc",
        "monitor reset",
        "maintenance flush register-cache",
        "print $pc",
        "detach",
      ];
      const text = await new Promise<string>((resolve, reject) => {
        const args = ["-nx", "-batch", elf, ...script.flatMap((line) => ["-ex", line])];
        execFile("gdb-multiarch", args, { timeout: 30_000 }, (error, stdout, stderr) =>
          error === null ? resolve(stdout + stderr) : reject(new Error(`${error.message}\n${stdout}${stderr}`)),
        );
      });
      expect(text).toMatch(/Breakpoint 1, 0x[0-9a-f]+ in fibonacci/);
      expect(text).toMatch(/r0 +0xc +12/);
      expect(text).toMatch(/<results>:\s+0x00000090/);
      expect(text).toMatch(/<dot>/);
      expect(text).toMatch(/0 instructions, 0 simulated cycles since reset/);
      expect(text).toMatch(/<reset/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
      server.close();
    }
  });
});
