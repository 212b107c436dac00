import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type StepGraph, stepGraph } from "./onnx-step.js";
import { type Feeds, importOrt, ORT_ENGINES, ORT_OPTIONS, type OrtName } from "./ort.js";
import { type Peer, type PeerWork, peerFile, splitFrames, timeLoop } from "./peer.js";

export async function ortPeer(name: OrtName, { model, windows }: PeerWork): Promise<Peer | undefined> {
  const found = await importOrt(name);
  if (found === undefined) return undefined;
  const file = readFileSync(peerFile(model, ".onnx"));
  const { Tensor, InferenceSession } = found.exports;
  const session = await InferenceSession.create(file, ORT_OPTIONS);
  const feeds = windows.map((window) => ({ x: new Tensor("float32", window, [1, model.steps, model.channels]) }));
  return {
    id: name,
    text: `${name} ${found.version}, float, 1 thread`,
    approximate: false,
    modelBytes: file.length,
    engineBytes: statSync(join(found.folder, ORT_ENGINES[name]), { throwIfNoEntry: false })?.size,
    answer: async (index) => Object.values(await session.run(feeds[index]))[0].data,
    time: (count) => timeLoop(count, (i) => session.run(feeds[i % feeds.length])),
    stop: () => session.release(),
  };
}

/** The .onnx file as a graph of one frame with its state passed in and out, the tensors of one run going into the next. */
export async function ortStreamPeer(name: OrtName, { model, windows }: PeerWork): Promise<Peer | undefined> {
  const found = await importOrt(name);
  if (found === undefined) return undefined;
  const graph: StepGraph = stepGraph(readFileSync(peerFile(model, ".onnx")), model.channels);
  const { Tensor, InferenceSession } = found.exports;
  const session = await InferenceSession.create(graph.bytes, ORT_OPTIONS);
  const frames = windows.map((window) => splitFrames(window, model.channels));
  const tensors = frames.map((list) => list.map((frame) => new Tensor("float32", frame, [1, 1, model.channels])));
  const zeroStates = (): Feeds =>
    Object.fromEntries(
      graph.states.map(({ input, size }) => [input, new Tensor("float32", new Float32Array(size), [1, 1, size])]),
    );
  let states = zeroStates();
  const step = async (window: number, frame: number): Promise<ArrayLike<number>> => {
    const results = await session.run({ x: tensors[window][frame], ...states });
    states = Object.fromEntries(graph.states.map(({ input, output }) => [input, results[output]]));
    return Object.entries(results).find(([key]) => !graph.states.some(({ output }) => output === key))![1].data;
  };
  return {
    id: name,
    text: `${name} ${found.version}, state passed in and out`,
    approximate: false,
    async answer(index) {
      states = zeroStates();
      let last: ArrayLike<number> = [];
      for (let frame = 0; frame < model.steps; frame++) last = await step(index, frame);
      return last;
    },
    time: (count) => timeLoop(count, (i) => step(Math.floor(i / model.steps) % windows.length, i % model.steps)),
    stop: () => session.release(),
  };
}
