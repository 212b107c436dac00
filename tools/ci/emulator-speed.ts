/**
 * How fast the built-in board emulates, cycle model on: the runner firmware with a model of three LSTM layers, by wait
 * states. Fails below 60 million instructions a second of processor time, translation and V8's warm-up included: a wall
 * clock on a busy machine says nothing. npx tsx tools/ci/emulator-speed.ts
 */
import { readFileSync } from "node:fs";
import { encodeModel, readModel } from "@gatelet/converter/format";
import { BuiltinBoard } from "../../packages/sim/src/board/builtin.js";
import { runOnBoard } from "../../packages/sim/src/runner/run.js";
import { Random } from "../../test/support/random.js";
import { SpecBuilder } from "../../test/support/spec-builder.js";

const LEAST = 60e6;
const RUNS = 2;
const WINDOW = 50;
const WINDOWS = 24;
const CHANNELS = 6;

const elf = new Uint8Array(readFileSync(new URL("../../firmware/generated/runner-nrf52840.gen.elf", import.meta.url)));
const builder = new SpecBuilder(new Random(4), WINDOW, 0);
builder.input(CHANNELS);
builder.recurrent("LSTM", builder.last, 128, 8, false);
builder.recurrent("LSTM", builder.last, 64, 8, false);
builder.recurrent("LSTM", builder.last, 32, 8, true);
const model = encodeModel(builder.build());
const frames = new Random(5).int16s(WINDOW * WINDOWS * CHANNELS);

for (const waitStates of [0, 2, 3] as const) {
  const rates: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const board = new BuiltinBoard({ waitStates });
    const start = process.cpuUsage();
    const request = { elf, model, frames, frameSize: CHANNELS, quiet: true, noCache: waitStates === 2 };
    const { status } = await runOnBoard(board, request);
    if (status !== 0) throw new Error(`the firmware ended with status ${status}`);
    const { user, system } = process.cpuUsage(start);
    rates.push((1e6 * board.instructions) / (user + system));
  }
  const best = Math.max(...rates);
  const text = rates.map((rate) => (rate / 1e6).toFixed(0)).join(", ");
  const { records } = readModel(model);
  console.log(
    `${records.length - 1} LSTM layers, ${waitStates} wait states, million instructions a second of processor time, measured here: ${text}`,
  );
  if (best >= LEAST) continue;
  console.error(`the best, ${(best / 1e6).toFixed(0)}, is below ${LEAST / 1e6}`);
  process.exitCode = 1;
}
