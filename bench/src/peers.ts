import { convert, openModel } from "../../packages/converter/dist/index.js";
import { Model } from "../../packages/kernels-as/dist/index.js";
import { coldFigures } from "./cold.js";
import { CALIBRATION_WINDOWS, convertedModel, STUDY_NETS } from "./converted.js";
import { type Figure, median } from "./figures.js";
import { litertPeer, type Peer, type PeerWork, peerWork, tfjsPeer, tfjsStreamPeer } from "./peer.js";
import { ortPeer, ortStreamPeer } from "./peer-ort.js";

type Net = (typeof STUDY_NETS)[number];
type Engine = "simd" | "scalar";

const WINDOWS = 16;
const ROUNDS = 9;
/** Each side of a pair runs for about so long. */
const SLICE_MS = 20;
/** A peer that takes longer for one window is timed in fewer rounds. */
const SLOW_MS = 200;
/** Largest difference of a probability from the float reference: float engines, and ours or a quantized peer's class. */
const FLOAT_ERROR = 1e-3;
const QUANTIZED_AGREEMENT = 0.85;

/** Times faster than the peer: issue figures; "at most 1.1 x its time" is 1 / 1.1. */
const WINDOW_GOALS: Partial<Record<Net, Record<string, number>>> = {
  "hapt-lstm": {
    "onnxruntime-node": 1 / 1.1,
    "litert-float": 1.8,
    "litert-dynamic": 1.8,
    "litert-int8": 1.8,
    "tfjs-wasm": 55,
  },
  "hapt-gru": { "onnxruntime-node": 1 / 1.1, "litert-float": 3, "litert-dynamic": 3 },
};
const STREAM_GOALS: Partial<Record<Net, Record<string, number>>> = {
  "hapt-lstm": { "onnxruntime-node": 2.5, "tfjs-wasm": 100 },
};
const NOTES: Record<string, string> = {
  "hapt-gru.tfjs-cpu": "pathological: tf.split of the recurrent kernel in every step",
};

const argMax = (values: ArrayLike<number>): number => Array.from(values).indexOf(Math.max(...Array.from(values)));

/** A wrong answer has no time. @throws Error naming the peer and the difference */
async function verify(peer: Peer, { model, windows }: PeerWork, count: number): Promise<void> {
  const stride = Math.floor(model.testCount / windows.length);
  let agreeing = 0;
  let worst = 0;
  for (let i = 0; i < count; i++) {
    const reference = model.reference(i * stride);
    const answer = await peer.answer(i);
    if (answer.length !== reference.length)
      throw new Error(`${peer.id}: ${answer.length} outputs for ${reference.length}`);
    agreeing += Number(argMax(answer) === argMax(reference));
    for (let c = 0; c < reference.length; c++) worst = Math.max(worst, Math.abs(answer[c] - reference[c]));
  }
  const good = peer.quantized ? agreeing >= QUANTIZED_AGREEMENT * count : worst <= FLOAT_ERROR;
  if (good) return;
  throw new Error(
    `${peer.id}, ${model.name}: ${agreeing} of ${count} classes as the reference, largest error ${worst}`,
  );
}

/** Gatelet as a peer: whole windows of raw counts, or single frames of a stream model. */
async function gatelet(engine: Engine, bytes: Uint8Array, work: PeerWork, stream: boolean): Promise<Peer> {
  const { model, windows } = work;
  const runtime = await Model.load(bytes, { engine });
  const { inputScale, inputOffset } = runtime.description.meta;
  const encode = (value: number, i: number) => {
    const channel = i % model.channels;
    const raw = Math.floor((value - (inputOffset?.[channel] ?? 0)) / (inputScale?.[channel] ?? 1) + 0.5);
    return Math.min(Math.max(raw, -32768), 32767);
  };
  const raws = windows.map((window) => Int16Array.from(window, encode));
  const frames = raws.flatMap((raw) =>
    Array.from({ length: model.steps }, (_, i) => raw.slice(i * model.channels, (i + 1) * model.channels)),
  );
  const units = stream ? frames : raws;
  const out = new Int32Array(runtime.maxRows(stream ? 1 : model.steps) * model.outputs);
  return {
    id: `gatelet-${engine}`,
    text: `Gatelet ${engine}`,
    quantized: true,
    modelBytes: bytes.length,
    async answer(index) {
      runtime.reset();
      return runtime.probabilities(runtime.run(raws[index]));
    },
    time: (count) => timeSync(count, units, (unit) => runtime.runRaw(unit, out)),
    stop: async () => {},
  };
}

/** No promise a unit: that is how the engine is used. */
async function timeSync(count: number, units: readonly Int16Array[], run: (unit: Int16Array) => void): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < count; i++) run(units[i % units.length]);
  return (performance.now() - start) / count;
}

interface Times {
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
}

