// RNN, KERNELS.md 4 (16), (17), and DENSE, KERNELS.md 5 (26).
import { RECORD_OUTPUT, RECORD_SCRATCH, RECORD_STATE } from "./format.gen";
import { copyWords, rowBytes } from "./arith";
import { inputBlocks, outputSize, weightedRow } from "./weighted";

/** One time step of an RNN or FASTGRNN: x is the input row, h in the state is updated. */
export function rnn(model: usize, record: usize, arena: usize, x: usize): void {
  const h = arena + load<u32>(record, RECORD_STATE);
  const next = arena + load<u32>(record, RECORD_SCRATCH);
  weightedRow(model, record, x, inputBlocks(record), h, next);
  copyWords(h, next, rowBytes(outputSize(record)));
}

/** One row of DENSE. */
export function dense(model: usize, record: usize, arena: usize, x: usize): void {
  weightedRow(model, record, x, inputBlocks(record), 0, arena + load<u32>(record, RECORD_OUTPUT));
}
