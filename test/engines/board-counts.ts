import { BuiltinBoard, QemuBoard, RenodeBoard, type RunnerReport, runnerElf, runOnBoard } from "@gatelet/sim";
import type { BoardJob } from "./board-steps.js";

/** Functions of the runner that touch what QEMU's board lacks. */
const QEMU_SKIPS = ["board_uart_start", "board_enable_cache", "board_print"];

/** Facts of a run that every engine must agree on: instructions from bench_begin to bench_end, and everything that came out. */
const facts = ({ status, frames, steps, outputCrc, stateCrc, state, marked }: RunnerReport) => ({
  status,
  frames,
  steps: steps.map((rows) => Buffer.from(rows).toString("hex")),
  outputCrc,
  stateCrc,
  state: Buffer.from(state).toString("hex"),
  instructions: marked.instructions,
});

export type Facts = ReturnType<typeof facts>;

/** The engines that tests compare with the built-in one. */
export type OtherEngine = "qemu" | "renode";

/** Runs one job on engines; a Renode process serves many jobs. */
export class BoardRuns {
  #renode: RenodeBoard | undefined;

  async run(engine: "builtin" | OtherEngine, { gate, frames, frameSize }: BoardJob): Promise<Facts> {
    const request = { elf: runnerElf(), model: gate, frames, frameSize, quiet: true };
    if (engine === "builtin") return facts(await runOnBoard(new BuiltinBoard(), request));
    if (engine === "renode") {
      this.#renode ??= new RenodeBoard();
      return facts(await runOnBoard(this.#renode, request));
    }
    const qemu = new QemuBoard({ skip: QEMU_SKIPS });
    try {
      return facts(await runOnBoard(qemu, request));
    } finally {
      await qemu.close();
    }
  }

  async close(): Promise<void> {
    await this.#renode?.close();
  }
}
