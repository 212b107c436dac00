import { Model } from "../../packages/kernels-as/dist/index.js";
import { encodeFrames } from "../../packages/kernels-as/dist/input.js";
import { ReferenceModel } from "../../test/reference/index.js";
import { sharedModelNames } from "../../test/support/shared-models.js";
import { deployedModel } from "./converted.js";
import type { Figure } from "./figures.js";

/** Every how many windows the slow reference runs too; the two WASM engines meet on all of them. */
const REFERENCE_STRIDE = Number(process.env["GATELET_REFERENCE_STRIDE"] ?? 25);

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

/** Windows of one model in which the engines' outputs or states (taken in mid-window) are not equal, bit for bit. */
async function differences(name: string): Promise<{ windows: number; referenced: number; differing: number }> {
  const { model, converted, window: windowOf } = await deployedModel(name, 8);
  const [scalar, simd] = await Promise.all([
    Model.load(converted.bytes, { engine: "scalar" }),
    Model.load(converted.bytes, { engine: "simd" }),
  ]);
  const reference = new ReferenceModel(converted.bytes).createStream();
  const half = Math.floor(model.steps / 2) * model.channels;
  let differing = 0;
  let referenced = 0;
  for (let i = 0; i < model.testCount; i++) {
    const window = encodeFrames(scalar.description, windowOf(i));
    const halves = [window.subarray(0, half), window.subarray(half)] as const;
    const [a, b] = [scalar, simd].map((engine) => {
      engine.run(halves[0]);
      const state = engine.saveState();
      return { state, outputs: engine.run(halves[1]).outputs };
    });
    let equal = sameBytes(a.state, b.state) && a.outputs.join() === b.outputs.join();
    if (i % REFERENCE_STRIDE === 0) {
      referenced++;
      const outputs: number[] = [];
      for (let at = 0; at < window.length; at += model.channels) {
        if (at === half) equal &&= sameBytes(reference.saveState(), a.state);
        const { rows } = reference.step(window.subarray(at, at + model.channels));
        for (const row of rows) outputs.push(...row);
      }
      equal &&= outputs.join() === a.outputs.join();
    }
    if (!equal) differing++;
  }
  return { windows: model.testCount, referenced, differing };
}

export async function engineFigures(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const name of sharedModelNames()) {
    const { windows, referenced, differing } = await differences(name);
    figures.push({
      id: `engines.${name}`,
      text: `${name}: scalar = SIMD on ${windows} windows, = reference on ${referenced}`,
      value: differing,
      unit: "windows differ",
      kind: "exact",
      goal: { atMost: 0 },
    });
  }
  return figures;
}
