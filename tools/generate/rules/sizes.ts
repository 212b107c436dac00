import { isRecurrent, KERNEL_NAMES } from "../../../packages/converter/src/format/rules.js";
import * as S from "../../../packages/converter/src/format/schema.js";
import * as c from "./code.js";
import { onKernels, type Rule, record as r, set, type Value, word } from "./code.js";

const pad16 = (value: Value) => c.pad(value, 15);
const rowBytes = (values: Value) => c.mul(c.pad(values, 7), 2);
/** Bytes of weights of one quad over `columns`. */
const block = (columns: Value) => c.shr(c.mul(c.pad(columns, word("mask")), 4), word("shift"));
const quads = c.shr(c.pad(r.outputSize, 3), 2);
const both = () => c.add(block(r.inputSize), block(r.outputSize));
const averages = c.eq(r.mode, S.POOL_MODE.AVERAGE);

const recurrent = KERNEL_NAMES.filter(isRecurrent);

/** Sizes of every kernel, FORMAT.md 5; fields are in range. */
export function needRules(): Rule[] {
  const state = (value: Value) => set("stateNeed", value);
  const scratch = (value: Value) => set("scratchNeed", value);
  const weights = (value: Value) => set("weightsNeed", value);
  const aux = (value: Value) => set("auxNeed", value);
  const params = (value: Value) => set("quadsNeed", value);
  const codes = c.isSet(c.and(r.flags, S.FLAG.MASK_SET));
  const obeys = c.isSet(c.and(r.flags, S.FLAG.MASK_OBEY));
  const inputRow = rowBytes(r.inputSize);
  const outputRow = rowBytes(r.outputSize);
  const taps = c.mul(r.taps, c.pad(r.inputSize, 1));
  const byteRow = pad16(r.outputSize);
  const rows = (count: Value) => c.add(c.mul(count, inputRow), pad16(count));
  return [
    ...(["state", "scratch", "weights", "quads", "aux"] as const).map((name) => set(`${name}Need`, 0)),
    set("shift", c.eq(r.bits, 4)),
    set("mask", c.add(c.mul(word("shift"), 4), 3)),
    ...onKernels(["INPUT"], aux(c.add(c.mul(r.inputSize, S.AFFINE_ENTRY_BYTES), c.mul(codes, inputRow)))),
    ...onKernels(["EMBEDDING"], weights(c.mul(r.vocabulary, byteRow)), aux(pad16(c.mul(r.vocabulary, 2)))),
    ...onKernels(recurrent, state(outputRow), scratch(outputRow)),
    ...onKernels(["RNN", "FASTGRNN"], params(quads)),
    ...onKernels(["LSTM"], params(r.outputSize), state(c.mul(outputRow, 2))),
    ...onKernels(["GRU", "GRU_RESET_AFTER"], params(c.mul(quads, 3))),
    ...onKernels(["MINIMAL_GRU"], params(c.mul(quads, 2))),
    ...onKernels(recurrent, weights(c.mul(both(), word("quadsNeed")))),
    ...onKernels(["GRU", "MINIMAL_GRU"], scratch(c.mul(outputRow, 2))),
    ...onKernels(["GRU_RESET_AFTER"], params(c.mul(quads, 4))),
    ...onKernels(["DENSE", "CONV1D", "DEPTHWISE_CONV1D"], params(quads)),
    ...onKernels(["DENSE"], weights(c.mul(block(r.inputSize), quads))),
    ...onKernels(
      ["CONV1D"],
      state(rowBytes(c.mul(c.pad(r.inputSize, 1), word("depth")))),
      scratch(c.mul(rowBytes(taps), c.lt(1, r.dilation))),
      weights(c.mul(block(taps), quads)),
    ),
    ...onKernels(["DEPTHWISE_CONV1D"], weights(c.mul(byteRow, r.taps))),
    ...onKernels(["DEPTHWISE_CONV1D", "POOL"], state(c.mul(inputRow, word("depth")))),
    ...onKernels(["POOL"], aux(c.mul(pad16(c.mul(c.add(r.taps, 1), 4)), averages))),
    ...onKernels(
      ["GLOBAL_POOL"],
      state(c.choose(averages, c.add(c.mul(c.pad(r.inputSize, 3), 4), 16), inputRow)),
      aux(c.mul(pad16(c.mul(c.add(r.rowsIn, 1), 4)), obeys)),
    ),
    ...onKernels(["AFFINE"], aux(c.mul(r.inputSize, S.AFFINE_ENTRY_BYTES))),
    ...onKernels(["PRELU", "MASK"], aux(inputRow)),
    ...onKernels(["FASTGRNN"], aux(outputRow)),
    ...onKernels(["LAYER_NORM"], aux(c.add(c.mul(r.inputSize, S.AFFINE_ENTRY_BYTES), 16))),
    ...onKernels(["SOFTMAX"], scratch(c.mul(c.pad(r.inputSize, 3), 4))),
    ...onKernels(["FIFO"], state(rows(r.taps))),
    ...onKernels(["REVERSE"], state(rows(r.rowsIn))),
    ...onKernels(["RESHAPE"], state(rowBytes(c.mul(r.rowsIn, r.inputSize)))),
    ...onKernels(["REPEAT"], state(inputRow)),
  ];
}
