import { GraphBuilder } from "../graph/builder.js";
import type { Graph } from "../graph/types.js";
import { readArchive } from "./archive-model.js";
import type { Dialect } from "./config.js";
import { ImportError } from "./errors.js";
import { asObject, isObject, type JsonObject, parseJson } from "./json.js";
import { type ImportSession, PROBES } from "./layer-context.js";
import { lowerModel, refuseUnknownLayers } from "./lower-model.js";
import { type ModelSource, readEntry } from "./source.js";
import { readManifestWeights } from "./tfjs-weights.js";
import { type LayerSpec, MODEL_CLASSES, type ModelSpec, parseModel } from "./topology.js";
import { NamedWeights, type WeightStore } from "./weight-store.js";

export interface ImportOptions {
  /** Steps of a window; replaces what the file says, also for stateful models. */
  readonly window?: number;
  /** True: a stream model whatever the file says; false: a window model (its steps are then needed). */
  readonly stream?: boolean;
  /** Gets remarks on things that were read in a way worth knowing, e.g. a mask that a layer does not pass on. */
  readonly warn?: (message: string) => void;
}

/** What the files hold, before any layer is looked at. */
export interface RawModel {
  readonly topology: unknown;
  readonly weights: WeightStore;
  readonly dialect: Dialect;
  readonly provenance: string;
}

/**
 * Reads a trained model into a float graph: tfjs layers-models (`model.json` and its shards) of every age, also with
 * Keras 3 topology, Keras 3 `.keras` archives, and Keras `.h5` files. Pure: all input comes from `source`.
 * Throws {@link ImportError}; its `code` tells what is missing, broken or not supported.
 */
export async function importModel(source: ModelSource, options: ImportOptions = {}): Promise<Graph> {
  const bytes = await readEntry(source);
  const raw = isBinary(bytes) ? readArchive(source.entry, bytes) : await readTfjs(source, bytes);
  return buildGraph(raw, options);
}

/** A zip archive or an HDF5 file. */
function isBinary(bytes: Uint8Array): boolean {
  return (bytes[0] === 0x50 && bytes[1] === 0x4b) || (bytes[0] === 0x89 && bytes[1] === 0x48);
}

