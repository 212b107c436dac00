import {
  ACTIVATION,
  affineBytes,
  encodeModel,
  FLAG,
  type ModelMeta,
  packQuads,
  packRowParams,
  type RecordSpec,
} from "@gatelet/converter/format";

/** A small model with made-up weights: Input - GRU - Dense - Dense, for tests that need a file but no meaning. */
export function toyModel(window = 8, meta?: ModelMeta): Uint8Array {
  const [channels, hidden, middle, classes] = [3, 6, 5, 4];
  const ramp = (size: number) => Int8Array.from({ length: size }, (_, i) => ((i * 37) % 255) - 127);
  const input: RecordSpec = {
    kernel: "INPUT",
    fields: { inputSize: channels, outputSize: channels, rowsIn: window, rowsOut: window },
    aux: affineBytes(Array.from({ length: channels }, () => ({ bias: 0n, multiplier: 1 << 14, shift: 14 }))),
  };
  const gru: RecordSpec = {
    kernel: "GRU",
    fields: {
      input0: 0,
      inputSize: channels,
      outputSize: hidden,
      rowsIn: window,
      rowsOut: window === 0 ? 0 : 1,
      flags: window === 0 ? 0 : FLAG.LAST,
      activation: ACTIVATION.TANH,
      gateActivation: ACTIVATION.SIGMOID,
      bits: 8,
    },
    weights: packQuads({
      order: "gru",
      bits: 8,
      hiddenSize: hidden,
      input: { weights: ramp(3 * hidden * channels), columns: channels },
      recurrent: { weights: ramp(3 * hidden * hidden), columns: hidden },
    }),
    rowParams: packRowParams("gru", hidden, new Int32Array(3 * hidden), new Int32Array(3 * hidden).fill(1 << 22)),
  };
  const dense = (input0: number, inputSize: number, outputSize: number, last: boolean): RecordSpec => ({
    kernel: "DENSE",
    fields: {
      input0,
      inputSize,
      outputSize,
      rowsIn: window === 0 ? 0 : 1,
      rowsOut: window === 0 ? 0 : 1,
      flags: last ? FLAG.OUT32 : 0,
      activation: last ? ACTIVATION.LINEAR : ACTIVATION.RELU,
      ...(last ? {} : { activationParam: 32767 }),
      bits: 8,
    },
    weights: packQuads({
      order: "plain",
      bits: 8,
      hiddenSize: outputSize,
      input: { weights: ramp(inputSize * outputSize), columns: inputSize },
    }),
    rowParams: packRowParams("plain", outputSize, new Int32Array(outputSize), new Int32Array(outputSize).fill(1 << 24)),
  });
  return encodeModel({
    inputKind: "frames",
    outputTransform: "softmax",
    window,
    frameSize: channels,
    vocabularySize: 0,
    outputScale: 2 ** -10,
    records: [input, gru, dense(1, hidden, middle, false), dense(2, middle, classes, true)],
    meta: meta ?? {
      name: "toy",
      features: ["acc_x", "acc_y", "acc_z"],
      classes: ["off", "idle", "pumping", "fault"],
      layers: [
        { name: "input", class: "InputLayer", record: 0, scale: 2 ** -12 },
        { name: "gru", class: "GRU", record: 1, scale: 2 ** -15, sqnrDb: 48.2 },
        { name: "mix", class: "Dense", record: 2, scale: 0.000123, sqnrDb: 46 },
        { name: "regime", class: "Dense", record: 3 },
      ],
    },
  });
}
