import { Code } from "./code.js";
import type { LinkFacts, LinkRecord } from "./facts.js";
import type { Layout } from "./layout.js";

/** Index of a function in the module that is being put together. */
export type FunctionIndex = (name: string) => number;

const COUNTERS_AT = 8;
const COUNTER_BYTES = 16;
const EMITTED = 4;
const KERNEL = { INPUT: 0, CONV1D: 7, POOL: 9, GLOBAL_POOL: 10 } as const;

/** Names of the kernels' functions in linkable.ts; INPUT without a mask is AFFINE. */
const FUNCTION_OF_KERNEL: Readonly<Record<number, string>> = {
  0: "affine",
  2: "rnn",
  3: "lstm",
  4: "gru",
  5: "gru",
  6: "dense",
  7: "conv1d",
  8: "depthwiseConv1d",
  9: "pool",
  10: "globalPool",
  11: "affine",
  12: "activation",
  13: "prelu",
  14: "layerNorm",
  15: "softmax",
  22: "gru",
  23: "rnn",
};

/** Whether code can be written for a kernel. */
export const isDirectKernel = (kernel: number): boolean => kernel in FUNCTION_OF_KERNEL;
export const isWindowedKernel = (kernel: number): boolean => kernel >= KERNEL.CONV1D && kernel <= KERNEL.POOL;

/** Address of a record's counters. */
export const countersAt = (layout: Layout, index: number): number => layout.arena + COUNTERS_AT + COUNTER_BYTES * index;

/** `count(address)`: adds one to a word. */
export function countFunction(): Uint8Array {
  return new Code().get(0).get(0).load().const(1).add().store().toBody();
}

/** The state region after reset; returns 0. */
export function directReset(facts: LinkFacts, layout: Layout, index: FunctionIndex): Uint8Array {
  const code = new Code().const(layout.arena).const(facts.stateBytes).call(index("clearWords"));
  code.const(layout.arena).const(facts.crc32).store();
  facts.records.forEach((record, i) => {
    if (isWindowedKernel(record.kernel)) {
      code
        .const(layout.model + record.offset)
        .const(layout.arena)
        .const(countersAt(layout, i));
      code.call(index("startWindowed"));
    } else if (record.kernel === KERNEL.GLOBAL_POOL && record.isMaximum) {
      code
        .const(layout.arena + record.state)
        .const(record.inputSize)
        .const(-32768)
        .call(index("fillRow"));
    }
  });
  return code.const(0).toBody();
}

/** Arguments of a kernel, and its call. */
function callKernel(code: Code, record: LinkRecord, i: number, x: () => Code, at: Layout, index: FunctionIndex): void {
  const { kernel } = record;
  code
    .const(at.model)
    .const(at.model + record.offset)
    .const(at.arena);
  if (isWindowedKernel(kernel)) code.const(countersAt(at, i));
  else if (kernel !== KERNEL.GLOBAL_POOL) x();
  if (FUNCTION_OF_KERNEL[kernel] === "gru") code.const(kernel);
  code.call(index(FUNCTION_OF_KERNEL[kernel]));
}

/**
 * `tick(frame, out)`: one frame through a chain of layers, with the counters that every engine keeps; returns 1 where a row
 * has been written to `out`, else 0.
 */
export function directTick(facts: LinkFacts, layout: Layout, index: FunctionIndex): Uint8Array {
  const [frame, out, rows] = [0, 1, 2];
  const code = new Code(1).block();
  const counted = facts.window > 0;
  const bump = (address: number): void => {
    if (counted) code.const(address).call(index("count"));
  };
  facts.records.forEach((record, i) => {
    const counters = countersAt(layout, i);
    const before = facts.records[i - 1];
    const x = (): Code => (before === undefined ? code.get(frame) : code.const(layout.arena + before.output));
    bump(counters);
    if (isWindowedKernel(record.kernel)) {
      code
        .const(layout.model + record.offset)
        .const(layout.arena)
        .const(counters);
      x().call(index("pushWindowed")).eqz().brIf(0);
    } else if (record.kernel === KERNEL.GLOBAL_POOL) {
      code.const(layout.model + record.offset).const(layout.arena);
      x().const(0).call(index("pushGlobalPool"));
      code.const(counters).load().const(record.rowsIn).ne().brIf(0);
    }
    callKernel(code, record, i, x, layout, index);
    if (record.atEnd && record.kernel !== KERNEL.GLOBAL_POOL) {
      code.const(counters).load().const(record.rowsIn).ne().brIf(0);
    }
    if (counted && isWindowedKernel(record.kernel)) {
      code.const(counters).load(EMITTED).const(record.rowsOut).eq().brIf(0);
    }
    bump(counters + EMITTED);
  });
  const last = facts.records[facts.records.length - 1];
  code
    .get(out)
    .const(layout.arena + last.output)
    .const((facts.outputSize * facts.outputBytesEach) / 2);
  code.call(index("copyValues")).const(1).set(rows).end();
  code.const(layout.arena + 4).call(index("count"));
  if (counted) {
    code.const(layout.arena).load(4).const(facts.window).eq().if().call(index("reset")).drop().end();
  }
  return code.get(rows).toBody();
}

const BAD_ARGUMENT = -14;

/** `run(count)`: frames of the buffer, one behind the other; returns rows, or BAD_ARGUMENT for more than fit. */
export function directRun(facts: LinkFacts, layout: Layout, index: FunctionIndex): Uint8Array {
  const [count, i, rows] = [0, 1, 2];
  const rowBytes = facts.outputSize * facts.outputBytesEach;
  return new Code(2)
    .get(count)
    .const(layout.frames)
    .greaterUnsigned()
    .if()
    .const(BAD_ARGUMENT)
    .return()
    .end()
    .block()
    .loop()
    .get(i)
    .get(count)
    .eq()
    .brIf(1)
    .get(rows)
    .get(i)
    .const(2 * facts.frameSize)
    .multiply()
    .const(layout.frame)
    .add()
    .get(rows)
    .const(rowBytes)
    .multiply()
    .const(layout.output)
    .add()
    .call(index("tick"))
    .add()
    .set(rows)
    .get(i)
    .const(1)
    .add()
    .set(i)
    .br(0)
    .end()
    .end()
    .get(rows)
    .toBody();
}

/** The same for models of any shape: the executor of the engines does it. */
export function interpretedRun(_facts: LinkFacts, layout: Layout, index: FunctionIndex): Uint8Array {
  return new Code()
    .get(0)
    .const(layout.frames)
    .greaterUnsigned()
    .if()
    .const(BAD_ARGUMENT)
    .return()
    .end()
    .const(layout.model)
    .const(layout.arena)
    .const(layout.frame)
    .get(0)
    .const(layout.output)
    .call(index("steps"))
    .toBody();
}

export function interpretedReset(_facts: LinkFacts, layout: Layout, index: FunctionIndex): Uint8Array {
  return new Code().const(layout.model).const(layout.arena).call(index("start")).const(0).toBody();
}
