import { FloatExecutor, type Graph, type ImportOptions, importModel, memorySource } from "@gatelet/converter";
import * as tf from "@tensorflow/tfjs";
import { worstDifference } from "./compare.js";
import { makeRandom } from "./random.js";

/** The files tfjs would write, in memory. `bytes` holds all weights in one piece. */
export interface SavedModel {
  readonly json: Record<string, unknown>;
  readonly bytes: Uint8Array;
  readonly specs: readonly tf.io.WeightsManifestEntry[];
}

/** Gives every weight a random value; variances stay positive. */
export function randomizeWeights(model: tf.LayersModel, seed: number): void {
  const random = makeRandom(seed);
  const values = model.weights.map((weight) => {
    const size = weight.shape.reduce<number>((product, length) => product * (length ?? 1), 1);
    const isVariance = weight.name.includes("variance");
    const data = Float32Array.from({ length: size }, () => (isVariance ? 0.5 + Math.abs(random()) : 0.8 * random()));
    return tf.tensor(data, weight.shape as number[]);
  });
  model.setWeights(values);
  tf.dispose(values);
}

/** Serializes a model as tfjs does. */
export async function saveModel(model: tf.LayersModel): Promise<SavedModel> {
  let saved: SavedModel | undefined;
  const handler = tf.io.withSaveHandler(async (artifacts) => {
    const { weightData, weightSpecs, modelTopology, format, generatedBy, convertedBy } = artifacts;
    const bytes = new Uint8Array(tf.io.concatenateArrayBuffers([weightData].flat() as ArrayBuffer[]));
    const specs = weightSpecs ?? [];
    const json = {
      format,
      generatedBy,
      convertedBy,
      modelTopology: JSON.parse(JSON.stringify(modelTopology)) as unknown,
      weightsManifest: [{ paths: ["weights.bin"], weights: specs }],
    };
    saved = { json, bytes, specs };
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: "JSON" } };
  });
  await model.save(handler);
  if (saved === undefined) throw new Error("tfjs saved nothing");
  return saved;
}

export function importSaved({ json, bytes }: SavedModel, options?: ImportOptions): Promise<Graph> {
  return importModel(memorySource("model.json", { "model.json": JSON.stringify(json), "weights.bin": bytes }), options);
}

/** Windows as tfjs sees them: [count][values]. */
export function predict(
  model: tf.LayersModel,
  windows: readonly Float32Array[],
  shape: readonly number[],
): Float32Array[] {
  return tf.tidy(() => {
    const all = new Float32Array(windows.length * windows[0].length);
    windows.forEach((window, index) => {
      all.set(window, index * window.length);
    });
    const output = model.predict(tf.tensor(all, [windows.length, ...shape]), {
      batchSize: windows.length,
    }) as tf.Tensor;
    const values = output.dataSync() as Float32Array;
    const size = values.length / windows.length;
    return windows.map((_, index) => values.slice(index * size, (index + 1) * size));
  });
}

/** Runs windows through tfjs and through the imported graph; returns the worst difference. */
export async function compareWithTfjs(
  model: tf.LayersModel,
  windows: readonly Float32Array[],
  shape: readonly number[],
): Promise<number> {
  randomizeWeights(model, 11);
  const expected = predict(model, windows, shape);
  const graph = await importSaved(await saveModel(model));
  return worstDifference(new FloatExecutor(graph).runBatch(windows), expected);
}