/** Times ours and theirs in turn, so that a drifting machine speed cancels in the ratio. */
async function timePairs(ours: Peer, theirs: Peer): Promise<Times> {
  const countOf = async (peer: Peer): Promise<number> => {
    const once = await peer.time(1);
    if (once > SLOW_MS) return 1;
    const warm = await peer.time(5);
    return Math.max(1, Math.min(2000, Math.round(SLICE_MS / warm)));
  };
  const counts = { ours: await countOf(ours), theirs: await countOf(theirs) };
  const result = { ours: [] as number[], theirs: [] as number[] };
  let slowest = 0;
  for (let round = 0; round < ROUNDS && (round < 3 || slowest < SLOW_MS); round++) {
    result.ours.push(await ours.time(counts.ours));
    result.theirs.push((slowest = await theirs.time(counts.theirs)));
  }
  return result;
}

const spreadOf = (values: readonly number[]) => [Math.min(...values), Math.max(...values)] as const;

function pairFigures(
  kind: "window" | "stream",
  net: string,
  ours: Peer,
  theirs: Peer,
  times: Times,
  goal?: number,
): Figure[] {
  const ratios = times.theirs.map((time, i) => time / times.ours[i]);
  const id = `peers.${kind}.${net}.${ours.id}`;
  const what = kind === "window" ? "window" : "single frame of a stream";
  const note = NOTES[`${net}.${theirs.id}`];
  const common = { unit: "ms", kind: "measured" } as const;
  return [
    {
      id: `${id}.beside.${theirs.id}.ms`,
      text: `${net}: ${what}, ${ours.text} (beside ${theirs.id})`,
      value: median(times.ours),
      spread: spreadOf(times.ours),
      ...common,
    },
    {
      id: `${id}.${theirs.id}.ms`,
      text: `${net}: ${what}, ${theirs.text}`,
      value: median(times.theirs),
      spread: spreadOf(times.theirs),
      ...common,
      ...(note ? { note } : {}),
    },
    {
      id: `${id}.${theirs.id}`,
      text: `${net}: ${what}, ${ours.text} against ${theirs.text}`,
      value: median(ratios),
      unit: "times faster",
      kind: "measured",
      spread: spreadOf(ratios),
      ...(goal === undefined ? {} : { goal: { atLeast: goal } }),
    },
  ];
}

async function windowFigures(net: Net): Promise<Figure[]> {
  const work = peerWork(net, WINDOWS);
  const { bytes } = (await convertedModel(net, 8)).converted;
  const ours = [await gatelet("simd", bytes, work, false), await gatelet("scalar", bytes, work, false)];
  for (const engine of ours) await verify(engine, work, WINDOWS);
  const starts: (() => Promise<Peer | undefined>)[] = [
    () => ortPeer("onnxruntime-node", work),
    () => ortPeer("onnxruntime-web", work),
    () => tfjsPeer("wasm", work),
    () => tfjsPeer("cpu", work),
    () => litertPeer("float", work),
    () => litertPeer("dynamic", work),
    () => litertPeer("int8", work),
  ];
  const figures: Figure[] = [];
  for (const start of starts) {
    const peer = await start();
    if (peer === undefined) continue;
    await verify(peer, work, peer.id === "tfjs-cpu" ? 1 : WINDOWS);
    for (const engine of peer.id === "tfjs-cpu" ? [ours[0]] : ours) {
      const goal = engine === ours[0] ? WINDOW_GOALS[net]?.[peer.id] : undefined;
      figures.push(...pairFigures("window", net, engine, peer, await timePairs(engine, peer), goal));
    }
    if (peer.modelBytes !== undefined)
      figures.push(bytesFigure(`${net}.${peer.id}`, `${net}: model file of ${peer.text}`, peer.modelBytes));
    if (net === "hapt-lstm" && peer.engineBytes !== undefined) {
      figures.push(bytesFigure(`engine.${peer.id}`, `engine of ${peer.text}`, peer.engineBytes));
    }
    await peer.stop();
  }
  return figures;
}

const bytesFigure = (id: string, text: string, value: number): Figure => ({
  id: `peers.bytes.${id}`,
  text,
  value,
  unit: "bytes",
  kind: "exact",
});

/** One frame at a time with kept state; Gatelet's model is converted as a stream and answers after every frame, as the peers do. */
async function streamFigures(net: Net): Promise<Figure[]> {
  const work = peerWork(net, WINDOWS);
  const calibration = work.model.calibrationWindows(CALIBRATION_WINDOWS);
  const { bytes } = await convert(await openModel(work.model.folder), { calibration, stream: true });
  const ours = await gatelet("simd", bytes, work, true);
  await verify(ours, work, WINDOWS);
  const figures: Figure[] = [];
  for (const start of [
    () => ortStreamPeer("onnxruntime-node", work),
    () => ortStreamPeer("onnxruntime-web", work),
    () => tfjsStreamPeer(work),
  ]) {
    const peer = await start();
    if (peer === undefined) continue;
    await verify(peer, work, WINDOWS);
    figures.push(...pairFigures("stream", net, ours, peer, await timePairs(ours, peer), STREAM_GOALS[net]?.[peer.id]));
    await peer.stop();
  }
  return figures;
}

/** Other engines on the same windows, answers checked first, timed in turn with ours. */
export async function peerFigures(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const net of STUDY_NETS) figures.push(...(await windowFigures(net)), ...(await streamFigures(net)));
  return [...figures, ...(await coldFigures())];
}