/** Throws `FILE_UNREADABLE` for what is no text of a JSON object, in words for who picked the wrong file. */
function checkIsJson(file: string, bytes: Uint8Array): void {
  if (bytes.length === 0) throw new ImportError("FILE_UNREADABLE", `${file} is empty`);
  const start = new TextDecoder().decode(bytes.subarray(0, 64)).trimStart();
  if (/^[{[]/.test(start)) return;
  const what = start.startsWith("GATE") ? "a .gate file already" : "no model";
  throw new ImportError("FILE_UNREADABLE", `${file} is ${what}: expected a model.json, .keras or .h5 file`);
}

async function readTfjs(source: ModelSource, bytes: Uint8Array): Promise<RawModel> {
  checkIsJson(source.entry, bytes);
  const json = asObject(parseJson(new TextDecoder().decode(bytes), source.entry), source.entry);
  if (
    json["format"] === "graph-model" ||
    (isObject(json["modelTopology"]) && Array.isArray(json["modelTopology"]["node"]))
  ) {
    const text = `${source.entry} is a tfjs graph-model: convert the Keras model with --output_format tfjs_layers_model`;
    throw new ImportError("OPTION_UNSUPPORTED", text);
  }
  const outer = asObject(json["modelTopology"] ?? json, "modelTopology");
  const topology = outer["model_config"] ?? outer;
  const inner = asObject(typeof topology === "string" ? parseJson(topology, "model_config") : topology, "model_config");
  if (json["weightsManifest"] === undefined && json["modelTopology"] === undefined && inner["config"] === undefined) {
    const text = `${source.entry} is no model: it has neither modelTopology nor weightsManifest`;
    throw new ImportError("TOPOLOGY_INVALID", text);
  }
  if (json["weightsManifest"] === undefined) {
    throw new ImportError("WEIGHT_MISSING", `${source.entry} has no weightsManifest: save the model with its weights`);
  }
  const tensors = await readManifestWeights(source, json["weightsManifest"]);
  const version = String(outer["keras_version"] ?? inner["keras_version"] ?? "");
  const generated = String(json["generatedBy"] ?? "");
  return {
    topology: inner,
    weights: new NamedWeights(tensors.values()),
    dialect: dialectOf(version, generated),
    provenance: provenanceOf(version, generated, String(json["convertedBy"] ?? "")),
  };
}

/** Who wrote the topology, from `keras_version` and `generatedBy`. */
export function dialectOf(kerasVersion: string, generatedBy: string): Dialect {
  if (/tfjs/i.test(kerasVersion) || /tfjs|tensorflow\.js/i.test(generatedBy)) return "tfjs";
  const version = /(\d+)\.\d+/.exec(kerasVersion) ?? /keras v?(\d+)\.\d+/i.exec(generatedBy);
  if (version === null) return "tfjs";
  return Number(version[1]) >= 3 ? "keras3" : "keras2";
}

function provenanceOf(kerasVersion: string, generatedBy: string, convertedBy: string): string {
  const writer = /tfjs/i.test(kerasVersion) ? kerasVersion : kerasVersion ? `keras ${kerasVersion}` : generatedBy;
  const converter = convertedBy && convertedBy !== "null" ? ` via ${convertedBy}` : "";
  return (writer || "unknown writer") + converter;
}

interface InputShape {
  /** Null: not known, as the vector's length of `[null, null]`. */
  readonly dims: readonly (number | null)[];
}

function inputShape(layer: LayerSpec): InputShape {
  const { config } = layer;
  const given = config["batch_input_shape"] ?? config["batch_shape"];
  const place = { layer: layer.name, layerClass: layer.className };
  const shape = Array.isArray(given) && given.length === 1 && Array.isArray(given[0]) ? given[0] : given;
  if (!Array.isArray(shape) || shape.length < 2) {
    throw new ImportError("TOPOLOGY_INVALID", `input ${layer.name} has no batch_shape of two or more sizes`, place);
  }
  if (shape.length > 3) {
    const text = `input ${layer.name} has the shape [${shape.map(String).join(", ")}]: sequences [steps, channels] are run`;
    throw new ImportError("SHAPE_UNSUPPORTED", text, place);
  }
  const dims = shape.slice(1).map((size: unknown) => {
    if (size === null || size === undefined || size === -1) return null;
    if (typeof size === "number" && Number.isInteger(size) && size > 0) return size;
    throw new ImportError("TOPOLOGY_INVALID", `input ${layer.name} has the size ${String(size)} in its shape`, place);
  });
  return { dims };
}

function isStateful(model: ModelSpec): boolean {
  const holds = (config: JsonObject): boolean =>
    config["stateful"] === true ||
    Object.values(config).some((value) => isObject(value) && isObject(value["config"]) && holds(value["config"]));
  return model.layers.some((layer) =>
    layer.model === undefined ? holds(layer.config) : layer.model !== undefined && isStateful(layer.model),
  );
}

/** The steps of a window: options first, then stateful (open), then the file. Undefined: the file's own. */
function windowSteps(own: number | null, stateful: boolean, options: ImportOptions): number | null {
  const { window, stream } = options;
  if (window !== undefined && (!Number.isInteger(window) || window < 1)) {
    throw new RangeError(`window must be a positive whole number, got ${window}`);
  }
  if (window !== undefined && stream === true) throw new TypeError("give either window or stream: true, not both");
  if (window !== undefined) return window;
  if (stream === true) return null;
  if (stateful && stream === undefined) return null;
  if (stream === false && own === null) {
    throw new ImportError(
      "WINDOW_NEEDED",
      "the model's time dimension is open: give the number of steps (window option)",
    );
  }
  return own;
}

function buildGraph(raw: RawModel, options: ImportOptions): Graph {
  const model = parseModel(raw.topology);
  refuseUnknownLayers(model);
  const inputLayer = onlyInput(model);
  const stateful = isStateful(model);
  const { dims } = inputShape(inputLayer);
  const sequence = dims.length === 2;
  const steps = windowSteps(dims[0], stateful, options);
  const builder = new GraphBuilder();
  const cols = sequence ? dims[1] : (dims[0] ?? 0);
  if (cols === null) {
    throw new ImportError("SHAPE_UNSUPPORTED", `input ${inputLayer.name} does not tell how many channels it has`);
  }
  const shape = { sequence, rows: sequence ? steps : 1, cols };
  const node = builder.add({
    op: "input",
    kind: "frames",
    name: inputLayer.name,
    layerClass: "InputLayer",
    inputs: [],
    shape,
  });
  const session: ImportSession = {
    builder,
    weights: raw.weights,
    dialect: raw.dialect,
    warn: options.warn ?? (() => {}),
    tokenSteps: steps,
    cellsSeen: new Map(),
  };
  const input = { node, shape, mask: undefined, probes: sequence ? PROBES : PROBES.map(() => 1) };
  const output = lowerModel(session, model, [input], { names: [], stores: [[]] });
  const final = builder.nodes[0];
  if (final.shape.cols === 0) {
    throw new ImportError("SHAPE_UNSUPPORTED", `input ${inputLayer.name} does not tell how many values it has`);
  }
  return builder.finish(output.node, {
    name: model.name,
    window: final.shape.rows,
    stateful: stateful && options.window === undefined && options.stream !== false,
    provenance: raw.provenance,
  });
}

function onlyInput(model: ModelSpec): LayerSpec {
  const names = model.inputs.map((ref) => ref.layer);
  if (names.length !== 1) {
    throw new ImportError(
      "SHAPE_UNSUPPORTED",
      `the model has ${names.length} inputs (${names.join(", ")}): one is run`,
    );
  }
  const layer = model.layers.find((candidate) => candidate.name === names[0]);
  if (layer === undefined) throw new ImportError("TOPOLOGY_INVALID", `input layer ${names[0]} is not among the layers`);
  // A Sequential that begins with a nested model takes that model's input shape.
  return MODEL_CLASSES.has(layer.className) && layer.model !== undefined ? onlyInput(layer.model) : layer;
}
