/**
 * Windows of 50 frames through stacked recurrent layers of random weights: ms a window and GMAC/s of both builds. Times are
 * printed only where the two builds gave the same integers for all windows. `npm run bench -w @gatelet/kernels`
 */
import { cpus } from "node:os";
import { ACTIVATION, encodeModel, FLAG, type ModelSpec, type RecordSpec } from "@gatelet/converter/format";
import { Random } from "../../../test/support/random.js";
import { type RecurrentKernel, SpecBuilder } from "../../../test/support/spec-builder.js";
import { Model } from "../src/index.js";

const WINDOW = 50;
const INPUTS = 6;
const REPETITIONS = 101;
const CHECKED_WINDOWS = 20;

/** The usual activations instead of random ones; no tables. */
function usual({ kernel, fields, weights, rowParams, aux }: RecordSpec, isLast: boolean): RecordSpec {
  const parts = { kernel, weights, rowParams, aux };
  const { TANH, SIGMOID, RELU, LINEAR } = ACTIVATION;
  if (kernel === "DENSE") {
    const activation = isLast ? LINEAR : RELU;
    const flags = isLast ? FLAG.OUT32 : 0;
    return { ...parts, fields: { ...fields, flags, activation, activationParam: isLast ? 0 : 32767 } };
  }
  if (kernel === "INPUT") return { ...parts, fields };
  const flags = (fields.flags ?? 0) & FLAG.LAST;
  const shared = { ...fields, flags, activation: TANH, activationParam: 0 };
  if (kernel === "RNN") return { ...parts, fields: shared };
  const gated = { ...shared, gateActivation: SIGMOID };
  return { ...parts, fields: kernel === "LSTM" ? { ...gated, shift: 2, multiplier: 1 << 18 } : gated };
}

function build(kernel: RecurrentKernel, units: readonly number[], bits: 8 | 4): { spec: ModelSpec; macs: number } {
  const builder = new SpecBuilder(new Random(7), WINDOW, 0);
  const gates = { RNN: 1, LSTM: 4, GRU: 3, GRU_RESET_AFTER: 3 }[kernel];
  let macs = 0;
  let at = builder.input(INPUTS);
  units.forEach((size, i) => {
    macs += WINDOW * gates * size * (builder.size(at) + size);
    at = builder.recurrent(kernel, at, size, bits, i === units.length - 1);
  });
  for (const size of [64, 13]) {
    macs += size * builder.size(at);
    at = builder.dense(at, size, size === 13 ? 8 : bits);
  }
  const spec = builder.build();
  const records = spec.records.map((record, i) => usual(record, i === spec.records.length - 1));
  return { spec: { ...spec, records }, macs };
}

const median = (sorted: readonly number[]): number => sorted[sorted.length >> 1]!;

/** Milliseconds a call, one value per repetition, sorted. */
function time(call: () => void): number[] {
  const warmUntil = performance.now() + 150;
  let calls = 0;
  while (performance.now() < warmUntil) {
    call();
    calls++;
  }
  const batch = Math.max(1, Math.round(calls / 100));
  const times = Array.from({ length: REPETITIONS }, () => {
    const start = performance.now();
    for (let i = 0; i < batch; i++) call();
    return (performance.now() - start) / batch;
  });
  return times.sort((a, b) => a - b);
}

async function measure(name: string, kernel: RecurrentKernel, units: readonly number[], bits: 8 | 4): Promise<void> {
  const { spec, macs } = build(kernel, units, bits);
  const bytes = encodeModel(spec);
  const random = new Random(99);
  const [scalar, simd] = await Promise.all(
    (["scalar", "simd"] as const).map((engine) => Model.load(bytes, { engine })),
  );
  const out = new Int32Array(simd!.maxRows(WINDOW) * 13);
  const window = () => random.int16s(WINDOW * INPUTS, -4000, 4000);
  for (let i = 0; i < CHECKED_WINDOWS; i++) {
    const frames = window();
    const [a, b] = [scalar!.run(frames), simd!.run(frames)];
    if (a.rows !== 1 || a.outputs.join() !== b.outputs.join()) throw new Error(`${name}: builds differ in window ${i}`);
  }
  const frames = window();
  for (const [engine, model] of [["simd", simd!] as const, ["scalar", scalar!] as const]) {
    const times = time(() => model.runRaw(frames, out));
    const [least, middle, most] = [times[0]!, median(times), times[times.length - 1]!];
    const speed = macs / middle / 1e6;
    console.log(
      `${name.padEnd(30)} ${engine.padEnd(7)} ${middle.toFixed(4)} ms (${least.toFixed(4)} .. ${most.toFixed(4)})  ${speed.toFixed(2)} GMAC/s`,
    );
  }
}

console.log(`node ${process.version}, ${cpus()[0]?.model}, median of ${REPETITIONS} (least .. most), ${WINDOW} frames`);
for (const bits of [8, 4] as const) {
  await measure(`LSTM 128-64-32 int${bits}`, "LSTM", [128, 64, 32], bits);
  await measure(`GRU 128-64-32 int${bits}`, "GRU", [128, 64, 32], bits);
  await measure(`GRU after 128-64-32 int${bits}`, "GRU_RESET_AFTER", [128, 64, 32], bits);
  await measure(`RNN 256-128-64 int${bits}`, "RNN", [256, 128, 64], bits);
}
