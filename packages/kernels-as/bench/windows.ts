/**
 * Windows of 50 frames through stacked recurrent layers of random weights: ms a window and GMAC/s of both builds. Times are
 * printed only where the two builds gave the same integers for all windows. `npm run bench -w @gatelet/kernels`
 */
import { cpus } from "node:os";
import { encodeModel } from "@gatelet/converter/format";
import { Random } from "../../../test/support/random.js";
import { Model } from "../src/index.js";
import { INPUTS, type StackedKernel, stackedModel } from "./stacked.js";

const WINDOW = 50;
const REPETITIONS = 101;
const CHECKED_WINDOWS = 20;

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

async function measure(name: string, kernel: StackedKernel, units: readonly number[], bits: 8 | 4): Promise<void> {
  const { spec, macs } = stackedModel(kernel, units, bits);
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
