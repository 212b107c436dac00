import { Model } from "@gatelet/kernels";
import { BuiltinBoard, energyMicrojoules, NRF52840, runnerElf, runOnBoard } from "@gatelet/sim";
import type { BoardMeter, LoadInteger } from "@gatelet/train";

/** The WebAssembly engine, for the training side. */
export const loadInteger: LoadInteger = async (gate) => {
  const model = await Model.load(gate);
  const { outputSize, window } = model.description;
  const out = new Int32Array(outputSize * model.maxRows(Math.max(1, window)));
  return {
    window: (counts) => {
      model.reset();
      const rows = model.runRaw(counts, out);
      return out.subarray((rows - 1) * outputSize, rows * outputSize);
    },
    stream: (counts) => {
      const all = new Int32Array(outputSize * model.maxRows(counts.length / model.description.frameSize));
      model.reset();
      return all.subarray(0, outputSize * model.runRaw(counts, all));
    },
  };
};

/** One window on the simulated nRF52840. */
export const measureOnBoard: BoardMeter = async (gate, frames, frameSize) => {
  const board = new BuiltinBoard();
  try {
    const report = await runOnBoard(board, { elf: await runnerElf(), model: gate, frames, frameSize });
    const cycles = report.total?.cycles ?? report.ownCycles;
    return {
      board: NRF52840.name,
      cycles,
      milliseconds: (1000 * cycles) / NRF52840.clockHz,
      microjoules: energyMicrojoules(NRF52840, cycles),
      ...(report.stackBytes === undefined ? {} : { stackBytes: report.stackBytes }),
    };
  } finally {
    await board.close();
  }
};
