import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BuiltinBoard } from "../../packages/sim/src/board/builtin.js";
import { GdbServer } from "../../packages/sim/src/debug/gdb.js";
import { framesImage } from "../../packages/sim/src/runner/image.js";
import { RUNNER } from "../../packages/sim/src/runner/map.gen.js";
import { missing } from "../../test/support/requirements.js";
import { firmwareFolder } from "./support/build.js";
import { FIGURES, figureModel } from "./support/figures.js";

const ELF = join(firmwareFolder, "generated/runner-nrf52840.gen.elf");

/** The runner with one layer and two frames, at its reset. */
function runner(name: string): BuiltinBoard {
  const figure = FIGURES.find((one) => one.name === name)!;
  const board = new BuiltinBoard();
  board.loadNow(readFileSync(ELF));
  const frames = new Int16Array(2 * figure.inputs).fill(100);
  board.core.memory.poke(RUNNER.MODEL_ADDRESS, figureModel(figure, 8));
  board.core.memory.poke(RUNNER.FRAMES_ADDRESS, framesImage(frames, figure.inputs, { quiet: true }));
  board.core.reset(RUNNER.FLASH_BASE);
  return board;
}

/** What gdb says at the first call of `place`: the callers, and where `finish` leads. */
async function callers(name: string, place: string): Promise<string> {
  const server = new GdbServer(runner(name));
  const port = await server.listen();
  const script = [`target remote 127.0.0.1:${port}`, `break *${place}`, "continue", "backtrace", "delete", "finish"];
  try {
    return await new Promise<string>((resolve, reject) => {
      const args = ["-nx", "-batch", ELF, ...script.flatMap((line) => ["-ex", line])];
      execFile("gdb-multiarch", args, { timeout: 60_000 }, (error, stdout, stderr) =>
        error === null ? resolve(stdout + stderr) : reject(new Error(`${error.message}\n${stdout}${stderr}`)),
      );
    });
  } finally {
    server.close();
  }
}

describe.skipIf(missing("gdb"))("gdb finds callers by what the runner's ELF keeps outside of flash", () => {
  it.each([
    ["LSTM 64->32", "gl_m4_loop8", "layer_sigmoid_tanh"],
    ["LSTM 64->32", "gl_m4_special", "layer_sigmoid_tanh"],
    ["GRU 64->32", "gl_m4_both", "gl_gru"],
    ["FASTGRNN 64->32", "gl_m4_fastgrnn", "gl_fastgrnn"],
    ["CONV1D 6->16 k5", "gl_m4_conv1d", "gl_conv1d"],
    ["DENSE 128x128", "gl_m4_alone8_begun", "gl_matvec_over"],
  ])("%s: %s", async (name, place, caller) => {
    const text = await callers(name, place);
    const frames = text.split("\n").filter((line) => /^#\d/.test(line));
    expect(frames[1]).toContain(` in ${caller} `);
    expect(frames.at(-1)).toMatch(/reset_handler|board_main/);
    expect(text).toMatch(new RegExp(`^0x[0-9a-f]+ in ${caller} `, "m"));
  });
});
