import { convert, openModel } from "../../packages/converter/dist/index.js";
import { Model } from "../../packages/kernels-as/dist/index.js";
import { encodeFrames } from "../../packages/kernels-as/dist/input.js";
import { conversionOptions, deployedModel, STUDY_NETS } from "./converted.js";
import { type Figure, format, median } from "./figures.js";
import { litertPeer, type Peer, type PeerWork, peerWork, tfjsPeer, tfjsStreamPeer } from "./peer.js";
import { ortPeer, ortStreamPeer } from "./peer-ort.js";

type Net = (typeof STUDY_NETS)[number];
type Engine = "simd" | "scalar";

const WINDOWS = 16;
const STREAM_CALIBRATION = 300;
const ROUNDS = 9;
/** Each side of a pair runs for about so long. */
const SLICE_MS = 20;
/** A peer that takes longer for one window is timed in fewer rounds. */
const SLOW_MS = 200;
/** Largest error of a probability in exact engines; share of the reference's classes in approximate ones. */
const FLOAT_ERROR = 1e-3;
const AGREEMENT = 0.85;

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

/** A wrong answer has no time. Returns what was found. @throws Error naming the peer and the difference */
async function verify(peer: Peer, { model, windows }: PeerWork, count: number): Promise<string> {
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
  const good = peer.approximate ? agreeing >= AGREEMENT * count : worst <= FLOAT_ERROR;
  const found = `${agreeing} of ${count} classes as the reference, largest error ${worst.toExponential(1)}`;
  if (!good) throw new Error(`${peer.id}, ${model.name}: ${found}`);
  return found;
}

/** Gatelet as a peer: whole windows of raw counts, or single frames of a stream model. */
async function gatelet(engine: Engine, bytes: Uint8Array, work: PeerWork, stream: boolean): Promise<Peer> {
  const { model, windows } = work;
  const runtime = await Model.load(bytes, { engine });
  const { window } = await deployedModel(model.name, 8);
  const stride = Math.floor(model.testCount / windows.length);
  const raws = windows.map((_, i) => encodeFrames(runtime.description, window(i * stride)));
  const frames = raws.flatMap((raw) =>
    Array.from({ length: model.steps }, (_, i) => raw.slice(i * model.channels, (i + 1) * model.channels)),
  );
  const units = stream ? frames : raws;
  const out = new Int32Array(runtime.maxRows(stream ? 1 : model.steps) * model.outputs);
  return {
    id: `gatelet-${engine}`,
    text: `Gatelet ${engine}`,
    approximate: true,
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

interface Pair {
  readonly kind: "window" | "frame";
  readonly net: string;
  readonly ours: Peer;
  readonly theirs: Peer;
  /** What `verify` found of theirs. */
  readonly found: string;
  readonly goal?: number;
}

async function pairFigure({ kind, net, ours, theirs, found, goal }: Pair): Promise<Figure> {
  const times = await timePairs(ours, theirs);
  const ratios = times.theirs.map((time, i) => time / times.ours[i]);
  const slow = NOTES[`${net}.${theirs.id}`];
  const best = `best rounds ${format(Math.min(...times.ours))} ms against ${format(Math.min(...times.theirs))} ms`;
  return {
    id: `peers.${kind}.${net}.${ours.id}.${theirs.id}`,
    text: `${net}, ${kind}: ${ours.text} against ${theirs.text}`,
    value: median(ratios),
    unit: "times faster",
    kind: "measured",
    spread: spreadOf(ratios),
    note: `${best}; peer: ${found}${slow ? `; ${slow}` : ""}`,
    ...(goal === undefined ? {} : { goal: { atLeast: goal } }),
  };
}

async function windowFigures(net: Net): Promise<Figure[]> {
  const work = peerWork(net, WINDOWS);
  const { bytes } = (await deployedModel(net, 8)).converted;
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
    const found = await verify(peer, work, peer.id === "tfjs-cpu" ? 1 : WINDOWS);
    for (const engine of peer.id === "tfjs-cpu" ? [ours[0]] : ours) {
      const goal = engine === ours[0] ? WINDOW_GOALS[net]?.[peer.id] : undefined;
      figures.push(await pairFigure({ kind: "window", net, ours: engine, theirs: peer, found, goal }));
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
  const { bytes } = await convert(await openModel(work.model.folder), {
    ...conversionOptions(work.model, STREAM_CALIBRATION),
    stream: true,
  });
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
    const found = await verify(peer, work, WINDOWS);
    const goal = STREAM_GOALS[net]?.[peer.id];
    figures.push(await pairFigure({ kind: "frame", net, ours, theirs: peer, found, goal }));
    await peer.stop();
  }
  return figures;
}

/** Other engines on the same windows, answers checked first, timed in turn with ours. */
export async function peerFigures(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const net of STUDY_NETS) figures.push(...(await windowFigures(net)), ...(await streamFigures(net)));
  return figures;
}
