import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { io, LayersModel } from "@tensorflow/tfjs";
import { registerOwnLayers } from "../layers/own-layers.js";
import { TrainError } from "../training/errors.js";
import { writeWhole } from "../training/write-whole.js";
import type { Tf } from "./load-tf.js";

/** A tfjs model as data: what stands in `model.json`, and its weights. */
export interface ModelFiles {
  readonly topology: object;
  readonly specs: readonly io.WeightsManifestEntry[];
  readonly bytes: Uint8Array;
}

/** What tfjs would save. */
export async function modelFiles(tf: Tf, model: LayersModel): Promise<ModelFiles> {
  let saved: ModelFiles | undefined;
  const handler = tf.io.withSaveHandler(async ({ modelTopology, weightSpecs, weightData }) => {
    const buffers = weightData === undefined ? [] : [weightData].flat();
    const bytes = new Uint8Array(tf.io.concatenateArrayBuffers(buffers as ArrayBuffer[]));
    saved = { topology: modelTopology as object, specs: weightSpecs ?? [], bytes };
    return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } };
  });
  await model.save(handler);
  return saved as ModelFiles;
}

/**
 * Writes a model as tfjs layers-model files, `model.json` and one weight file beside it, so that at every moment the
 * folder holds a whole model: the weights have a name of their own, `model.json` is renamed over the old one.
 * @param tag distinguishes the weight file from that of the version before, e.g. the epoch
 */
export async function saveModelFiles(files: ModelFiles, folder: string, tag: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const weightsName = `weights-${tag}.bin`;
  await writeWhole(join(folder, weightsName), files.bytes);
  const json = {
    format: "layers-model",
    generatedBy: "gatelet train (tfjs)",
    convertedBy: null,
    modelTopology: files.topology,
    weightsManifest: [{ paths: [weightsName], weights: files.specs }],
  };
  await writeWhole(join(folder, "model.json"), JSON.stringify(json));
  const stale = (await readdir(folder)).filter((name) => /^weights-.*\.bin$/.test(name) && name !== weightsName);
  await Promise.all(stale.map((name) => rm(join(folder, name), { force: true })));
}

/**
 * Loads a tfjs layers-model from a folder or a `model.json`, with its weights where the file lists some; layers of our
 * own are known. Throws `TOPOLOGY_INVALID` naming the file.
 */
export async function loadModelFiles(tf: Tf, path: string): Promise<LayersModel> {
  registerOwnLayers(tf);
  const entry = path.endsWith(".json") ? path : join(path, "model.json");
  const folder = join(entry, "..");
  try {
    const json = JSON.parse(await readFile(entry, "utf8")) as io.ModelJSON & { class_name?: string };
    if (json.modelTopology === undefined && json.class_name !== undefined) {
      return await tf.models.modelFromJSON(json as unknown as Parameters<typeof tf.models.modelFromJSON>[0]);
    }
    if (json.weightsManifest === undefined) {
      return await tf.models.modelFromJSON(json as unknown as Parameters<typeof tf.models.modelFromJSON>[0]);
    }
    const artifacts = await tf.io.getModelArtifactsForJSON(json, async (manifest) => {
      const files = await Promise.all(
        manifest.flatMap((group) => group.paths.map((name) => readFile(join(folder, name)))),
      );
      const bytes = new Uint8Array(Buffer.concat(files));
      return [manifest.flatMap((group) => group.weights), bytes.buffer as ArrayBuffer];
    });
    return await tf.loadLayersModel(tf.io.fromMemory(artifacts));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TrainError("TOPOLOGY_INVALID", `cannot read a tfjs model from ${entry}: ${why}`, { cause });
  }
}
