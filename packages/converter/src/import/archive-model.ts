import { type Hdf5Group, openHdf5 } from "../archive/hdf5.js";
import { unzipFiles } from "../archive/zip.js";
import type { Dialect } from "./config.js";
import { ImportError } from "./errors.js";
import type { RawModel } from "./import-model.js";
import { asObject, parseJson } from "./json.js";
import { NamedWeights, type StoredTensor, type WeightAddress, type WeightStore } from "./weight-store.js";

/** Runs `read`; whatever a library throws becomes `FILE_UNREADABLE` with the file's name. */
function guarded<Result>(file: string, read: () => Result): Result {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof ImportError) throw cause;
    throw new ImportError("FILE_UNREADABLE", `cannot read ${file}: ${String(cause)}`, { cause });
  }
}

/** Reads a Keras 3 `.keras` archive (zip) or a whole-model `.h5` file. Throws {@link ImportError}. */
export function readArchive(entry: string, bytes: Uint8Array): RawModel {
  return guarded(entry, () => (bytes[0] === 0x50 ? readKeras(entry, bytes) : readH5(entry, bytes)));
}

const KERAS_FILES = ["config.json", "metadata.json", "model.weights.h5"] as const;

function readKeras(entry: string, bytes: Uint8Array): RawModel {
  const files = unzipFiles(bytes, KERAS_FILES);
  const text = (name: string): string => {
    const file = files.get(name);
    if (file === undefined) throw new ImportError("FILE_MISSING", `${entry} holds no ${name}: is it a Keras archive?`);
    return new TextDecoder().decode(file);
  };
  const metadata = asObject(parseJson(text("metadata.json"), "metadata.json"), "metadata.json");
  const version = String(metadata["keras_version"] ?? "");
  const weights = files.get("model.weights.h5");
  if (weights === undefined) {
    throw new ImportError("FILE_MISSING", `${entry} holds no model.weights.h5: save it with model.save("name.keras")`);
  }
  return {
    topology: parseJson(text("config.json"), "config.json"),
    weights: new GroupedWeights(
      guarded("model.weights.h5", () => openHdf5(weights)),
      entry,
    ),
    dialect: kerasDialect(version),
    provenance: `keras ${version}`,
  };
}

function kerasDialect(version: string): Dialect {
  return /^[012]\./.test(version) ? "keras2" : "keras3";
}

function readH5(entry: string, bytes: Uint8Array): RawModel {
  const root = openHdf5(bytes);
  const config = root.attribute("model_config");
  if (typeof config !== "string") {
    const text = `${entry} holds no model_config: it has weights only; save the whole model, or as .keras`;
    throw new ImportError("FILE_UNREADABLE", text);
  }
  const version = String(root.attribute("keras_version") ?? "");
  const weights = root.group("model_weights");
  if (weights === undefined) throw new ImportError("WEIGHT_MISSING", `${entry} holds no model_weights`);
  return {
    topology: parseJson(config, "model_config"),
    weights: new NamedWeights(legacyTensors(weights, [])),
    dialect: kerasDialect(version),
    provenance: `keras ${version}`,
  };
}

/** All tensors below a group, named by their paths. */
function* legacyTensors(group: Hdf5Group, path: readonly string[]): Generator<StoredTensor> {
  for (const key of group.keys) {
    const inner = group.group(key);
    if (inner !== undefined) yield* legacyTensors(inner, [...path, key]);
    const tensor = group.tensor(key);
    if (tensor !== undefined) yield { name: [...path, key].join("/"), shape: tensor.shape, data: tensor.read() };
  }
}

/** Weights in groups that mirror the layers, numbered within them: `layers/lstm/cell/vars/0`. */
class GroupedWeights implements WeightStore {
  constructor(
    readonly root: Hdf5Group,
    readonly entry: string,
  ) {}

  names(): readonly string[] {
    const names: string[] = [];
    const walk = (group: Hdf5Group, path: readonly string[]) => {
      for (const key of group.keys) {
        const inner = key === "optimizer" ? undefined : group.group(key);
        if (inner !== undefined) walk(inner, [...path, key]);
        else if (group.tensor(key) !== undefined) names.push([...path, key].join("/"));
      }
    };
    guarded("model.weights.h5", () => walk(this.root, []));
    return names;
  }

  find(address: WeightAddress, order: readonly string[], name: string): StoredTensor | undefined {
    return guarded("model.weights.h5", () => {
      for (const path of address.stores) {
        let group: Hdf5Group | undefined = this.root;
        for (const key of [...path, "vars"]) group = group?.group(key);
        const index = String(order.indexOf(name));
        const tensor = group?.tensor(index);
        if (tensor !== undefined) {
          return { name: [...path, "vars", index].join("/"), shape: tensor.shape, data: tensor.read() };
        }
      }
      return undefined;
    });
  }
}
